//! `dispatch status --watch`: the runs, then each run again whenever it changes, until Ctrl-C.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Named, StatusArgs};
use crate::cli::commands::run_one::UNHEARD;
use crate::cli::commands::{open, status, task_word};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::output;
use crate::lifecycle::project::{Depth, Project, project_store};
use crate::lifecycle::reconcile::held::Held;
use crate::lifecycle::store::Store;
use crate::model::names::{Pair, TaskId};
use crate::model::run::Run;
use crate::os::clock;
use crate::os::event_fd::EventFd;
use crate::os::interrupts::Interrupts;
use crate::os::watch::file_watcher::FileWatcher;
use crate::os::watch::wait_readable;
use crate::snapshot::{Live, essence};
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &StatusArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let known = project_store::find(&project)?;
    let watched = Watched::new(&project, known.as_ref(), args)?;
    let store = known.map_or_else(|| project_store::create(&project, None), Ok)?.to_show();
    let mut interrupts = Interrupts::new()?;
    let live = Live::start(store, FileWatcher::start()?, context.location.clone())?;
    let waker = EventFd::new()?;
    let mut events = live.subscribe(None, waker.clone());
    let mut printed = HashMap::new();
    let mut is_first = true;
    loop {
        // Before the runs are read: a later change wakes again.
        waker.clear();
        events.by_ref().for_each(drop);
        let mut runs = live.runs(args.all || watched != Watched::All)?;
        runs.retain(|run| watched.includes(run));
        if std::mem::take(&mut is_first) && runs.is_empty() {
            output::stderr(context).note("nothing has run yet");
        }
        if !print_changed(context, &runs, &mut printed)? {
            return Ok(ExitCode::from(UNHEARD));
        }
        wait_readable(&[waker.as_fd(), interrupts.as_fd()], None)?;
        if interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Watched {
    All,
    Task(TaskId),
    Pair(Pair),
}

impl Watched {
    /// Fails if there is no such mode or task. It need not have run yet.
    fn new(project: &Project, store: Option<&Store>, args: &StatusArgs) -> Result<Self, CliError> {
        Ok(match args.words.named() {
            Named::Nothing => Self::All,
            Named::Task(word) => Self::Task(task_word::find(project, store, word, "status --watch")?.0),
            Named::Pair(mode, task) => Self::Pair(project_store::past_pair(project, mode, task)?),
        })
    }

    fn includes(&self, run: &Run) -> bool {
        match self {
            Self::All => true,
            Self::Task(task) => run.facts.task == *task,
            Self::Pair(pair) => run.pair() == *pair,
        }
    }
}

/// Prints the runs that are not as `printed` has them. `false`: stdout has no reader any more.
fn print_changed(context: &CommandContext, runs: &[Run], printed: &mut HashMap<Pair, Run>) -> Result<bool, CliError> {
    let is_first = printed.is_empty();
    let mut is_changed = |run: &Run| {
        let essence = essence(run);
        printed.insert(run.pair(), essence.clone()) != Some(essence)
    };
    let changed: Vec<bool> = runs.iter().map(&mut is_changed).collect();
    let mut text = String::new();
    if context.json {
        let now = clock::now();
        for (run, _) in runs.iter().zip(&changed).filter(|(_, changed)| **changed) {
            text.push_str(&output::json_line(&json!({ "event": "run", "run": RunView::new(run, now) }))?);
        }
    } else if changed.contains(&true) {
        // All of them give the widths of the columns.
        let table = status::table(context, runs, &Held::new());
        let is_shown = std::iter::once(is_first).chain(changed);
        table.split_inclusive('\n').zip(is_shown).filter(|(_, shown)| *shown).for_each(|(line, _)| text.push_str(line));
    }
    Ok(output::write_if_heard(text.as_bytes())?)
}
