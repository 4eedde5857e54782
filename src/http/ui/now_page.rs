//! What goes on now: what waits for a person first, then what runs, and what is queued and why.

use std::sync::Arc;

use serde::Serialize;

use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::ui::catalog::Broken;
use crate::http::ui::pages::{Top, top};
use crate::http::ui::run_line::RunLine;
use crate::http::ui::templates;
use crate::runner::failure::Failure;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NowPage<'a> {
    top: Top,
    broken: Option<&'a Broken>,
    groups: [Group<'a>; 3],
}

/// Runs that stand alike.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group<'a> {
    key: &'static str,
    name: &'static str,
    /// What is said where there are none.
    none: &'static str,
    runs: Vec<Going<'a>>,
}

/// An unfinished run, and the title of its task.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Going<'a> {
    run: RunLine,
    title: &'a str,
}

pub(super) fn page(server: &Arc<Shared>) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalogs.get(server)?;
    let snapshot = server.live.snapshot().map_err(Failure::from)?;
    let group = |key, name, none| Group { key, name, none, runs: Vec::new() };
    let mut groups = [
        group("needs", "Waits for you", "Nothing waits for you."),
        group("running", "Running", "Nothing runs."),
        group("queued", "Queued", ""),
    ];
    for run in &snapshot.active {
        let run = RunLine::of(&server.live.view(run));
        let at = match () {
            () if run.badge.needs => 0,
            () if run.badge.running || run.badge.key != "queued" => 1,
            () => 2,
        };
        let title = catalog.task(&run.badge.task).map_or("", |task| task.title.as_str());
        groups[at].runs.push(Going { run, title });
    }
    // What waits longest comes first; a queue is shown in its order.
    groups[0].runs.sort_by_key(|going| going.run.badge.since);
    groups[1].runs.sort_by_key(|going| std::cmp::Reverse(going.run.started));
    let page = NowPage { top: top(server, &catalog, seq)?, broken: catalog.broken.as_ref(), groups };
    templates::render("now.html", &page)
}
