//! JSON bodies of requests. Unknown fields are refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::lifecycle::launch::request::{Resume, StartRequest};
use crate::serve::refusal::{Refusal, RefusalKind};

/// The body of `POST /dispatch` and `/api/render`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StartBody {
    pub(super) prompt: Option<String>,
    pub(super) extras: Vec<String>,
    /// Open the user's terminal unless it is `false`.
    pub(super) attach: Option<bool>,
    pub(super) force: bool,
    pub(super) resume: bool,
    pub(super) subtasks: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ApproveBody {
    pub(super) reject: bool,
    pub(super) reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(super) struct CleanBody {
    /// Only report what would be removed, or why nothing can be.
    pub(super) dry_run: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EmptyBody {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TicketBody {
    /// The WebSocket's path, without its query.
    pub(super) path: String,
    /// The ticket also allows typing.
    #[serde(default)]
    pub(super) write: bool,
}

/// One JSON object.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let wrong = |what: String| Refusal::with(RefusalKind::BadValue, format!("the body cannot be used: {what}"));
    // serde would read a list as the fields in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong("it is not a JSON object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))
}

/// As [`read`], with defaults for an empty body.
pub(super) fn read_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() { Ok(T::default()) } else { read(body) }
}

impl StartBody {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let start: Self = read_or_default(body)?;
        let texts = start.prompt.iter().chain(&start.extras);
        if texts.into_iter().any(|text| text.contains('\0')) {
            return Err(Refusal::with(RefusalKind::BadValue, "a NUL cannot be handed to a program"));
        }
        Ok(start)
    }

    pub(super) fn into_request(self) -> StartRequest {
        let resume = if self.resume { Resume::LastOfPair } else { Resume::NewConversation };
        let prompt = self.prompt.map(String::into_bytes);
        let (extras, force, subtasks) = (self.extras, self.force, self.subtasks);
        StartRequest { prompt, extras, force, subtasks, resume, ..StartRequest::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_of_known_fields_is_read() {
        let good = StartBody::read(br#"{"prompt":"a","extras":["b\nc"],"attach":false,"force":true}"#).unwrap();
        assert_eq!((good.prompt.as_deref(), good.attach, good.force), (Some("a"), Some(false), true));
        assert!(StartBody::read(b"").is_ok() && StartBody::read(b"{}").is_ok());
        let deep = format!("{{\"extras\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            "x",
            "[]",
            "null",
            "\"a\"",
            "{\"prompt\":1}",
            "{\"force\":1}",
            "{\"extras\":\"a\"}",
            "{\"extras\":[1]}",
            "{\"prompt\":\"a\",\"prompt\":\"b\"}",
            "{\"other\":1}",
            "{} {}",
            "{\"prompt\":\"\\ud800\"}",
            "\u{feff}{}",
            "{\"prompt\":\"a\\u0000\"}",
            "{\"extras\":[\"\\u0000\"]}",
            "{\"force\":1e999}",
            &deep,
        ] {
            assert_eq!(
                StartBody::read(body.as_bytes()).map_err(|refusal| refusal.status()).err(),
                Some(400),
                "{body:.60}"
            );
        }
    }
}
