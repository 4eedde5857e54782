//! `/runs/{runId}`: one run, its outcome with the evidence, and the pair's other runs.
//!
//! A run outlives its task, its mode and even a manifest that can be read: none of them is needed.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::http::api::runs;
use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::ui::badge::Badge;
use crate::http::ui::pages::{Top, named_top};
use crate::http::ui::templates;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::runner::evidence::Fact;
use crate::runner::failure::Failure;
use crate::view::run_view::RunView;

/// So many runs of the pair are linked.
const OTHERS: u32 = 10;

#[derive(Serialize)]
struct RunPage {
    top: Top,
    badge: Badge,
    run: RunView,
    /// Of its task, while there is one.
    title: Option<String>,
    /// What ended it is told as a list; of a living run there is none.
    facts: Vec<Fact>,
    why: String,
    /// The line that attaches a terminal, while there is something to attach to.
    attach: Option<String>,
    resumes: bool,
    cost: Option<String>,
    tokens: Option<String>,
    /// The line that writes its log into a file.
    save: String,
    others: Vec<Other>,
    /// Its task is there, and worked on in a worktree.
    worktrees: bool,
}

/// Another run of the pair, or this one among them.
#[derive(Serialize)]
struct Other {
    current: bool,
    at: Timestamp,
    badge: Badge,
}

pub(super) fn page(server: &Arc<Shared>, id: &RunId) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let run = runs::by_id(server, id)?;
    let pair = run.pair();
    // What is wrong with the manifest is told by the board.
    let catalog = server.catalogs.get(server).ok();
    let project = catalog.as_ref().map(|catalog| catalog.project.name.clone()).unwrap_or_default();
    let task = catalog.as_ref().and_then(|catalog| catalog.task(pair.task.as_str()));
    let title = task.map(|task| task.title.clone());
    let others = others(server, &pair, &run)?;
    let is_last = others.first().is_some_and(|other| other.current);
    let fresh = is_last && catalog.as_ref().is_some_and(|catalog| catalog.is_fresh(&pair));
    let view = server.live.view(&run);
    let alive = view.running && !view.headless;
    let store = server.live.store();
    let page = RunPage {
        top: named_top(server, project, seq)?,
        badge: Badge::of(&view, fresh),
        title,
        facts: store.why_ended(&run),
        why: why(&view),
        attach: store.attach_argv(&run).filter(|_| alive).map(shell_words::join),
        resumes: is_last && !run.is_active() && run.conversation().is_some(),
        cost: view.cost_usd.map(|cost| if cost < 0.1 { format!("${cost:.4}") } else { format!("${cost:.2}") }),
        tokens: view.tokens.map(|tokens| {
            let input = tokens.input + tokens.cache_read + tokens.cache_creation;
            format!("{} in · {} out", thousands(input), thousands(tokens.output))
        }),
        save: format!("dispatch logs --raw --run {id} {} {} > {}.log", pair.mode, pair.task, view.label),
        others,
        worktrees: task.is_some() && catalog.as_ref().is_some_and(|catalog| catalog.project.worktrees),
        run: view,
    };
    templates::render("run.html", &page)
}

/// The pair's last runs, newest first, and this one wherever it stands.
fn others(server: &Shared, pair: &Pair, this: &Run) -> Result<Vec<Other>, Refusal> {
    let snapshot = server.live.snapshot().map_err(Failure::from)?;
    let past = server.live.history(Some(pair.mode.to_string()), Some(pair.task.to_string()), None, Some(OTHERS))?;
    let mut all: Vec<&Run> = snapshot.active_of(pair).into_iter().chain(&past).collect();
    all.dedup_by(|later, run| later.id() == run.id());
    if !all.iter().any(|run| run.id() == this.id()) {
        all.push(this);
    }
    // Ids are in the order of their making.
    all.sort_by(|a, b| b.id().as_str().cmp(a.id().as_str()));
    let other = |run: &&Run| Other {
        current: run.id() == this.id(),
        at: run.facts.created_at,
        badge: Badge::of(&server.live.view(run), false),
    };
    Ok(all.iter().map(other).collect())
}

/// The heading of the evidence, or what a living run is about.
fn why(run: &RunView) -> String {
    match run.state {
        "succeeded" => "Why it counts as succeeded".to_owned(),
        "failed" => "Why it counts as failed".to_owned(),
        "timed_out" => "Why it counts as timed out".to_owned(),
        "stopped" => "How it was stopped".to_owned(),
        "lost" => "Why it counts as lost".to_owned(),
        "dependency_failed" => "Why it was not started".to_owned(),
        _ => String::new(),
    }
}

/// `12 345`, with narrow spaces.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
