//! The page of unfinished runs: those that wait for the user, those that run, and those that are queued.

use serde::Serialize;

use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::pages::top;
use crate::serve::ui::run_line::RunLine;
use crate::serve::ui::templates::{self, context};

#[derive(Serialize)]
struct RunGroup<'a> {
    key: &'static str,
    name: &'static str,
    /// Shown if there are none.
    none: &'static str,
    runs: Vec<UnfinishedRun<'a>>,
}

/// A run with the title of its task.
#[derive(Serialize)]
struct UnfinishedRun<'a> {
    run: RunLine,
    title: &'a str,
}

pub(super) fn page(server: &HttpServer) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let snapshot = server.live.snapshot()?;
    let group = |key, name, none| RunGroup { key, name, none, runs: Vec::new() };
    let mut groups = [
        group("needs", "Waits for you", "Nothing waits for you."),
        group("running", "Running", "Nothing runs."),
        group("queued", "Queued", ""),
    ];
    for run in &snapshot.active {
        let run = RunLine::of(&server.live.view(run));
        let is_queued = run.badge.key == "queued" && !run.badge.running;
        let at = if run.badge.needs { 0 } else { 1 + usize::from(is_queued) };
        let title = catalog.task(&run.badge.task).map_or("", |task| task.title.as_str());
        groups[at].runs.push(UnfinishedRun { run, title });
    }
    // The longest wait first, the latest start first; the queue keeps its order.
    groups[0].runs.sort_by_key(|going| going.run.badge.since);
    groups[1].runs.sort_by_key(|going| std::cmp::Reverse(going.run.started));
    templates::render("now.html", context! { top => top(server, &catalog, seq)?, broken => catalog.broken, groups })
}
