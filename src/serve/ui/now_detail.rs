//! The chosen run of the page `/now`: what can be done with it, what a gate asks, and its summary.

use jiff::Timestamp;
use serde::Serialize;

use crate::lifecycle::launch::resume;
use crate::lifecycle::summary::exit_explanation;
use crate::lifecycle::summary::exit_explanation::Fact;
use crate::lifecycle::summary::gate_facts;
use crate::lifecycle::window::last_lines;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::serve::api::runs;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::server::HttpServer;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::run_page::{cost, tokens, why};
use crate::serve::ui::templates::{self, context};
use crate::view::badge::Badge;
use crate::view::run_view::RunView;

/// Lines of a waiting window.
const LINES: usize = 6;
/// Lines of a need's log.
const LOGGED: usize = 12;
/// Characters of an answer that are shown, at most.
const ANSWER: usize = 16_000;

#[derive(Debug, Serialize)]
pub(super) struct RunDetail {
    run: RunView,
    badge: Badge,
    title: String,
    /// The heading of `facts`.
    why: &'static str,
    facts: Vec<Fact>,
    answer: Option<String>,
    /// The run's working directory, as seen from the project.
    folder: String,
    cost: Option<String>,
    tokens: Option<String>,
    resumes: bool,
    /// It failed or was lost, and its page was not opened since.
    unseen: bool,
    worktrees: bool,
    gate: Option<GateQuestion>,
    save: String,
}

/// What a person decides on.
#[derive(Debug, Serialize)]
struct GateQuestion {
    needs: Vec<NeedResult>,
    prompt: Option<String>,
}

/// A run that the waiting run needs.
#[derive(Debug, Serialize)]
struct NeedResult {
    badge: Badge,
    at: Option<Timestamp>,
    answer: Option<String>,
    /// The last lines of its log, if it recorded no answer.
    lines: Vec<String>,
}

/// `None` if there is no such run.
pub(super) fn detail(server: &HttpServer, catalog: &Catalog, id: &RunId) -> Result<Option<RunDetail>, Refusal> {
    let run = match runs::by_id(server, id) {
        Ok(run) => run,
        Err(refusal) if refusal.status() == 404 => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let store = server.live.store();
    let view = server.live.view(&run);
    let badge = Badge::of(&view, false);
    let task = catalog.task(&view.task);
    let gate = badge.gate.then(|| {
        let needed = catalog.needs.get(&view.mode).map_or(&[][..], Vec::as_slice);
        gate_facts::gate_facts(store, &run, needed)
    });
    let facts = gate.transpose();
    let gate = facts?.map(|facts| GateQuestion {
        needs: facts.needs.iter().map(|run| need(server, run)).collect(),
        prompt: facts.prompt,
    });
    let is_last = runs::last(server, &run.pair())?.id() == run.id();
    store.close_index();
    Ok(Some(RunDetail {
        badge,
        title: task.map_or_else(String::new, |task| task.title.clone()),
        why: why(&view),
        facts: exit_explanation::why_ended(store, &run),
        answer: view.answer.as_deref().map(shortened),
        folder: catalog.shown_folder(&view.cwd),
        cost: cost(&view),
        tokens: tokens(&view),
        resumes: is_last && !run.is_active() && resume::conversation(&run).is_some(),
        unseen: server.live.unseen()?.contains(id.as_str()),
        worktrees: task.is_some() && catalog.project.worktrees,
        gate,
        save: format!("dispatch logs --raw --run {id} {} {} > {}.log", view.mode, view.task, view.label),
        run: view,
    }))
}

fn need(server: &HttpServer, run: &Run) -> NeedResult {
    let view = server.live.view(run);
    let answer = view.answer.as_deref().map(shortened);
    // A log that cannot be read shows nothing here; the page of the run names the error.
    let lines = match answer {
        None if view.form.is_job() => {
            last_lines::last_logged(server.live.store(), run.id(), LOGGED).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    NeedResult { badge: Badge::of(&view, false), at: view.ended_at, answer, lines }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ANSWER) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The last lines of a window, as a fragment.
pub(super) fn last_lines_of(server: &HttpServer, id: &RunId) -> Result<String, Refusal> {
    // The snapshot knows the pane of a run.
    let snapshot = server.live.snapshot()?;
    let run = snapshot.active.iter().find(|run| run.id() == id);
    let run = run.ok_or_else(|| Refusal::with(RefusalKind::NoRoute, format!("run {id} has no window now")))?;
    let lines = last_lines::last_lines(server.live.store(), run, LINES).map_err(Refusal::internal)?;
    templates::render("last_lines.html", context! { lines })
}
