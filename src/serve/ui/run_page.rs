//! The page of one run: its outcome, why it counts as such, and the pair's other runs.
//!
//! Works without the task, the mode and a readable manifest, since a run may outlive them.

use jiff::Timestamp;
use serde::Serialize;

use crate::lifecycle::launch::resume;
use crate::lifecycle::summary::exit_explanation;
use crate::lifecycle::summary::past_runs::{PastRuns, PastTasks};
use crate::lifecycle::window::attach;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::serve::api::runs;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::pages::named_top;
use crate::serve::ui::templates::{self, context};
use crate::view::badge::Badge;
use crate::view::run_view::RunView;

/// Runs of the pair that are linked, at most.
const OTHERS: u32 = 10;

/// A run of the pair; `current` is the page's own.
#[derive(Serialize)]
struct PairRun {
    current: bool,
    at: Timestamp,
    badge: Badge,
}

pub(super) fn page(server: &HttpServer, id: &RunId) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let run = runs::by_id(server, id)?;
    let pair = run.pair();
    // The board shows what is wrong with the manifest.
    let catalog = server.catalog.get(server).ok();
    let project = catalog.as_ref().map(|catalog| catalog.project.name.clone()).unwrap_or_default();
    let task = catalog.as_ref().and_then(|catalog| catalog.task(pair.task.as_str()));
    let title = task.map(|task| task.title.clone());
    let task_file = task.and_then(|task| task.path.clone());
    let editor = catalog.as_ref().is_some_and(|catalog| catalog.project.editor && catalog.broken.is_none());
    let others = others(server, &pair, &run)?;
    let is_last = others.first().is_some_and(|other| other.current);
    let fresh = is_last && catalog.as_ref().is_some_and(|catalog| catalog.is_fresh(&pair));
    let view = server.live.view(&run);
    let store = server.live.store();
    let unseen = server.live.unseen()?.contains(id.as_str());
    let attach = attach::attach_argv(&run).filter(|_| view.running && view.form.has_window());
    let absolute = || view.cwd.to_string_lossy().into_owned();
    let folder = catalog.as_ref().map_or_else(absolute, |catalog| catalog.shown_folder(&view.cwd));
    let (cost, tokens) = (cost(&view), tokens(&view));
    templates::render(
        "run.html",
        context! {
            top => named_top(server, project, seq)?, badge => Badge::of(&view, fresh), title, facts => exit_explanation::why_ended(store, &run),
            why => why(&view), unseen, folder, taskFile => task_file, editor, attach => attach.map(shell_words::join), cost, tokens, others,
            resumes => is_last && !run.is_active() && resume::conversation(&run).is_some(),
            save => format!("dispatch logs --raw --run {id} {} {} > {}.log", pair.mode, pair.task, view.label),
            worktrees => task.is_some() && catalog.as_ref().is_some_and(|catalog| catalog.project.worktrees), run => view,
        },
    )
}

/// The pair's last runs and this one, newest first.
fn others(server: &HttpServer, pair: &Pair, this: &Run) -> Result<Vec<PairRun>, Refusal> {
    let snapshot = server.live.snapshot()?;
    let query = PastRuns {
        mode: Some(pair.mode.to_string()),
        task: Some(PastTasks::One(pair.task.to_string())),
        limit: Some(OTHERS),
        ..PastRuns::default()
    };
    let past = server.live.past(query)?.runs;
    let mut all: Vec<&Run> = snapshot.active_of(pair).into_iter().chain(&past).collect();
    all.dedup_by(|later, run| later.id() == run.id());
    if !all.iter().any(|run| run.id() == this.id()) {
        all.push(this);
    }
    // Run ids grow with time.
    all.sort_by(|a, b| b.id().as_str().cmp(a.id().as_str()));
    let other = |run: &&Run| PairRun {
        current: run.id() == this.id(),
        at: run.facts.created_at,
        badge: Badge::of(&server.live.view(run), false),
    };
    Ok(all.iter().map(other).collect())
}

/// In USD; four digits below ten cents.
pub(super) fn cost(run: &RunView) -> Option<String> {
    run.cost_usd.map(|cost| if cost < 0.1 { format!("${cost:.4}") } else { format!("${cost:.2}") })
}

pub(super) fn tokens(run: &RunView) -> Option<String> {
    run.tokens.map(|tokens| {
        let input = tokens.input + tokens.cache_read + tokens.cache_creation;
        format!("{} in · {} out", thousands(input), thousands(tokens.output))
    })
}

/// The heading above the facts of an ended run; empty for an unfinished one.
pub(super) fn why(run: &RunView) -> &'static str {
    match run.state {
        "succeeded" => "Why it counts as succeeded",
        "failed" => "Why it counts as failed",
        "timed_out" => "Why it counts as timed out",
        "stopped" => "How it was stopped",
        "lost" => "Why it counts as lost",
        "dependency_failed" => "Why it was not started",
        _ => "",
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
