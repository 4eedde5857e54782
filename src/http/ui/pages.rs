//! A fragment's way: what it shows, gathered, laid out and sent.

use std::sync::Arc;

use serde::Serialize;

use crate::http::head::Head;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::http::ui::board::{self, Board, Line};
use crate::http::ui::catalog::{Broken, Catalog, Finding, Missing};
use crate::http::ui::filter::Filter;
use crate::http::ui::fragment::Fragment;
use crate::http::ui::history_page::{self, Wish};
use crate::http::ui::run_page;
use crate::http::ui::summary::Summary;
use crate::http::ui::{diff_page, now_page, task_page, templates};
use crate::model::names::{ModeName, Pair, TaskId};
use crate::runner::failure::Failure;
use crate::view::mode_view::ModeView;
use crate::view::run_view::RunView;

/// So many rows are asked for at once.
const ROWS: usize = 200;

pub(in crate::http) fn page(
    server: &Arc<Shared>,
    head: &Head,
    fragment: Fragment,
    mut query: Query,
) -> Result<Reply, Refusal> {
    let html = match fragment {
        Fragment::Board => {
            let filter = Filter::read(&mut query)?;
            query.end()?;
            board(server, &filter)
        }
        Fragment::Rows => {
            let tasks = query.value("tasks", ids)?.unwrap_or_default();
            query.end()?;
            rows(server, &tasks)
        }
        Fragment::Run(id) => {
            query.end()?;
            run_page::page(server, &id)
        }
        Fragment::Task(task) => {
            query.end()?;
            task_page::page(server, &task)
        }
        Fragment::Diff(task) => {
            query.end()?;
            diff_page::page(server, &task)
        }
        Fragment::Now => {
            query.end()?;
            now_page::page(server)
        }
        Fragment::History => {
            let wish = Wish::read(&mut query)?;
            query.end()?;
            history_page::page(server, &wish)
        }
    };
    Ok(Reply::text("text/html; charset=utf-8", html?).compressed_for(head))
}

/// What the head of each page shows.
#[derive(Serialize)]
pub(super) struct Top {
    summary: Summary,
    project: String,
    /// Changes with manifest, templates and tasks.
    mark: u64,
    /// All events up to this one are seen in what is shown.
    seq: u64,
}

pub(super) fn top(server: &Shared, catalog: &Catalog, seq: u64) -> Result<Top, Refusal> {
    named_top(server, catalog.project.name.clone(), seq)
}

/// The same for a page that does without the manifest.
pub(super) fn named_top(server: &Shared, project: String, seq: u64) -> Result<Top, Refusal> {
    let snapshot = server.live.snapshot().map_err(Failure::from)?;
    let active: Vec<RunView> = snapshot.active.iter().map(|run| server.live.view(run)).collect();
    let mark = server.live.project_mark().unwrap_or(0);
    Ok(Top { summary: Summary::of(active.iter()), project, mark, seq })
}

#[derive(Serialize)]
struct BoardPage<'a> {
    top: Top,
    board: Board<'a>,
    filter: &'a Filter,
    open: bool,
    all: usize,
    errors: usize,
    problems: &'a [Finding],
    broken: Option<&'a Broken>,
    missing: &'a [Missing],
    modes: &'a [ModeView],
    statuses: Vec<&'a str>,
    tags: Vec<&'a str>,
}

#[derive(Serialize)]
struct RowsPage<'a> {
    top: Top,
    lines: Vec<Line<'a>>,
}

/// All tasks, or a further piece of them.
fn board(server: &Arc<Shared>, filter: &Filter) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalogs.get(server)?;
    let runs = server.live.runs(true).map_err(Failure::from)?;
    let runs: Vec<RunView> = runs.iter().map(|run| server.live.view(run)).collect();
    let runs = board::by_task(&runs);
    let board = board::board(&catalog, &runs, filter);
    let errors = catalog.problems.iter().filter(|problem| problem.severity == "error").count();
    let page = BoardPage {
        top: top(server, &catalog, seq)?,
        board,
        filter,
        open: filter.is_open(),
        all: catalog.tasks.len(),
        errors,
        problems: &catalog.problems,
        broken: catalog.broken.as_ref(),
        missing: &catalog.missing,
        modes: &catalog.modes,
        statuses: statuses(&catalog),
        tags: tags(&catalog),
    };
    templates::render("board.html", &page)
}

/// Single rows, as they are now.
fn rows(server: &Arc<Shared>, tasks: &[TaskId]) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalogs.get(server)?;
    let runs = last_runs(server, &catalog, tasks)?;
    let runs = board::by_task(&runs);
    let row = |task| Line::Task(Box::new(board::row(&catalog, &runs, task, 0)));
    let lines: Vec<Line<'_>> = tasks.iter().map(|task| row(task.as_str())).collect();
    templates::render("rows.html", &RowsPage { top: top(server, &catalog, seq)?, lines })
}

/// The last run of each mode on each of these tasks.
pub(super) fn last_runs(server: &Shared, catalog: &Catalog, tasks: &[TaskId]) -> Result<Vec<RunView>, Refusal> {
    let mut pairs = Vec::new();
    for mode in catalog.modes.iter().filter_map(|mode| ModeName::parse(&mode.name).ok()) {
        pairs.extend(tasks.iter().map(|task| Pair { mode: mode.clone(), task: task.clone() }));
    }
    let snapshot = server.live.snapshot().map_err(Failure::from)?;
    // Of a mode that is gone the run is still there.
    let others = snapshot.active.iter().map(crate::model::run::Run::pair).filter(|pair| tasks.contains(&pair.task));
    let others: Vec<Pair> = others.filter(|pair| !pairs.contains(pair)).collect();
    pairs.extend(others);
    let runs = server.live.last_of(&pairs).map_err(Failure::from)?;
    Ok(runs.iter().map(|run| server.live.view(run)).collect())
}

fn ids(text: &str) -> Option<Vec<TaskId>> {
    let ids: Vec<TaskId> =
        text.split(',').filter(|id| !id.is_empty()).map(|id| TaskId::parse(id).ok()).collect::<Option<_>>()?;
    (ids.len() <= ROWS).then_some(ids)
}

/// The statuses that there are, in the order in which work goes through them.
fn statuses(catalog: &Catalog) -> Vec<&str> {
    let known = crate::model::task_status::TaskStatus::ALL.map(crate::model::task_status::TaskStatus::as_str);
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
