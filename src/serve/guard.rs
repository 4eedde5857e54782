//! Admission of a request by its head alone, in this order: host, origin, fetch site, token, then the type and size
//! of its body. Pure.

use crate::model::token::Token;
use crate::serve::head::{Head, Method};
use crate::serve::limits::BODY_BYTES;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::routes::RouteAccess;

/// What the client authenticates with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// The token itself.
    Bearer,
    /// A ticket for a WebSocket, not checked yet.
    Ticket(String),
    /// Nothing: enough for pages and the liveness check.
    Nothing,
}

/// The subprotocol of all WebSockets.
pub(super) const PROTOCOL: &str = "dispatch.v1";

/// Host, origin, fetch site and token: the checks before any route.
pub(super) fn admit(head: &Head, token: &Token, access: RouteAccess) -> Result<Credential, Refusal> {
    let host = host(head)?;
    origin(head, &host)?;
    fetch_site(head, access)?;
    let credential = credential(head, token)?;
    if credential == Credential::Nothing && access == RouteAccess::Guarded {
        return Err(
            Refusal::new(RefusalKind::NoToken).hint("`dispatch token` prints it: `Authorization: Bearer TOKEN`")
        );
    }
    Ok(credential)
}

/// Exactly one `Host` with a loopback name; any port, since tunnels change it.
fn host(head: &Head) -> Result<String, Refusal> {
    let host = head.header("host").ok_or_else(|| Refusal::malformed("not exactly one Host"))?.to_ascii_lowercase();
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => (&host[..colon], &host[colon + 1..]),
        _ => (host.as_str(), "0"),
    };
    let known = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    if known && is_port { Ok(host) } else { Err(Refusal::new(RefusalKind::Misdirected)) }
}

fn origin(head: &Head, host: &str) -> Result<(), Refusal> {
    let mut origins = head.all("origin");
    let ours = format!("http://{host}");
    match (origins.next(), origins.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if origin.eq_ignore_ascii_case(&ours) => Ok(()),
        _ => Err(Refusal::new(RefusalKind::Forbidden)),
    }
}

fn fetch_site(head: &Head, access: RouteAccess) -> Result<(), Refusal> {
    if access == RouteAccess::Page && is_page_load(head) {
        return Ok(());
    }
    let mut sites = head.all("sec-fetch-site");
    let reads = matches!(head.method, Method::Get | Method::Head);
    match (sites.next(), sites.next()) {
        (None, _) | (Some("same-origin"), None) => Ok(()),
        (Some("none"), None) if access != RouteAccess::Guarded && reads => Ok(()),
        _ => Err(Refusal::new(RefusalKind::Forbidden)),
    }
}

/// Whether a tab loads the page, from any site: `serve --open` and links come from another one. Frames and scripts
/// send other headers.
pub(super) fn is_page_load(head: &Head) -> bool {
    let is = |name, value| head.header(name) == Some(value);
    matches!(head.method, Method::Get | Method::Head)
        && head.all("sec-fetch-site").count() == 1
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

fn credential(head: &Head, token: &Token) -> Result<Credential, Refusal> {
    if head.has("authorization") {
        let offered = head.header("authorization").and_then(|value| value.split_once(' '));
        return match offered {
            Some((scheme, offered)) if scheme.eq_ignore_ascii_case("bearer") && token.matches(offered.as_bytes()) => {
                Ok(Credential::Bearer)
            }
            _ => Err(Refusal::new(RefusalKind::NoToken)),
        };
    }
    let offered = head.all("sec-websocket-protocol").flat_map(|value| value.split(','));
    let ticket = offered.filter_map(|word| word.trim().strip_prefix("ticket.")).next();
    Ok(ticket.map_or(Credential::Nothing, |ticket| Credential::Ticket(ticket.to_owned())))
}

/// The length of the body in bytes, if it may be read.
pub(super) fn body_size(head: &Head) -> Result<usize, Refusal> {
    if head.has("transfer-encoding") {
        return Err(Refusal::new(RefusalKind::LengthRequired));
    }
    let size = match head.header("content-length") {
        None if head.has("content-length") => return Err(Refusal::malformed("more than one Content-Length")),
        None => 0,
        Some(text) if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) => {
            return Err(Refusal::malformed("a Content-Length that is no number"));
        }
        // A number that does not fit is too large as well.
        Some(text) => text.parse::<u64>().unwrap_or(u64::MAX),
    };
    if size > BODY_BYTES as u64 {
        return Err(Refusal::new(RefusalKind::BodyTooLarge));
    }
    let writes = matches!(head.method, Method::Post | Method::Put);
    if size > 0 && !writes {
        return Err(Refusal::malformed("a body where none belongs"));
    }
    if writes && (size > 0 || head.has("content-type")) {
        media_type(head)?;
    }
    match head.all("expect").next() {
        None => {}
        Some(value) if value.eq_ignore_ascii_case("100-continue") => {}
        Some(_) => return Err(Refusal::new(RefusalKind::Expectation)),
    }
    usize::try_from(size).map_err(|_| Refusal::new(RefusalKind::BodyTooLarge))
}

