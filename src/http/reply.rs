//! An answer as a value, and its way onto the wire: one write for what fits into memory.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use tiny_http::{HTTPVersion, Header, Response, StatusCode};

use crate::http::head::Head;

/// What goes with every answer (SECURITY section 2): nothing may frame, sniff, cache or refer.
const ALWAYS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
];

/// What a browser may keep: nothing, or what it asks about before it uses it again.
const NOTHING: &str = "no-store";
const ASKED_ABOUT: &str = "no-cache";

/// A shorter body is sent as it is.
const WORTH_COMPRESSING: usize = 1024;

const SERVER: (&str, &str) = ("Server", "dispatch");

pub(super) const JSON: &str = "application/json; charset=utf-8";
/// How much of a long body is held at once.
const CHUNK: usize = 64 * 1024;

/// See the module.
pub(super) struct Reply {
    pub(super) status: u16,
    content_type: &'static str,
    cache: &'static str,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Body,
}

enum Body {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
    /// So many bytes from a reader.
    Long(Box<dyn Read + Send>, u64),
}

impl Reply {
    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(mut bytes) => {
                bytes.push(b'\n');
                Self { status, content_type: JSON, cache: NOTHING, headers: Vec::new(), body: Body::Owned(bytes) }
            }
            Err(_) => Self {
                status: 500,
                content_type: JSON,
                cache: NOTHING,
                headers: Vec::new(),
                body: Body::Owned(Vec::new()),
            },
        }
    }

    /// JSON that is kept and sent many times.
    pub(super) fn shared(json: Arc<[u8]>) -> Self {
        Self { status: 200, content_type: JSON, cache: NOTHING, headers: Vec::new(), body: Body::Shared(json) }
    }

    pub(super) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { status: 200, content_type, cache: NOTHING, headers: Vec::new(), body: Body::Static(bytes) }
    }

    pub(super) fn text(content_type: &'static str, text: String) -> Self {
        Self::owned(content_type, text.into_bytes())
    }

    pub(super) fn owned(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { status: 200, content_type, cache: NOTHING, headers: Vec::new(), body: Body::Owned(bytes) }
    }

    /// A body that is read as it is sent; `length` bytes of it are there.
    pub(super) fn long(status: u16, content_type: &'static str, body: Box<dyn Read + Send>, length: u64) -> Self {
        Self { status, content_type, cache: NOTHING, headers: Vec::new(), body: Body::Long(body, length) }
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// It is the same for everybody, and is told apart by its `ETag`.
    pub(super) fn revalidated(mut self) -> Self {
        self.cache = ASKED_ABOUT;
        self
    }

    /// Compressed, where the client takes that and it is worth it.
    pub(super) fn compressed_for(self, head: &Head) -> Self {
        let Body::Owned(bytes) = &self.body else { return self };
        let small = bytes.len() < WORTH_COMPRESSING;
        let packed = if head.takes_gzip() && !small { gzip(bytes).ok() } else { None };
        let reply = if small { self } else { self.header("Vary", "Accept-Encoding") };
        match packed {
            Some(packed) => Self { body: Body::Owned(packed), ..reply }.header("Content-Encoding", "gzip"),
            None => reply,
        }
    }

    /// Writes it. `without_body` answers HEAD: the headers of GET and nothing else.
    pub(super) fn write(self, mut to: impl Write, keep_alive: bool, without_body: bool) -> io::Result<()> {
        let (bytes, long): (&[u8], _) = match &self.body {
            Body::Owned(bytes) => (bytes, None),
            Body::Shared(bytes) => (bytes, None),
            Body::Static(bytes) => (bytes, None),
            Body::Long(_, length) => (&[], Some(*length)),
        };
        let length = long.unwrap_or(bytes.len() as u64);
        let pairs = [("Content-Type", self.content_type), ("Cache-Control", self.cache)];
        let pairs = pairs.into_iter().chain(self.headers.iter().map(|(name, value)| (*name, value.as_ref())));
        let mut out = head_of(self.status, pairs, length, keep_alive)?;
        if !without_body {
            out.extend_from_slice(bytes);
        }
        to.write_all(&out)?;
        match self.body {
            Body::Long(mut body, length) if !without_body => copy(&mut body, &mut to, length),
            _ => Ok(()),
        }
    }
}

/// [`ALWAYS`] as lines.
fn always() -> &'static [u8] {
    static LINES: OnceLock<String> = OnceLock::new();
    LINES.get_or_init(|| ALWAYS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()).as_bytes()
}

