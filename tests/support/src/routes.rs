//! The server's routes, the methods of the tests, and the headers of every reply.

use std::collections::HashSet;

use crate::server::Reply;

/// Every route, and a method that it knows.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/metrics"),
    ("GET", "/status/job/A"),
    ("POST", "/dispatch/job/A"),
    ("POST", "/stop/job/A"),
    ("GET", "/stop/job/A"),
    ("GET", "/logs/job/A"),
    ("POST", "/api/restart/job/A"),
    ("POST", "/api/attach/job/A"),
    ("POST", "/api/approve/job/A"),
    ("POST", "/api/send/job/A"),
    ("POST", "/api/render/job/A"),
    ("POST", "/api/ticket"),
    ("POST", "/api/up"),
    ("POST", "/api/open"),
    ("GET", "/api/capacity"),
    ("GET", "/api/runs"),
    ("GET", "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("GET", "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/stdout"),
    ("GET", "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/stderr"),
    ("GET", "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/marks"),
    ("GET", "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/prompt"),
    ("POST", "/api/seen/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("GET", "/api/tasks"),
    ("GET", "/api/tasks/A"),
    ("GET", "/api/modes"),
    ("GET", "/api/plan"),
    ("GET", "/api/results/A"),
    ("GET", "/api/history"),
    ("GET", "/api/history.csv"),
    ("GET", "/api/files"),
    ("POST", "/api/check"),
    ("GET", "/api/schema"),
    ("GET", "/api/files/dispatch.yaml"),
    ("PUT", "/api/files/dispatch.yaml"),
    ("GET", "/api/events"),
    ("GET", "/api/terminal/job/A"),
    ("GET", "/ui/board"),
    ("GET", "/ui/rows?tasks=A"),
    ("GET", "/ui/tasks/A"),
    ("GET", "/ui/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("GET", "/ui/now"),
    ("GET", "/ui/last/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("GET", "/ui/plan"),
    ("GET", "/ui/history"),
    ("GET", "/ui/edit"),
];

pub const METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"];

pub const HANDSHAKE: [&str; 4] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

impl Reply {
    /// What goes with every answer, and what never does.
    #[track_caller]
    pub fn assert_headers(&self) {
        let csp = self.header("content-security-policy").unwrap_or_else(|| panic!("{self:?}"));
        for part in ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'"] {
            assert!(csp.split("; ").any(|found| found == part), "{part} in {csp}");
        }
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("server", "dispatch"),
        ] {
            assert_eq!(self.header(name), Some(value), "{name} in {self:?}");
        }
        let kind = self.header("content-type");
        // The program's own files are the same for everybody; nothing else is kept by anybody.
        let own = self.header("etag").is_some_and(|etag| etag.starts_with("W/"));
        assert_eq!(self.header("cache-control"), Some(if own { "no-cache" } else { "no-store" }), "{self:?}");
        let kinds = [
            Some("application/json; charset=utf-8"),
            Some("text/html; charset=utf-8"),
            Some("text/javascript; charset=utf-8"),
            Some("text/css; charset=utf-8"),
            Some("image/svg+xml"),
            Some("text/csv; charset=utf-8; header=present"),
            Some("text/yaml; charset=utf-8"),
            Some("text/markdown; charset=utf-8"),
            Some("text/plain; charset=utf-8"),
            Some("application/octet-stream"),
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ];
        assert!(self.status == 101 || kinds.contains(&kind), "{self:?}");
        for (name, _) in &self.headers {
            assert!(!name.starts_with("access-control") && name != "set-cookie", "{self:?}");
        }
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), names.iter().collect::<HashSet<_>>().len(), "each once: {names:?}");
        if self.status >= 400 {
            let text = self.text();
            // With the token, an error names the file or folder of the project; without it, no path is named.
            let about_files = [409, 422, 500, 503].contains(&self.status);
            let paths = if about_files { &[][..] } else { &["/home", "/tmp/"] };
            assert!(!["panicked", "src/", ".rs:"].iter().chain(paths).any(|word| text.contains(word)), "{text}");
        }
    }
}
