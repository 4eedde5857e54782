//! Reads the conditions of a mode: when a run may start (`needs`, `gate`, `exclusive`), is skipped (`sources`,
//! `generates`) or is retried (`retry`).
//!
//! `needs.rs` checks that the modes in `needs` exist, after all modes are read.

use crate::manifest::document::{At, Document, shown};
use crate::manifest::fields::SectionFields;
use crate::manifest::mode::Mode;
use crate::manifest::mode_block::below;
use crate::manifest::templates;
use crate::manifest::tree::{Node, NodeKind};
use crate::model::interval::Interval;
use crate::model::names::ModeName;
use crate::model::problem::Problem;
use crate::model::retry::{Retry, RetryOn};

const BACKOFF: Interval = Interval::from_secs(30);

pub(crate) fn read(fields: &SectionFields<'_>, mode: &mut Mode) {
    mode.needs = read_needs(fields);
    mode.gate = read_gate(fields);
    mode.exclusive = fields.bool("exclusive").unwrap_or(false);
    mode.retry = fields.fields_of("retry").and_then(|fields| read_retry(&fields));
    let patterns = |key: &str| fields.read(key, read_patterns).unwrap_or_default();
    mode.sources = patterns("sources");
    mode.generates = patterns("generates");
}

/// Checks that nothing is missing beside the fields, after all of them are merged.
pub(crate) fn check(fields: &SectionFields<'_>) {
    if let Some(retry) = fields.fields_of("retry").filter(|retry| retry.get("max").is_none()) {
        retry.add_problem(Problem::error("`retry` does not say how often").hint("add `max: 2`"));
    }
    for (key, missing) in [("sources", "generates"), ("generates", "sources")] {
        if let (Some(id), None) = (fields.key_id(key), fields.get(missing)) {
            let problem = Problem::error(format!("`{key}` without `{missing}` decides nothing"));
            fields.document.add(At::Node(id), problem.hint(format!("add `{missing}`, or remove `{key}`")));
        }
    }
}

fn read_needs(fields: &SectionFields<'_>) -> Vec<ModeName> {
    let mut needs = Vec::new();
    for item in fields.items("needs") {
        let Some(text) = fields.document.read_text(item, "needs") else { continue };
        match ModeName::parse(&text) {
            Ok(name) if needs.contains(&name) => {}
            Ok(name) => needs.push(name),
            Err(error) => fields.document.error(At::Node(item.id), format!("`needs` holds no mode name: {error}")),
        }
    }
    needs
}

/// Whether there is a gate; `approve` is the only kind. An unknown kind counts as a gate, so that the run still waits.
pub(crate) fn read_gate(fields: &SectionFields<'_>) -> bool {
    fields.choice("gate", [("approve", ())]);
    fields.get("gate").is_some()
}

fn read_retry(fields: &SectionFields<'_>) -> Option<Retry> {
    let max = fields.number("max").unwrap_or(0);
    let backoff = fields.interval("backoff").unwrap_or(BACKOFF);
    let on = match fields.get("on") {
        Some(_) => fields
            .items("on")
            .iter()
            .filter_map(|item| fields.document.read_choice(item, "on", RetryOn::WORDS))
            .collect(),
        None => [RetryOn::RateLimit].into(),
    };
    (max > 0).then_some(Retry { max, backoff, on })
}

/// Templates of glob patterns; one without an expression is checked as a pattern here.
fn read_patterns(document: &Document, node: &Node, key: &str) -> Option<Vec<String>> {
    let mut patterns = Vec::new();
    let items = document.read_list(node, key)?;
    if items.is_empty() && matches!(node.kind, NodeKind::List(_)) {
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
    Some(patterns)
}
