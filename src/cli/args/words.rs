//! The words that name runs. One word alone is always a task.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::cli::complete::{modes, modes_and_tasks, tasks};

#[derive(Debug, Args)]
pub(crate) struct PairWords {
    /// The mode; a word alone is a task
    #[arg(value_name = "MODE", add = ArgValueCompleter::new(modes_and_tasks))]
    mode_or_task: Option<String>,
    /// The task
    #[arg(add = ArgValueCompleter::new(tasks))]
    task: Option<String>,
}

/// What [`PairWords`] name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    Nothing,
    Task(&'a str),
    Pair(&'a str, &'a str),
}

impl PairWords {
    pub(crate) fn named(&self) -> Named<'_> {
        match (&self.mode_or_task, &self.task) {
            (Some(mode), Some(task)) => Named::Pair(mode, task),
            (Some(task), None) => Named::Task(task),
            (None, _) => Named::Nothing,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunWords {
    /// The mode; a word alone is a task
    #[arg(
        value_name = "MODE",
        required_unless_present_any = ["all", "mode"],
        add = ArgValueCompleter::new(modes_and_tasks)
    )]
    mode_or_task: Option<String>,
    /// The tasks
    #[arg(value_name = "TASK", add = ArgValueCompleter::new(tasks))]
    tasks: Vec<String>,
    /// All active runs of this mode
    #[arg(long, conflicts_with_all = ["mode_or_task", "all"], add = ArgValueCompleter::new(modes))]
    mode: Option<String>,
    /// All active runs of this project
    #[arg(long, conflicts_with = "mode_or_task")]
    all: bool,
}

/// What [`RunWords`] select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selected<'a> {
    All,
    Mode(&'a str),
    Task(&'a str),
    Pairs(&'a str, &'a [String]),
}

impl RunWords {
    pub(crate) fn selected(&self) -> Selected<'_> {
        match (&self.mode_or_task, &self.mode) {
            (Some(task), _) if self.tasks.is_empty() => Selected::Task(task),
            (Some(mode), _) => Selected::Pairs(mode, &self.tasks),
            (None, Some(mode)) => Selected::Mode(mode),
            (None, None) => Selected::All,
        }
    }
}
