//! A fragment's handler: reads its query, collects its data, renders and compresses it.

use serde::Serialize;

use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::problem::Severity;
use crate::model::run::Run;
use crate::model::task_status::TaskStatus;
use crate::serve::head::Head;
use crate::serve::past_query::HistoryQuery;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::serve::ui::board::{self, BoardLine};
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::filter::Filter;
use crate::serve::ui::fragment::Fragment;
use crate::serve::ui::row;
use crate::serve::ui::run_page;
use crate::serve::ui::summary::Summary;
use crate::serve::ui::templates::{self, context};
use crate::serve::ui::{diff_page, edit_page, history_page, now_detail, now_page, plan_page, task_page};
use crate::view::run_view::RunView;

/// Rows of one request at most.
const ROWS: usize = 200;

pub(in crate::serve) fn page(
    server: &HttpServer,
    head: &Head,
    fragment: Fragment,
    mut query: Query,
) -> Result<Response, Refusal> {
    let html = match fragment {
        Fragment::Board => board(server, &Filter::read(query)?),
        Fragment::Now => now_page::page(server, query),
        Fragment::History => history_page::page(server, &HistoryQuery::read(query)?),
        Fragment::Rows => {
            let tasks = query.value("tasks", task_ids)?.unwrap_or_default();
            query.end()?;
            rows(server, &tasks)
        }
        Fragment::Plan => {
            let also = query.value("also", plan_page::pairs)?.unwrap_or_default();
            query.end()?;
            plan_page::page(server, &also)
        }
        fragment => {
            query.end()?;
            match fragment {
                Fragment::Run(id) => run_page::page(server, &id),
                Fragment::Task(task) => task_page::page(server, &task),
                Fragment::Diff(task) => diff_page::page(server, &task),
                Fragment::Edit(name) => edit_page::page(server, name.as_deref()),
                Fragment::LastLines(id) => now_detail::last_lines_of(server, &id),
                Fragment::Board | Fragment::Rows | Fragment::Now | Fragment::Plan | Fragment::History => {
                    Err(Refusal::new(RefusalKind::NoRoute))
                }
            }
        }
    };
    Ok(Response::owned("text/html; charset=utf-8", html?).compressed_for(head))
}

/// Data for the header of every page.
#[derive(Serialize)]
pub(super) struct PageTop {
    summary: Summary,
    project: String,
    /// Changes with manifest, templates and tasks.
    mark: u64,
    /// The page's content includes all events up to this one.
    seq: u64,
}

pub(super) fn top(server: &HttpServer, catalog: &Catalog, seq: u64) -> Result<PageTop, Refusal> {
    named_top(server, catalog.project.name.clone(), seq)
}

/// As [`top`], for a page that does not need the catalog.
pub(super) fn named_top(server: &HttpServer, project: String, seq: u64) -> Result<PageTop, Refusal> {
    let snapshot = server.live.snapshot()?;
    let active: Vec<RunView> = snapshot.active.iter().map(|run| server.live.view(run)).collect();
    let mark = server.live.project_version().unwrap_or(0);
    let mut summary = Summary::of(active.iter());
    summary.needs += server.live.unseen()?.len();
    Ok(PageTop { summary, project, mark, seq })
}

/// All tasks, or the next rows of them.
fn board(server: &HttpServer, filter: &Filter) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let runs: Vec<RunView> = server.live.runs(true)?.iter().map(|run| server.live.view(run)).collect();
    let runs = row::by_task_unseen(&runs, server.live.unseen()?);
    let board = board::board(&catalog, &runs, filter);
    let errors = catalog.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    templates::render(
        "board.html",
        context! {
            top => top(server, &catalog, seq)?, board, filter, open => filter.is_open(), all => catalog.tasks.len(),
            errors, problems => catalog.problems, broken => catalog.broken, missing => catalog.missing,
            editable => catalog.project.editable, editor => catalog.project.editor && catalog.broken.is_none(), modes => catalog.modes, statuses => statuses(&catalog), tags => tags(&catalog),
        },
    )
}

/// Single rows of the board.
fn rows(server: &HttpServer, tasks: &[TaskId]) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let runs = last_runs(server, &catalog, tasks)?;
    let runs = row::by_task_unseen(&runs, server.live.unseen()?);
    let rows = tasks.iter().map(|task| row::row(&catalog, &runs, task.as_str(), 0));
    let lines: Vec<BoardLine<'_>> = rows.map(Box::new).map(BoardLine::Task).collect();
    templates::render("rows.html", context! { top => top(server, &catalog, seq)?, lines })
}

/// The last run of each mode on each of these tasks.
pub(super) fn last_runs(server: &HttpServer, catalog: &Catalog, tasks: &[TaskId]) -> Result<Vec<RunView>, Refusal> {
    let mut pairs = Vec::new();
    for mode in catalog.modes.iter().filter_map(|mode| ModeName::parse(&mode.name).ok()) {
        pairs.extend(tasks.iter().map(|task| Pair { mode: mode.clone(), task: task.clone() }));
    }
    let snapshot = server.live.snapshot()?;
    // Runs of modes that were removed from the manifest.
    let others = snapshot.active.iter().map(Run::pair).filter(|pair| tasks.contains(&pair.task));
    let others: Vec<Pair> = others.filter(|pair| !pairs.contains(pair)).collect();
    pairs.extend(others);
    let runs = server.live.last_of(&pairs)?;
    Ok(runs.iter().map(|run| server.live.view(run)).collect())
}

fn task_ids(text: &str) -> Option<Vec<TaskId>> {
    let ids: Vec<TaskId> =
        text.split(',').filter(|id| !id.is_empty()).map(|id| TaskId::parse(id).ok()).collect::<Option<_>>()?;
    (ids.len() <= ROWS).then_some(ids)
}

/// The statuses in use, in the order of `TaskStatus`; unknown ones last.
fn statuses(catalog: &Catalog) -> Vec<&str> {
    let known = TaskStatus::ALL.map(TaskStatus::as_str);
    let mut found: Vec<&str> = Vec::new();
    for task in catalog.tasks.iter().filter(|task| !task.status.is_empty()) {
        if !found.contains(&task.status.as_str()) {
            found.push(&task.status);
        }
    }
    found.sort_by_key(|status| known.iter().position(|known| known == status).unwrap_or(usize::MAX));
    found
}

fn tags(catalog: &Catalog) -> Vec<&str> {
    let mut tags: Vec<&str> = catalog.tasks.iter().flat_map(|task| &task.tags).map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}
