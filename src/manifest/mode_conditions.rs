//! Reads of a mode's block when a run may start, and when it need not or must again: `needs`,
//! `gate`, `exclusive`, `sources`, `generates`, `retry`.
//!
//! Whether the modes in `needs` exist is known only when all are read: see `needs.rs`.

use crate::manifest::document::{At, Document, Fields, shown};
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::mode_block::{LENGTH_OF_TIME, below};
use crate::manifest::templates;
use crate::manifest::tree::Node;
use crate::model::interval::Interval;
use crate::model::names::ModeName;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::model::retry::{Retry, RetryOn};

const BACKOFF: Interval = Interval::from_secs(30);
/// More attempts than this are a mistake or a loop.
const RETRIES_MAX: u32 = 100;

pub(crate) fn read(document: &Document, fields: &Fields<'_>, mode: &mut Mode) {
    if let Some(value) = fields.get("needs") {
        mode.needs = read_needs(document, value);
    }
    if let Some(value) = fields.get("gate") {
        mode.gate = read_gate(document, value);
    }
    if let Some(value) = fields.get("exclusive") {
        mode.exclusive = document.bool(value, "exclusive").unwrap_or(false);
    }
    if let Some(value) = fields.get("retry") {
        mode.retry = read_retry(document, value);
    }
    let patterns = |key: &str| fields.get(key).map(|value| read_patterns(document, value, key));
    let (sources, generates) = (patterns("sources"), patterns("generates"));
    for (given, other, key, missing) in
        [(&sources, &generates, "sources", "generates"), (&generates, &sources, "generates", "sources")]
    {
        if let (Some(_), None, Some(id)) = (given, other, fields.key_id(key)) {
            let problem = Problem::error(format!("`{key}` without `{missing}` decides nothing"));
            document.add(At::Node(id), problem.hint(format!("add `{missing}`, or remove `{key}`")));
        }
    }
    mode.sources = sources.unwrap_or_default();
    mode.generates = generates.unwrap_or_default();
}

fn read_needs(document: &Document, node: &Node) -> Vec<ModeName> {
    let mut needs = Vec::new();
    for item in document.list(node, "needs").unwrap_or_default() {
        let Some(text) = document.text(item, "needs") else { continue };
        match ModeName::parse(&text) {
            Ok(name) if needs.contains(&name) => {}
            Ok(name) => needs.push(name),
            Err(error) => document.error(At::Node(item.id), format!("`needs` holds no mode name: {error}")),
        }
    }
    needs
}

/// `approve`, the only kind of gate. What is wrong here is an error, so that no gate is left open.
pub(crate) fn read_gate(document: &Document, node: &Node) -> bool {
    if node.text() != Some("approve") {
        let near = node.text().and_then(|text| nearest(text, ["approve"]));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        document.expected_hint(node, "gate", "`approve`", hint);
    }
    true
}

fn read_retry(document: &Document, node: &Node) -> Option<Retry> {
    let fields = document.fields(node, "retry", keys::RETRY)?;
    let max = match fields.get("max") {
        Some(value) => document.number(value, "max", 0..=RETRIES_MAX).unwrap_or(0),
        None => {
            let problem = Problem::error("`retry` does not say how often");
            document.add(At::Node(node.id), problem.hint("add `max: 2`"));
            0
        }
    };
    let backoff = fields.get("backoff").and_then(|value| document.value(value, "backoff", LENGTH_OF_TIME));
    let on = match fields.get("on") {
        Some(value) => {
            let items = document.list(value, "on").unwrap_or_default();
            items.iter().filter_map(|item| read_retry_on(document, item)).collect()
        }
        None => [RetryOn::RateLimit].into(),
    };
    (max > 0).then_some(Retry { max, backoff: backoff.unwrap_or(BACKOFF), on })
}

fn read_retry_on(document: &Document, node: &Node) -> Option<RetryOn> {
    let found = RetryOn::ALL.into_iter().find(|kind| node.text() == Some(kind.as_str()));
    if found.is_none() {
        let near = node.text().and_then(|text| nearest(text, RetryOn::ALL.map(RetryOn::as_str)));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        document.expected_hint(node, "on", "`rate_limit`, `crash` or `timeout`", hint);
    }
    found
}

/// Templates of glob patterns; one without an expression is checked as a pattern here.
fn read_patterns(document: &Document, node: &Node, key: &str) -> Vec<String> {
    let mut patterns = Vec::new();
    let items = document.list(node, key).unwrap_or_default();
    if items.is_empty() && matches!(node.kind, crate::manifest::tree::Kind::List(_)) {
        document.error(At::Node(node.id), format!("`{key}` names no pattern"));
    }
    for item in items {
        let Some(text) = below(document, item, key) else { continue };
        match glob::Pattern::new(&text) {
            Err(error) if templates::is_plain(&text) => {
                let message = format!("`{key}` holds `{}`, which is not a file pattern: {}", shown(&text), error.msg);
                document.error(At::Node(item.id), message);
            }
            _ => patterns.push(text),
        }
    }
    patterns
}
