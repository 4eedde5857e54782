//! An HTTP response: its status, headers and body, and how it is written. A body in memory takes one write.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use tiny_http::{HTTPVersion, Header, StatusCode};

use crate::serve::head::Head;
use crate::serve::refusal::Refusal;

/// Sent with every response: no framing, no content sniffing, no referrer, no foreign scripts.
const SECURITY_HEADERS: &[(&str, &str)] = &[
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

/// `Cache-Control`: not stored, or revalidated before each use.
const NO_STORE: &str = "no-store";
const REVALIDATE: &str = "no-cache";

/// In bytes: shorter bodies are not compressed.
const COMPRESS_FROM: usize = 1024;

const SERVER: (&str, &str) = ("Server", "dispatch");

pub(super) const JSON: &str = "application/json; charset=utf-8";
/// In bytes: the part of a long body that is in memory at once.
const CHUNK: usize = 64 * 1024;

pub(super) struct Response {
    pub(super) status: u16,
    content_type: &'static str,
    cache: &'static str,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: ResponseBody,
}

enum ResponseBody {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
    /// This many bytes from a reader.
    Long(Box<dyn Read + Send>, u64),
    /// Everything from a reader, in chunks.
    Chunked(Box<dyn Read + Send>),
}

impl Response {
    fn new(status: u16, content_type: &'static str, body: ResponseBody) -> Self {
        Self { status, content_type, cache: NO_STORE, headers: Vec::new(), body }
    }

    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(mut bytes) => {
                bytes.push(b'\n');
                Self::new(status, JSON, ResponseBody::Owned(bytes))
            }
            Err(_) => Self::new(500, JSON, ResponseBody::Owned(Vec::new())),
        }
    }

    /// JSON that is cached and sent many times.
    pub(super) fn shared(json: Arc<[u8]>) -> Self {
        Self::new(200, JSON, ResponseBody::Shared(json))
    }

    pub(super) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(200, content_type, ResponseBody::Static(bytes))
    }

    pub(super) fn owned(content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(200, content_type, ResponseBody::Owned(bytes.into()))
    }

    /// A body of `length` bytes that is read while it is sent.
    pub(super) fn long(status: u16, content_type: &'static str, body: Box<dyn Read + Send>, length: u64) -> Self {
        Self::new(status, content_type, ResponseBody::Long(body, length))
    }

    /// A body of unknown length that is read while it is sent. HTTP/1.0 has no chunks: there it is read first.
    pub(super) fn streamed(
        content_type: &'static str,
        mut body: Box<dyn Read + Send>,
        head: &Head,
    ) -> Result<Self, Refusal> {
        if head.is_1_1 {
            return Ok(Self::new(200, content_type, ResponseBody::Chunked(body)));
        }
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).map_err(Refusal::internal)?;
        Ok(Self::owned(content_type, bytes))
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The browser may store it and must revalidate it by its `ETag`.
    pub(super) fn revalidated(mut self) -> Self {
        self.cache = REVALIDATE;
        self
    }

    /// Compresses the body if the client accepts gzip and the body is long enough.
    pub(super) fn compressed_for(self, head: &Head) -> Self {
        let ResponseBody::Owned(bytes) = &self.body else { return self };
        let small = bytes.len() < COMPRESS_FROM;
        let packed = if head.takes_gzip() && !small { gzip(bytes).ok() } else { None };
        let response = if small { self } else { self.header("Vary", "Accept-Encoding") };
        match packed {
            Some(packed) => Self { body: ResponseBody::Owned(packed), ..response }.header("Content-Encoding", "gzip"),
            None => response,
        }
    }

    /// Writes the response. `without_body` answers HEAD: the headers of GET without its body.
    pub(super) fn write(self, mut to: impl Write, keep_alive: bool, without_body: bool) -> io::Result<()> {
        let (bytes, length): (&[u8], _) = match &self.body {
            ResponseBody::Owned(bytes) => (bytes, Some(bytes.len() as u64)),
            ResponseBody::Shared(bytes) => (bytes, Some(bytes.len() as u64)),
            ResponseBody::Static(bytes) => (bytes, Some(bytes.len() as u64)),
            ResponseBody::Long(_, length) => (&[], Some(*length)),
            ResponseBody::Chunked(_) => (&[], None),
        };
        let pairs = [("Content-Type", self.content_type), ("Cache-Control", self.cache)];
        let pairs = pairs.into_iter().chain(self.headers.iter().map(|(name, value)| (*name, value.as_ref())));
        let mut out = head_of(self.status, pairs, length, keep_alive)?;
        if !without_body {
            out.extend_from_slice(bytes);
        }
        to.write_all(&out)?;
        match self.body {
            ResponseBody::Long(mut body, length) if !without_body => copy(&mut body, &mut to, length),
            ResponseBody::Chunked(mut body) if !without_body => copy_chunks(&mut body, &mut to),
            _ => Ok(()),
        }
    }
}

/// [`SECURITY_HEADERS`] as lines.
fn security_lines() -> &'static [u8] {
    static LINES: OnceLock<String> = OnceLock::new();
    LINES
        .get_or_init(|| SECURITY_HEADERS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect())
        .as_bytes()
}

