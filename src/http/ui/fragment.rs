//! Which fragments there are. Their paths are ours alone: nobody else may count on them.

use crate::model::names::TaskId;
use crate::model::run_id::RunId;

/// What a page can ask for, below `/ui/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum Fragment {
    Board,
    /// Single rows of the board, and what the head of every page says.
    Rows,
    Task(TaskId),
    Run(RunId),
    /// What was done on a task.
    Diff(TaskId),
    Now,
    History,
}

/// `None` where there is no such fragment.
pub(in crate::http) fn find(path: &[&str]) -> Option<Fragment> {
    match path {
        ["board"] => Some(Fragment::Board),
        ["rows"] => Some(Fragment::Rows),
        ["tasks", id] => TaskId::parse(id).ok().map(Fragment::Task),
        ["runs", id] => RunId::parse(id).map(Fragment::Run),
        ["diff", id] => TaskId::parse(id).ok().map(Fragment::Diff),
        ["now"] => Some(Fragment::Now),
        ["history"] => Some(Fragment::History),
        _ => None,
    }
}
