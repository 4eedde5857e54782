//! The query of the history: filters, period, and page. Read alike by its JSON, its CSV and its page.

use serde::Serialize;

use crate::lifecycle::summary::past_runs::{PastRuns, PastTasks};
use crate::model::history_cursor::HistoryCursor;
use crate::model::interval::Interval;
use crate::model::run_state::EndState;
use crate::model::time_bound::TimeBound;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::server::HttpServer;

/// Stands for any text in a pattern for tasks.
pub(super) const ANY: char = '*';

/// The filters as texts, for the fields and links of the page. An empty one selects everything.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct HistoryQuery {
    pub(super) task: String,
    pub(super) mode: String,
    pub(super) outcome: String,
    pub(super) agent: String,
    pub(super) q: String,
    pub(super) since: String,
    pub(super) from: String,
    pub(super) to: String,
    #[serde(skip)]
    pub(super) cursor: Option<HistoryCursor>,
    #[serde(skip)]
    pub(super) limit: Option<u32>,
}

impl HistoryQuery {
    /// Fails if a value cannot be read, or if a parameter is unknown or repeated.
    pub(super) fn read(mut query: Query) -> Result<Self, Refusal> {
        let read = Self {
            task: query.trimmed("task"),
            mode: query.trimmed("mode"),
            outcome: checked(&mut query, "outcome", outcomes, |text| EndState::parse(text).is_some())?,
            agent: query.trimmed("agent"),
            q: query.trimmed("q"),
            since: checked(&mut query, "since", since_form, |text| Interval::parse(text).is_some())?,
            from: checked(&mut query, "from", time_form, |text| TimeBound::parse(text).is_some())?,
            to: checked(&mut query, "to", time_form, |text| TimeBound::parse(text).is_some())?,
            cursor: query.value("cursor", HistoryCursor::parse).map_err(|refusal| refusal.hint(CURSOR_FORM))?,
            limit: query.value("limit", |text| text.parse().ok())?,
        };
        query.end().map(|()| read)
    }

    /// The filters that select something, by name.
    pub(super) fn filters(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("task", &self.task),
            ("mode", &self.mode),
            ("outcome", &self.outcome),
            ("agent", &self.agent),
            ("q", &self.q),
            ("since", &self.since),
            ("from", &self.from),
            ("to", &self.to),
        ];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.as_str())).collect()
    }

    /// The query of an address with these filters, of which some are replaced; an empty text removes one.
    pub(super) fn address(&self, changes: &[(&'static str, &str)]) -> String {
        let mut filters = self.filters();
        filters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        filters.extend(changes.iter().filter(|(_, text)| !text.is_empty()));
        let pairs: Vec<String> = filters.iter().map(|(name, text)| format!("{name}={}", encoded(text))).collect();
        pairs.join("&")
    }

    /// Fails if the task is a pattern and the index cannot be read.
    pub(super) fn past(&self, server: &HttpServer) -> Result<PastRuns, Refusal> {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let task = match named(&self.task) {
            Some(pattern) if pattern.contains(ANY) => Some(PastTasks::AnyOf(like(server, &pattern)?)),
            other => other.map(PastTasks::One),
        };
        Ok(PastRuns {
            task,
            mode: named(&self.mode),
            agent: named(&self.agent),
            outcome: EndState::parse(&self.outcome),
            text: self.q.clone(),
            since: Interval::parse(&self.since),
            from: TimeBound::parse(&self.from),
            to: TimeBound::parse(&self.to),
            cursor: self.cursor.clone(),
            limit: self.limit,
        })
    }
}

/// Percent-encoded for a value of a query.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' | b':' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

const CURSOR_FORM: &str =
    "a cursor is the `next` of an earlier answer, unchanged; without one, the answer starts at the newest run";

fn outcomes() -> String {
    format!("an outcome is one of {}", EndState::ALL.map(EndState::as_str).join(", "))
}

fn since_form() -> String {
    format!("write {}", Interval::FORM)
}

fn time_form() -> String {
    format!("write {}; in an address `+` is `%2B`", TimeBound::FORM)
}

/// A value that is empty or passes the check; the hint of a refusal gives its form.
fn checked(query: &mut Query, name: &str, form: fn() -> String, is_good: fn(&str) -> bool) -> Result<String, Refusal> {
    let text = query.trimmed(name);
    if text.is_empty() || is_good(&text) {
        return Ok(text);
    }
    let message = format!("`{name}` cannot be `{}`", text.escape_debug());
    Err(Refusal::with(RefusalKind::BadValue, message).hint(form()))
}

/// The tasks on record whose id or title fits the pattern. Without a readable manifest there are no titles.
fn like(server: &HttpServer, pattern: &str) -> Result<Vec<String>, Refusal> {
    let pattern = pattern.to_lowercase();
    let catalog = server.catalog.get(server).ok();
    let title = |id: &str| catalog.as_ref()?.task(id).map(|task| task.title.to_lowercase());
    let mut tasks = server.live.names_on_record()?.tasks;
    tasks.retain(|id| fits(&pattern, &id.to_lowercase()) || title(id).is_some_and(|title| fits(&pattern, &title)));
    Ok(tasks)
}

/// Whether `text` fits a pattern with `*`. Takes time in proportion to both.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once(ANY) else { return pattern == text };
    let (middle, last) = rest.rsplit_once(ANY).map_or((None, rest), |(middle, last)| (Some(middle), last));
    let Some(mut left) = text.strip_prefix(first).and_then(|text| text.strip_suffix(last)) else { return false };
    for piece in middle.into_iter().flat_map(|middle| middle.split(ANY)) {
        match left.split_once(piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_other_filters() {
        let query = HistoryQuery { task: "a&b=c é".into(), mode: "job".into(), ..HistoryQuery::default() };
        assert_eq!(query.address(&[]), "task=a%26b%3Dc%20%C3%A9&mode=job");
        assert_eq!(query.address(&[("mode", ""), ("from", "2026-01-01")]), "task=a%26b%3Dc%20%C3%A9&from=2026-01-01");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*b*", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*a", "a", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abxab", true),
            ("a*b*c*d", "a1b2c3d", true),
            ("a*c*b*d", "a1b2c3d", false),
            ("**x**", "wxy", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
