//! The query of a request. Unknown and repeated names are refused.

use crate::serve::head::Head;
use crate::serve::refusal::{Refusal, RefusalKind};

/// The parameters that were not read yet.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(head: &Head) -> Self {
        Self(head.query.clone())
    }

    /// Takes a value as text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a value as text without surrounding blanks; empty if there is none.
    pub(super) fn trimmed(&mut self, name: &str) -> String {
        self.text(name).unwrap_or_default().trim().to_owned()
    }

    /// Takes a value and parses it.
    pub(super) fn value<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || Refusal::with(RefusalKind::BadValue, format!("`{name}` cannot be `{}`", text.escape_debug()));
        parse(&text).map(Some).ok_or_else(wrong)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.value(name, |text| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        })
    }

    /// Fails if a parameter is left: its name is unknown or repeated.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.escape_debug().take(80).collect();
                Err(Refusal::with(RefusalKind::BadValue, format!("unknown query parameter `{shown}`")))
            }
        }
    }
}
