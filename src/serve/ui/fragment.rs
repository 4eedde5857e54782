//! The fragments below `/ui/`. Their paths are internal and may change.

use crate::model::names::TaskId;
use crate::model::run_id::RunId;
use crate::serve::routes::is_file_name;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Fragment {
    Board,
    /// Single rows of the board, with the data of the page's header.
    Rows,
    Task(TaskId),
    Run(RunId),
    /// The changes of a task's worktree.
    Diff(TaskId),
    Now,
    /// The last lines of a window.
    LastLines(RunId),
    Plan,
    History,
    /// The editor of this file; of the manifest if none is named.
    Edit(Option<String>),
}

/// `None` if there is no such fragment.
pub(in crate::serve) fn find(path: &[&str]) -> Option<Fragment> {
    match path {
        ["board"] => Some(Fragment::Board),
        ["rows"] => Some(Fragment::Rows),
        ["tasks", id] => TaskId::parse(id).ok().map(Fragment::Task),
        ["runs", id] => RunId::parse(id).map(Fragment::Run),
        ["diff", id] => TaskId::parse(id).ok().map(Fragment::Diff),
        ["plan"] => Some(Fragment::Plan),
        ["now"] => Some(Fragment::Now),
        ["last", id] => RunId::parse(id).map(Fragment::LastLines),
        ["history"] => Some(Fragment::History),
        ["edit"] => Some(Fragment::Edit(None)),
        ["edit", file @ ..] if is_file_name(file) => Some(Fragment::Edit(Some(file.join("/")))),
        _ => None,
    }
}