/// Status line and headers; without a length the body is announced in chunks. `Connection` is added here, since the
/// library drops it.
fn head_of<'a>(
    status: u16,
    pairs: impl Iterator<Item = (&'static str, &'a str)>,
    length: Option<u64>,
    keep_alive: bool,
) -> io::Result<Vec<u8>> {
    let mut all = Vec::with_capacity(8);
    // Without this the library sends its own `HttpServer`.
    for (name, value) in std::iter::once(SERVER).chain(pairs) {
        // A line end in a value would start another header.
        let value: String = value.chars().map(|c| if c.is_control() || !c.is_ascii() { '_' } else { c }).collect();
        all.push(Header::from_bytes(name, value).map_err(|()| io::Error::other("a header that cannot be sent"))?);
    }
    let length = length.map(usize::try_from).transpose().map_err(io::Error::other)?;
    let response = tiny_http::Response::new(StatusCode(status), all, io::empty(), length, None);
    let mut out = Vec::with_capacity(2048);
    response.with_chunked_threshold(usize::MAX).raw_print(&mut out, HTTPVersion(1, 1), &[], true, None)?;
    // Appended as one prepared text: the library would build each header anew for each response.
    out.truncate(out.len().saturating_sub(2));
    out.extend_from_slice(security_lines());
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

/// The response head that turns a connection into a WebSocket.
pub(super) fn switching(accept: &str, protocol: Option<&'static str>) -> Vec<u8> {
    let mut out = String::from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    for (name, value) in
        SECURITY_HEADERS.iter().copied().chain([SERVER, ("Cache-Control", NO_STORE), ("Sec-WebSocket-Accept", accept)])
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
            // Shorter than `Content-Length`: the client learns it from the closed connection.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}

/// An error of the reader leaves out the last chunk: the client learns from the closed connection that it has not all.
fn copy_chunks(from: &mut dyn Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = from.read(&mut buffer)?;
        let mut chunk = format!("{count:x}\r\n").into_bytes();
        chunk.extend_from_slice(&buffer[..count]);
        chunk.extend_from_slice(b"\r\n");
        to.write_all(&chunk)?;
        if count == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: Response, keep_alive: bool, without_body: bool) -> String {
        let mut out = Vec::new();
        response.write(&mut out, keep_alive, without_body).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_response_carries_the_headers_and_its_length() {
        let text = written(Response::json(200, &serde_json::json!({"a": 1})), true, false);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        for (name, value) in SECURITY_HEADERS.iter().chain([&SERVER, &("Cache-Control", NO_STORE)]) {
            assert_eq!(text.matches(&format!("{name}: ")).count(), 1, "{name} in {text}");
            assert!(text.contains(&format!("{name}: {value}\r\n")), "{name} in {text}");
        }
        assert!(text.contains("Content-Length: 8\r\n") && text.ends_with("\r\n\r\n{\"a\":1}\n"), "{text}");
        assert!(!text.contains("Connection"), "{text}");
    }

    #[test]
    fn a_body_is_compressed_if_the_client_accepts_it() {
        let asked = |accepts: &str| {
            let text = format!("GET / HTTP/1.1\r\nAccept-Encoding: {accepts}\r\n\r\n");
            Head::parse(text.as_bytes()).unwrap().unwrap().0
        };
        let sent = |accepts, length| {
            let mut out = Vec::new();
            let response = Response::owned("text/plain", "a".repeat(length)).compressed_for(&asked(accepts));
            response.write(&mut out, true, false).unwrap();
            (String::from_utf8_lossy(&out).contains("Content-Encoding: gzip\r\n"), out.len() > length)
        };
        assert_eq!(sent("deflate, gzip;q=0.5", 10_000), (true, false));
        for accepts in ["", "identity", "gzip;q=0", "gzip; q=0.0"] {
            assert_eq!(sent(accepts, 10_000), (false, true), "{accepts}");
        }
        assert_eq!(sent("gzip", 10), (false, true));
    }

    #[test]
    fn head_and_close_are_answered() {
        let text = written(Response::owned("text/plain", "abc".to_owned()), false, true);
        assert!(text.contains("Content-Length: 3\r\n") && text.ends_with("Connection: close\r\n\r\n"), "{text}");
    }

    #[test]
    fn no_value_begins_a_header() {
        let text = written(Response::owned("text/plain", String::new()).header("X", "a\r\nEvil: b"), true, false);
        assert!(text.contains("X: a__Evil: b\r\n"), "{text}");
    }

    #[test]
    fn a_body_of_unknown_length_comes_in_chunks() {
        let head = |version: &str| Head::parse(format!("GET / HTTP/{version}\r\n\r\n").as_bytes()).unwrap().unwrap().0;
        let body = || Box::new(io::Cursor::new(b"abc".repeat(2)));
        let text = written(Response::streamed("text/csv", body(), &head("1.1")).unwrap(), true, false);
        assert!(text.contains("Transfer-Encoding: chunked\r\n") && !text.contains("Content-Length"), "{text}");
        assert!(text.ends_with("\r\n\r\n6\r\nabcabc\r\n0\r\n\r\n"), "{text}");
        let text = written(Response::streamed("text/csv", body(), &head("1.1")).unwrap(), true, true);
        assert!(text.ends_with("\r\n\r\n") && !text.contains("abc"), "{text}");
        let text = written(Response::streamed("text/csv", body(), &head("1.0")).unwrap(), false, false);
        assert!(text.contains("Content-Length: 6\r\n") && text.ends_with("\r\n\r\nabcabc"), "{text}");
    }

    #[test]
    fn a_long_body_is_copied_and_a_short_one_is_an_error() {
        let long =
            |there: usize, said| Response::long(200, "text/plain", Box::new(io::Cursor::new(vec![b'x'; there])), said);
        assert!(written(long(200_000, 200_000), true, false).ends_with("xxx"));
        assert!(long(10, 11).write(&mut Vec::new(), true, false).is_err());
    }
}
