//! A request that is refused: its kind, status, code and message, as JSON.

use crate::lifecycle::failure::{Failure, Kind};
use crate::serve::response::Response;
use crate::view::problem_view::ProblemView;
use crate::worker::WorkerFailure;

/// The kinds of refusal; [`RefusalKind::row`] gives each its status, code and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalKind {
    /// Breaks the protocol, or two parsers could read it differently.
    Malformed,
    BadValue,
    NoToken,
    /// Sent by a foreign page, or the ticket does not fit.
    Forbidden,
    NoRoute,
    /// The route exists with other methods: the value of `Allow`.
    Method(&'static str),
    TooSlow,
    /// A transfer encoding: only `Content-Length` is supported.
    LengthRequired,
    BodyTooLarge,
    MediaType,
    /// `Expect` with a value other than `100-continue`.
    Expectation,
    /// `Host` is not a name of this machine.
    Misdirected,
    HeadTooLarge,
    Internal,
    TooMany,
    /// The plan is not the one that the client has seen.
    PlanChanged,
    /// A failure of `lifecycle`.
    Failed(Kind),
}

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: RefusalKind,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    problems: Vec<ProblemView>,
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        WorkerFailure::from(error.into()).into()
    }
}

impl From<WorkerFailure> for Refusal {
    fn from(failure: WorkerFailure) -> Self {
        let WorkerFailure { kind, message, hints, problems } = failure;
        let hint = (!hints.is_empty()).then(|| hints.join("\n"));
        Self { kind: RefusalKind::Failed(kind), message, hint, problems }
    }
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind) -> Self {
        Self::with(kind, kind.row().2)
    }

    pub(super) fn with(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, problems: Vec::new() }
    }

    pub(super) fn malformed(what: impl std::fmt::Display) -> Self {
        Self::with(RefusalKind::Malformed, format!("not a request that can be read: {what}"))
    }

    /// An error of the server itself: written to the log, not shown to the client.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::warn!(%error, "a request could not be served");
        Self::new(RefusalKind::Internal)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.kind.row().0
    }

    /// Whether the connection must close: the bytes of a body that was not read are not a request.
    pub(super) fn closes_connection(&self) -> bool {
        use RefusalKind::{BadValue, Failed, Method, NoRoute, PlanChanged};
        !matches!(self.kind, NoRoute | Method(_) | BadValue | PlanChanged | Failed(_))
    }

    pub(super) fn response(&self) -> Response {
        let response = Response::json(self.status(), &self.body());
        match self.kind {
            RefusalKind::Method(allow) => response.header("Allow", allow),
            RefusalKind::NoToken => response.header("WWW-Authenticate", "Bearer"),
            _ => response,
        }
    }

    /// `{"error": …}`.
    pub(super) fn body(&self) -> serde_json::Value {
        let mut error = serde_json::json!({ "code": self.kind.row().1, "message": self.message });
        if let Some(hint) = &self.hint {
            error["hint"] = hint.as_str().into();
        }
        if !self.problems.is_empty() {
            error["problems"] = serde_json::json!(self.problems);
        }
        serde_json::json!({ "error": error })
    }
}

impl RefusalKind {
    /// Status, code and message.
    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "malformed", "not a request that can be read"),
            Self::BadValue => (400, "bad_value", "a value that cannot be used"),
            Self::NoToken => (401, "no_token", "the token is missing or wrong"),
            Self::Forbidden => (403, "forbidden", "not for this page"),
            Self::NoRoute => (404, "no_route", "there is nothing here"),
            Self::Method(_) => (405, "method", "not with this method"),
            Self::TooSlow => (408, "too_slow", "the request did not arrive in time"),
            Self::PlanChanged => (409, "plan_changed", "the plan has changed since it was shown; nothing was done"),
            Self::LengthRequired => {
                (411, "length_required", "a body must say its length; transfer encodings are not read")
            }
            Self::BodyTooLarge => (413, "body_too_large", "the body is longer than 1 MiB"),
            Self::MediaType => (415, "media_type", "the body is not of a type that is read here"),
            Self::Expectation => (417, "expectation", "this expectation cannot be met"),
            Self::Misdirected => (421, "misdirected", "this server is 127.0.0.1, localhost or [::1]"),
            Self::HeadTooLarge => (431, "head_too_large", "the head is longer than 16 KiB or 64 lines"),
            Self::Internal => (500, "internal", "the server made a mistake"),
            Self::TooMany => (503, "too_many", "too many connections"),
            Self::Failed(kind) => (status_of(kind), kind.as_str(), "it could not be done"),
        }
    }
}

fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::InvalidName => 400,
        Kind::UnknownMode | Kind::UnknownTask | Kind::UnknownFile | Kind::NeverRun => 404,
        Kind::Conflict | Kind::NotWaiting | Kind::Unconfirmed => 409,
        Kind::Stale => 412,
        Kind::BadManifest | Kind::Usage | Kind::AgentNotFound | Kind::AgentNotExecutable => 422,
        Kind::Tmux | Kind::Engine | Kind::Unseen | Kind::StateFolder | Kind::Busy => 503,
        Kind::Failed | Kind::Internal => 500,
    }
}