/// Status line and headers. `Connection` is ours: the library drops it.
fn head_of<'a>(
    status: u16,
    pairs: impl Iterator<Item = (&'static str, &'a str)>,
    length: u64,
    keep_alive: bool,
) -> io::Result<Vec<u8>> {
    let mut all = Vec::with_capacity(8);
    // Without a name of ours the library would tell its own.
    for (name, value) in std::iter::once(SERVER).chain(pairs) {
        // A line end in a value would begin a header of its own.
        let value: String = value.chars().map(|c| if c.is_control() || !c.is_ascii() { '_' } else { c }).collect();
        all.push(Header::from_bytes(name, value).map_err(|()| io::Error::other("a header that cannot be sent"))?);
    }
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let response = Response::new(StatusCode(status), all, io::empty(), Some(length), None);
    let mut out = Vec::with_capacity(2048);
    response.with_chunked_threshold(usize::MAX).raw_print(&mut out, HTTPVersion(1, 1), &[], true, None)?;
    // The library would make each of these anew for each answer, which takes longer than all else.
    out.truncate(out.len().saturating_sub(2));
    out.extend_from_slice(always());
    out.extend_from_slice(b"\r\n");
    if !keep_alive {
        let end = out.len().saturating_sub(2);
        out.splice(end..end, b"Connection: close\r\n".iter().copied());
    }
    Ok(out)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
}

/// The head of the answer that makes a connection a WebSocket.
pub(super) fn switching(accept: &str, protocol: Option<&'static str>) -> Vec<u8> {
    let mut out = String::from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    for (name, value) in
        ALWAYS.iter().copied().chain([SERVER, ("Cache-Control", NOTHING), ("Sec-WebSocket-Accept", accept)])
    {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(protocol) = protocol {
        out.push_str(&format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
    }
    out.push_str("\r\n");
    out.into_bytes()
}

fn copy(from: &mut dyn Read, to: &mut impl Write, mut left: u64) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let count = from.read(&mut buffer[..most])?;
        if count == 0 {
            // Less is there than was promised: only an end can say so.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: Reply, keep_alive: bool, without_body: bool) -> String {
        let mut out = Vec::new();
        reply.write(&mut out, keep_alive, without_body).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_answer_carries_the_headers_and_its_length() {
        let text = written(Reply::json(200, &serde_json::json!({"a": 1})), true, false);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        for (name, value) in ALWAYS.iter().chain([&SERVER, &("Cache-Control", NOTHING)]) {
            assert_eq!(text.matches(&format!("{name}: ")).count(), 1, "{name} in {text}");
            assert!(text.contains(&format!("{name}: {value}\r\n")), "{name} in {text}");
        }
        assert!(text.contains("Content-Length: 8\r\n") && text.ends_with("\r\n\r\n{\"a\":1}\n"), "{text}");
        assert!(!text.contains("Connection"), "{text}");
    }

    #[test]
    fn a_body_is_compressed_for_whoever_takes_it() {
        let asked = |accepts: &str| {
            let text = format!("GET / HTTP/1.1\r\nAccept-Encoding: {accepts}\r\n\r\n");
            Head::parse(text.as_bytes()).unwrap().unwrap().0
        };
        let sent = |accepts, length| {
            let mut out = Vec::new();
            let reply = Reply::text("text/plain", "a".repeat(length)).compressed_for(&asked(accepts));
            reply.write(&mut out, true, false).unwrap();
            (String::from_utf8_lossy(&out).contains("Content-Encoding: gzip\r\n"), out.len() > length)
        };
        assert_eq!(sent("deflate, gzip;q=0.5", 10_000), (true, false));
        for accepts in ["", "identity", "gzip;q=0", "gzip; q=0.0"] {
            assert_eq!(sent(accepts, 10_000), (false, true), "{accepts}");
        }
        assert_eq!(sent("gzip", 10), (false, true));
    }

    #[test]
    fn head_and_close_are_said() {
        let text = written(Reply::text("text/plain", "abc".to_owned()), false, true);
        assert!(text.contains("Content-Length: 3\r\n") && text.ends_with("Connection: close\r\n\r\n"), "{text}");
    }

    #[test]
    fn no_value_begins_a_header() {
        let text = written(Reply::text("text/plain", String::new()).header("X", "a\r\nEvil: b"), true, false);
        assert!(text.contains("X: a__Evil: b\r\n"), "{text}");
    }

    #[test]
    fn a_long_body_is_copied_and_a_short_one_is_an_error() {
        let long =
            |there: usize, said| Reply::long(200, "text/plain", Box::new(io::Cursor::new(vec![b'x'; there])), said);
        assert!(written(long(200_000, 200_000), true, false).ends_with("xxx"));
        assert!(long(10, 11).write(&mut Vec::new(), true, false).is_err());
    }
}
