//! Bytes → the head of a request. Strict: what two parsers could read differently is refused.

use crate::serve::limits::{HEAD_BYTES, HEAD_LINES, PATH_SEGMENTS};
use crate::serve::refusal::{Refusal, RefusalKind};

/// Request methods; names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Put,
    Other,
}

/// A request without its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: Method,
    /// The decoded segments of the path; none for `/`.
    pub(super) path: Vec<String>,
    /// In order of occurrence, decoded.
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// The client may send another request on this connection.
    pub(super) keep_alive: bool,
    /// HTTP/1.1.
    pub(super) is_1_1: bool,
}

impl Head {
    /// The head at the start of `bytes`, and its length. `None`: its end has not arrived yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let mut lines = [httparse::EMPTY_HEADER; HEAD_LINES];
        let mut request = httparse::Request::new(&mut lines);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES => {
                return Err(Refusal::new(RefusalKind::HeadTooLarge));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal::new(RefusalKind::HeadTooLarge)),
            Err(error) => return Err(Refusal::malformed(error.to_string())),
        };
        if length > HEAD_BYTES {
            return Err(Refusal::new(RefusalKind::HeadTooLarge));
        }
        check_bytes(&bytes[..length])?;
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
            return Err(Refusal::malformed("an incomplete request line"));
        };
        let mut headers = Vec::with_capacity(request.headers.len());
        for header in request.headers.iter() {
            let value = std::str::from_utf8(header.value).map_err(|_| Refusal::malformed("a header is no text"))?;
            headers.push((header.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let (path, query) = split_target(target)?;
        let mut head = Self {
            method: match method {
                "GET" => Method::Get,
                "HEAD" => Method::Head,
                "POST" => Method::Post,
                "PUT" => Method::Put,
                _ => Method::Other,
            },
            path,
            query,
            headers,
            keep_alive: version == 1,
            is_1_1: version == 1,
        };
        if head.has_word("connection", "close") {
            head.keep_alive = false;
        }
        Ok(Some((head, length)))
    }

    /// The value of a header that is present exactly once.
    pub(super) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }

    /// Every value of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether `If-None-Match` names this entity tag.
    pub(super) fn knows_tag(&self, tag: &str) -> bool {
        self.header("if-none-match").is_some_and(|known| known.split(',').any(|known| known.trim() == tag))
    }

    /// Whether a header with a list of words, as `Connection`, has this word.
    pub(super) fn has_word(&self, name: &str, word: &str) -> bool {
        self.all(name).any(|value| value.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
    }

    /// Whether the client accepts gzip, with a weight above zero.
    pub(super) fn takes_gzip(&self) -> bool {
        self.all("accept-encoding").flat_map(|value| value.split(',')).any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=");
            let refused = weight.is_some_and(|weight| weight.trim_matches(['0', '.']).is_empty());
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
    }

    /// The decoded path without the query, as in tickets and the log.
    pub(super) fn plain_path(&self) -> String {
        format!("/{}", self.path.join("/"))
    }
}

/// Only visible ASCII, spaces and tabs, and every line ends in CRLF.
fn check_bytes(head: &[u8]) -> Result<(), Refusal> {
    let mut before = 0;
    for byte in head {
        match byte {
            b'\n' if before != b'\r' => return Err(Refusal::malformed("a line that does not end in CRLF")),
            b'\n' | b'\r' | b'\t' | b' '..=b'~' => {}
            _ => return Err(Refusal::malformed("a byte that a head may not hold")),
        }
        before = *byte;
    }
    // Parsers disagree about empty lines before the request.
    if head.first().is_some_and(|byte| !byte.is_ascii_alphabetic()) {
        return Err(Refusal::malformed("something before the method"));
    }
    Ok(())
}

type PathAndQuery = (Vec<String>, Vec<(String, String)>);

/// Only the origin form, `/path?query`; decoded once.
fn split_target(target: &str) -> Result<PathAndQuery, Refusal> {
    let Some(rest) = target.strip_prefix('/') else {
        return Err(Refusal::malformed("the target is not a path"));
    };
    if target.contains('#') {
        return Err(Refusal::malformed("the target holds a fragment"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut segments = Vec::new();
    if !path.is_empty() {
        for segment in path.split('/') {
            if segments.len() == PATH_SEGMENTS {
                return Err(Refusal::new(RefusalKind::NoRoute));
            }
            segments.push(decode(segment, false)?);
        }
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    Ok((segments, query))
}

/// Percent-decodes; in a query `+` is a space.
fn decode(text: &str, plus: bool) -> Result<String, Refusal> {
    let wrong = || Refusal::malformed("a percent escape that cannot be decoded");
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(wrong);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(Head, usize)>, Refusal> {
        Head::parse(text.as_bytes())
    }

    #[test]
    fn a_plain_request_is_read_whole() {
        let text = "GET /status/code-review/TASK%2D1?a=1+2&b HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\nrest";
        let (head, length) = parse(text).unwrap().unwrap();
        assert_eq!(length, text.len() - 4);
        assert_eq!(head.method, Method::Get);
        assert_eq!(head.path, ["status", "code-review", "TASK-1"]);
        assert_eq!(head.query, [("a".into(), "1 2".into()), ("b".into(), String::new())]);
        assert_eq!((head.header("host"), head.keep_alive), (Some("x"), false));
        assert_eq!(head.plain_path(), "/status/code-review/TASK-1");
        assert!(parse("GET / HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
        assert!(parse("GET / HTTP/1.1\r\n\r\n").unwrap().unwrap().0.path.is_empty());
    }

    #[test]
    fn what_parsers_disagree_about_is_refused() {
        for text in [
            "GET / HTTP/1.1\nHost: x\n\n",
            "GET / HTTP/1.1\r\nHost: x\n\r\n",
            "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
            "GET /%zz HTTP/1.1\r\n\r\n",
            "GET /%c0%af HTTP/1.1\r\n\r\n",
            "GET /% HTTP/1.1\r\n\r\n",
            "GET /a#b HTTP/1.1\r\n\r\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_head_has_a_size_and_a_number_of_lines() {
        let long = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(HEAD_BYTES));
        assert!(matches!(parse(&long), Err(refusal) if refusal.status() == 431));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(HEAD_LINES + 1));
        assert!(matches!(parse(&many), Err(refusal) if refusal.status() == 431));
        let most = format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(HEAD_LINES));
        assert!(parse(&most).unwrap().is_some());
    }
}
