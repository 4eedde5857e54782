//! The query of a request: each name once, and none that is not known.

use crate::http::head::Head;
use crate::http::refusal::{Refusal, Why};

/// What of a query was not taken yet.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(head: &Head) -> Self {
        Self(head.query.clone())
    }

    /// Takes a value, as it stands.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a value that `parse` understands.
    pub(super) fn value<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || Refusal::with(Why::BadValue, format!("`{name}` cannot be `{}`", text.escape_debug()));
        parse(&text).map(Some).ok_or_else(wrong)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.value(name, |text| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        })
    }

    /// Nothing may be left: a name that is not known, or came twice, was meant otherwise.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.escape_debug().take(80).collect();
                Err(Refusal::with(Why::BadValue, format!("unknown query parameter `{shown}`")))
            }
        }
    }
}
