//! A request that is not answered as it wished: why, and what would help.

use crate::http::reply::Reply;
use crate::runner::failure::{Failure, Kind};
use crate::view::problem_view::ProblemView;

/// Every kind of refusal that the server itself makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Two readers could understand it differently, or it breaks the protocol.
    Malformed,
    /// A value that cannot be what it should be.
    BadValue,
    NoToken,
    /// A foreign page asks, or a ticket is not for this.
    Forbidden,
    NoRoute,
    /// The route is there; the header says how it can be asked.
    Method(&'static str),
    TooSlow,
    /// No transfer encodings: a body says its length.
    LengthRequired,
    BodyTooLarge,
    MediaType,
    /// `Expect` of something else than `100-continue`.
    Expectation,
    /// The host name is not this machine's own.
    Misdirected,
    HeadTooLarge,
    Broken,
    TooMany,
    /// `runner` could not, or would not.
    Failed(Kind),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: Why,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Of a manifest, with their places.
    problems: Vec<ProblemView>,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        Self {
            why: Why::Failed(failure.kind),
            message,
            hint: (!failure.hints.is_empty()).then(|| failure.hints.join("\n")),
            problems: failure.problems.iter().map(ProblemView::new).collect(),
        }
    }
}

impl Refusal {
    pub(super) fn new(why: Why) -> Self {
        Self { why, message: why.words().to_owned(), hint: None, problems: Vec::new() }
    }

    pub(super) fn with(why: Why, message: impl Into<String>) -> Self {
        Self { why, message: message.into(), hint: None, problems: Vec::new() }
    }

    pub(super) fn malformed(what: impl std::fmt::Display) -> Self {
        Self::with(Why::Malformed, format!("not a request that can be read: {what}"))
    }

    /// The server's own fault; its words are for the log, not for the client.
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        tracing::warn!(%error, "a request could not be served");
        Self::new(Why::Broken)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.why.status()
    }

    /// Whether the connection can go on: what follows a body that was not read is not a request.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self.why, Why::NoRoute | Why::Method(_) | Why::BadValue | Why::Failed(_))
    }

    pub(super) fn reply(&self) -> Reply {
        let mut error = serde_json::Map::new();
        error.insert("code".to_owned(), self.why.code().into());
        error.insert("message".to_owned(), self.message.as_str().into());
        if let Some(hint) = &self.hint {
            error.insert("hint".to_owned(), hint.as_str().into());
        }
        if !self.problems.is_empty() {
            error.insert("problems".to_owned(), serde_json::json!(self.problems));
        }
        let reply = Reply::json(self.status(), &serde_json::json!({ "error": error }));
        match self.why {
            Why::Method(allow) => reply.header("Allow", allow),
            Why::NoToken => reply.header("WWW-Authenticate", "Bearer"),
            _ => reply,
        }
    }
}

impl Why {
    fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::BadValue => 400,
            Self::NoToken => 401,
            Self::Forbidden => 403,
            Self::NoRoute => 404,
            Self::Method(_) => 405,
            Self::TooSlow => 408,
            Self::LengthRequired => 411,
            Self::BodyTooLarge => 413,
            Self::MediaType => 415,
            Self::Expectation => 417,
            Self::Misdirected => 421,
            Self::HeadTooLarge => 431,
            Self::Broken => 500,
            Self::TooMany => 503,
            Self::Failed(kind) => match kind {
                Kind::InvalidName => 400,
                Kind::UnknownMode | Kind::UnknownTask | Kind::UnknownFile | Kind::NeverRun => 404,
                Kind::Conflict | Kind::NotWaiting | Kind::Unconfirmed => 409,

                Kind::Stale => 412,
                Kind::BadManifest | Kind::Usage | Kind::AgentNotFound | Kind::AgentNotExecutable => 422,
                Kind::Tmux | Kind::Unseen | Kind::StateFolder | Kind::Busy => 503,
                Kind::Failed | Kind::Internal => 500,
            },
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadValue => "bad_value",
            Self::NoToken => "no_token",
            Self::Forbidden => "forbidden",
            Self::NoRoute => "no_route",
            Self::Method(_) => "method",
            Self::TooSlow => "too_slow",
            Self::LengthRequired => "length_required",
            Self::BodyTooLarge => "body_too_large",
            Self::MediaType => "media_type",
            Self::Expectation => "expectation",
            Self::Misdirected => "misdirected",
            Self::HeadTooLarge => "head_too_large",
            Self::Broken => "internal",
            Self::TooMany => "too_many",
            Self::Failed(kind) => kind.as_str(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Malformed => "not a request that can be read",
            Self::BadValue => "a value that cannot be used",
            Self::NoToken => "the token is missing or wrong",
            Self::Forbidden => "not for this page",
            Self::NoRoute => "there is nothing here",
            Self::Method(_) => "not with this method",
            Self::TooSlow => "the request did not arrive in time",
            Self::LengthRequired => "a body must say its length; transfer encodings are not read",
            Self::BodyTooLarge => "the body is longer than 1 MiB",
            Self::MediaType => "the body is not of a type that is read here",
            Self::Expectation => "this expectation cannot be met",
            Self::Misdirected => "this server is 127.0.0.1, localhost or [::1]",
            Self::HeadTooLarge => "the head is longer than 16 KiB or 64 lines",
            Self::Broken => "the server made a mistake",
            Self::TooMany => "too many connections",
            Self::Failed(_) => "it could not be done",
        }
    }
}