/// JSON for POST, text for PUT: the forms of a foreign page cannot send either.
fn media_type(head: &Head) -> Result<(), Refusal> {
    let value = head.header("content-type").unwrap_or_default();
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let known = match head.method {
        Method::Put => ["text/yaml", "application/yaml", "text/plain"].contains(&kind.as_str()),
        _ => kind == "application/json",
    };
    let utf8 = parameters.trim().is_empty() || parameters.trim().eq_ignore_ascii_case("charset=utf-8");
    if known && utf8 { Ok(()) } else { Err(Refusal::new(RefusalKind::MediaType)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: [u8; 32] = [7; 32];

    fn head(lines: &str) -> Head {
        let text = format!("{}\r\n\r\n", lines.trim().replace('\n', "\r\n"));
        Head::parse(text.as_bytes()).unwrap().unwrap().0
    }

    fn admitted(lines: &str) -> Result<Credential, u16> {
        let auth = format!("{lines}\nAuthorization: Bearer {}", Token::from_random(TOKEN).reveal());
        admit(&head(&auth), &Token::from_random(TOKEN), RouteAccess::Guarded).map_err(|refusal| refusal.status())
    }

    #[test]
    fn only_this_machines_names_are_hosts() {
        for host in ["127.0.0.1", "127.0.0.1:80", "LOCALHOST:1", "[::1]", "[::1]:99", "localhost:9999"] {
            assert_eq!(admitted(&format!("GET / HTTP/1.1\nHost: {host}")), Ok(Credential::Bearer), "{host}");
        }
        for host in [
            "evil.test",
            "127.0.0.1.evil.test",
            "evil.test#127.0.0.1",
            "localhost.evil.test",
            "0.0.0.0:1",
            "[::]:1",
            "169.254.1.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "127.0.0.2",
            "[::ffff:127.0.0.1]",
            "localhost.",
            "x.localhost",
            "127.0.0.1:80, evil",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:123456",
            "",
        ] {
            assert_eq!(admitted(&format!("GET / HTTP/1.1\nHost: {host}")), Err(421), "{host}");
        }
        assert_eq!(admitted("GET / HTTP/1.1"), Err(400));
        assert_eq!(admitted("GET / HTTP/1.1\nHost: localhost\nHost: localhost"), Err(400));
    }

    #[test]
    fn foreign_pages_are_refused_even_with_the_token() {
        let ask = |more: &str| admitted(&format!("POST / HTTP/1.1\nHost: 127.0.0.1:5\n{more}"));
        assert_eq!(ask("Origin: http://127.0.0.1:5"), Ok(Credential::Bearer));
        assert_eq!(ask("Sec-Fetch-Site: same-origin"), Ok(Credential::Bearer));
        for more in [
            "Origin: http://evil.test",
            "Origin: null",
            "Origin: http://127.0.0.1:6",
            "Origin: https://127.0.0.1:5",
            "Origin: http://127.0.0.1:5.evil.test",
            "Origin: http://localhost:5",
            "Sec-Fetch-Site: same-site",
            "Origin: http://127.0.0.1:5\nOrigin: http://127.0.0.1:5",
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: none",
        ] {
            assert_eq!(ask(more), Err(403), "{more}");
        }
    }

    #[test]
    fn a_person_may_walk_to_the_page_from_anywhere_and_to_nothing_else() {
        const WALK: &str = "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document";
        let token = Token::from_random(TOKEN);
        let come = |method: &str, access: RouteAccess, more: &str| {
            let head = head(&format!("{method} / HTTP/1.1\nHost: localhost\n{more}"));
            admit(&head, &token, access).map_err(|refusal| refusal.status())
        };
        assert_eq!(come("GET", RouteAccess::Page, WALK), Ok(Credential::Nothing));
        assert_eq!(come("GET", RouteAccess::Page, &WALK.replace("cross-site", "same-site")), Ok(Credential::Nothing));
        assert_eq!(come("POST", RouteAccess::Page, WALK), Err(403));
        assert_eq!(come("GET", RouteAccess::Open, WALK), Err(403));
        assert_eq!(come("GET", RouteAccess::Guarded, WALK), Err(403));
        assert_eq!(come("GET", RouteAccess::Page, &format!("{WALK}\nOrigin: http://evil.test")), Err(403));
        for (from, to) in [
            ("document", "iframe"),
            ("document", "object"),
            ("document", "empty"),
            ("navigate", "no-cors"),
            ("navigate", "cors"),
            ("document", "document\nSec-Fetch-Dest: document"),
            ("cross-site", "cross-site\nSec-Fetch-Site: same-origin"),
            ("\nSec-Fetch-Dest: document", ""),
            ("\nSec-Fetch-Mode: navigate", ""),
        ] {
            assert_eq!(come("GET", RouteAccess::Page, &WALK.replace(from, to)), Err(403), "{to}");
        }
    }

    #[test]
    fn the_token_comes_in_one_way_only() {
        let token = Token::from_random(TOKEN);
        let status =
            |lines: &str| admit(&head(lines), &token, RouteAccess::Guarded).map_err(|refusal| refusal.status());
        let reveal = token.reveal();
        for lines in [
            String::new(),
            format!("Authorization: Basic {reveal}"),
            format!("Authorization: Bearer {}", reveal.to_uppercase().replace('0', "o")),
            format!("Authorization: Bearer {reveal}x"),
            "Authorization: Bearer".to_owned(),
            format!("Authorization: Bearer {reveal}\nAuthorization: Bearer {reveal}"),
            format!("Cookie: token={reveal}\nX-Token: {reveal}"),
        ] {
            let lines = format!("GET /x?token={reveal} HTTP/1.1\nHost: localhost\n{lines}");
            assert_eq!(status(&lines), Err(401), "{lines}");
        }
        let open = head("GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: none");
        assert_eq!(admit(&open, &token, RouteAccess::Open).unwrap(), Credential::Nothing);
        let ticket = "GET /x HTTP/1.1\nHost: localhost\nSec-WebSocket-Protocol: dispatch.v1, ticket.abc";
        assert_eq!(status(ticket), Ok(Credential::Ticket("abc".to_owned())));
    }

    #[test]
    fn a_body_says_its_length_and_kind() {
        let size = |method: &str, more: &str| {
            body_size(&head(&format!("{method} / HTTP/1.1\n{more}"))).map_err(|refusal| refusal.status())
        };
        let json = |length: &str| size("POST", &format!("Content-Type: application/json\nContent-Length: {length}"));
        assert_eq!(json("1048576"), Ok(1_048_576));
        assert_eq!(size("POST", "Content-Type: application/json; charset=UTF-8\nContent-Length: 5"), Ok(5));
        assert_eq!(size("POST", "Content-Length: 0"), Ok(0));
        assert_eq!(size("PUT", "Content-Type: text/yaml\nContent-Length: 5"), Ok(5));
        for length in ["1048577", "100000000000000", "18446744073709551615", "18446744073709551616"] {
            assert_eq!(json(length), Err(413), "{length}");
        }
        for length in ["-1", "+5", "0x10", "5, 5", "", "5\nContent-Length: 5", "5\nContent-Length: 6"] {
            assert_eq!(json(length), Err(400), "{length}");
        }
        for te in ["Transfer-Encoding: chunked", "Transfer-Encoding: identity\nContent-Length: 5"] {
            assert_eq!(size("POST", te), Err(411), "{te}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; x=y"]
        {
            assert_eq!(size("POST", &format!("Content-Type: {kind}\nContent-Length: 2")), Err(415), "{kind}");
        }
        assert_eq!(size("POST", "Content-Length: 2"), Err(415));
        assert_eq!(size("GET", "Content-Length: 2"), Err(400));
        assert_eq!(size("POST", "Expect: x"), Err(417));
    }
}
