//! JSON bodies of requests. Unknown fields are refused.

use core::num::NonZeroU32;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::lifecycle::launch::request::{Resume, StartRequest};
use crate::lifecycle::reconcile::up::UpRequest;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_overrides::RunOverrides;
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
    /// With `subtasks`: the first task to start in run order.
    pub(super) from: Option<TaskId>,
    pub(super) vars: BTreeMap<String, String>,
    /// As in the manifest: `30m`.
    pub(super) timeout: Option<Interval>,
    pub(super) model: Option<String>,
    /// Unsaved texts. Only for rendering.
    pub(super) files: Option<UnsavedTexts>,
}

/// The body of `POST /api/check`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckBody {
    pub(super) files: UnsavedTexts,
}

/// Texts of editable files by name, each name once.
#[derive(Debug, Default)]
pub(super) struct UnsavedTexts(pub(super) BTreeMap<String, String>);

/// Files of one request, at most.
const FILES: usize = 16;

impl<'de> Deserialize<'de> for UnsavedTexts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = UnsavedTexts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of file names and texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UnsavedTexts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    if texts.insert(name, text).is_some() {
                        return Err(A::Error::custom("a file is named twice"));
                    }
                    if texts.len() > FILES {
                        return Err(A::Error::custom(format!("`files` has more than {FILES} files")));
                    }
                }
                Ok(UnsavedTexts(texts))
            }
        }
        from.deserialize_map(Texts)
    }
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

/// The body of `POST /api/up`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(super) struct UpBody {
    plan_id: Option<String>,
    only: Option<Vec<PairBody>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairBody {
    mode: ModeName,
    task: TaskId,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EmptyBody {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    pub(super) text: String,
}

/// The body of `POST /api/open`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenBody {
    /// Absolute, or relative to the manifest's folder.
    pub(super) path: String,
    pub(super) line: Option<NonZeroU32>,
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

impl UpBody {
    pub(super) fn read(body: &[u8]) -> Result<UpRequest, Refusal> {
        let Self { plan_id, only } = read_or_default(body)?;
        if only.as_ref().is_some_and(Vec::is_empty) {
            return Err(Refusal::with(RefusalKind::BadValue, "`only` names no entry"));
        }
        let pair = |PairBody { mode, task }| Pair { mode, task };
        Ok(UpRequest { plan_id, only: only.map(|pairs| pairs.into_iter().map(pair).collect()) })
    }
}

impl StartBody {
    /// The body of a start, which takes no unsaved texts.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let start = Self::read_for_render(body)?;
        if start.files.is_some() {
            return Err(Refusal::with(RefusalKind::BadValue, "the body cannot be used: unknown field `files`"));
        }
        Ok(start)
    }

    pub(super) fn read_for_render(body: &[u8]) -> Result<Self, Refusal> {
        let start: Self = read_or_default(body)?;
        let texts = start.prompt.iter().chain(&start.extras).chain(start.vars.values()).chain(&start.model);
        if texts.into_iter().any(|text| text.contains('\0')) {
            return Err(Refusal::with(RefusalKind::BadValue, "a NUL cannot be handed to a program"));
        }
        if start.from.is_some() && !start.subtasks {
            return Err(Refusal::with(RefusalKind::BadValue, "`from` is for `subtasks`"));
        }
        Ok(start)
    }

    pub(super) fn into_request(self) -> StartRequest {
        let resume = if self.resume { Resume::LastOfPair } else { Resume::NewConversation };
        let prompt = self.prompt.map(String::into_bytes);
        let (extras, force, subtasks) = (self.extras, self.force, self.subtasks);
        let from = self.from.map(|task| task.to_string());
        let overrides =
            RunOverrides { vars: self.vars, timeout: self.timeout, model: self.model, ..RunOverrides::default() };
        StartRequest { prompt, extras, force, subtasks, from, resume, overrides, ..StartRequest::default() }
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
            "{\"files\":{}}",
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

    #[test]
    fn unsaved_texts_are_named_once_and_few() {
        let files = |text: &str| read::<CheckBody>(format!("{{\"files\":{text}}}").as_bytes()).map(|body| body.files.0);
        assert_eq!(files(r#"{"a":"x","b/c":""}"#).unwrap().len(), 2);
        let many: Vec<String> = (0..=FILES).map(|n| format!("\"{n}\":\"\"")).collect();
        for bad in [r#"{"a":"x","a":"x"}"#, r#"{"a":1}"#, "[]", "null", "\"a\"", &format!("{{{}}}", many.join(","))] {
            assert_eq!(files(bad).map_err(|refusal| refusal.status()).err(), Some(400), "{bad}");
        }
    }
}
