//! Builds the views that `view` cannot build, because it may not import `lifecycle` or the manifest.
//! The command line and the server share these functions.

use std::path::Path;

use jiff::Timestamp;

use crate::agents::sanitize_line;
use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::launch::hooks;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::project::Project;
use crate::lifecycle::project::project_store;
use crate::lifecycle::reconcile::apply::Done;
use crate::lifecycle::reconcile::held::Held;
use crate::lifecycle::reconcile::prepared_plan::PreparedPlan;
use crate::lifecycle::summary::tree_progress::{TreeProgress, tree_progress};
use crate::manifest::{self, Mode, Origin};
use crate::model::protocol::PromptDelivery;
use crate::model::run::Run;
use crate::os::environment;
use crate::plan::step::HeldReason;
use crate::tasks::{self, TaskSet};
use crate::view::mode_view::{ModeView, ModesView};
use crate::view::plan_view::{DoneView, PlanView, StepView, UpView};
use crate::view::problem_view::ProblemView;
use crate::view::render_view::{RenderView, WorktreeView};
use crate::view::run_view::RunView;
use crate::view::task_view::{ProgressView, TaskDetail, TaskView, TasksView};

/// A run, with the reason why `up --watch` does not restart it.
pub fn run(run: &Run, held: &Held, now: Timestamp) -> RunView {
    RunView { held: held.get(&run.pair()).map(HeldReason::words), ..RunView::new(run, now) }
}

/// What a start would run.
pub fn prepared(prepared: &Prepared) -> RenderView {
    let ours = ["DISPATCH_RUN_ID", "DISPATCH_MODE", "DISPATCH_TASK", "DISPATCH_MANIFEST"];
    let mut env: Vec<String> = prepared
        .environment
        .keys()
        .map(|name| name.to_string_lossy().into_owned())
        .chain(ours.map(str::to_owned))
        .chain(prepared.kind.engine().map(|_| environment::EXECUTOR.to_owned()))
        .collect();
    env.sort();
    let mut argv = hooks::shown(prepared);
    match prepared.delivery {
        PromptDelivery::Arg => {
            if prepared.dash_dash {
                argv.push("--".to_owned());
            }
            argv.push("<prompt>".to_owned());
        }
        PromptDelivery::File => argv.push("<prompt file>".to_owned()),
        PromptDelivery::Stdin | PromptDelivery::None => {}
    }
    RenderView {
        mode: prepared.pair.mode.to_string(),
        task: prepared.pair.task.to_string(),
        form: prepared.kind.form(),
        program: prepared.program.clone(),
        argv,
        cwd: prepared.cwd.clone(),
        delivery: match prepared.delivery {
            PromptDelivery::Arg => "arg",
            PromptDelivery::Stdin => "stdin",
            PromptDelivery::File => "file",
            PromptDelivery::None => "none",
        },
        prompt: prepared.prompt.as_ref().map(|prompt| String::from_utf8_lossy(prompt).into_owned()),
        env,
        executor: prepared.kind.engine().map(|executor| executor.name.clone()),
        worktree: prepared.worktree.as_ref().map(|worktree| WorktreeView {
            path: worktree.path.clone(),
            branch: worktree.branch.clone(),
            base: worktree.base.clone(),
        }),
    }
}

/// The modes; paths below `here` are relative to it.
pub fn modes(project: &Project, here: &Path) -> ModesView {
    let view = |mode: &Mode| ModeView {
        name: mode.name.to_string(),
        description: mode.description.clone(),
        interactive: mode.form.has_window(),
        agent: mode.agent.clone(),
        origin: match &mode.origin {
            Origin::BuiltIn => "built in".to_owned(),
            Origin::Manifest { line } => format!("{}:{line}", path(&project.manifest.path, here)),
            Origin::CommandFile(file) => path(file, here),
        },
    };
    ModesView { modes: project.manifest.modes.values().map(view).collect() }
}

/// The JSON Schema of the manifest.
pub fn schema() -> serde_json::Value {
    manifest::schema()
}

/// The path as a person in `here` would type it: relative if it lies below.
pub fn path(path: &Path, here: &Path) -> String {
    sanitize_line(&path.strip_prefix(here).unwrap_or(path).display().to_string())
}

pub fn tasks(set: &TaskSet) -> TasksView {
    TasksView {
        tasks: set.tasks().iter().map(TaskView::new).collect(),
        problems: set.problems().iter().map(ProblemView::new).collect(),
    }
}

/// One task with its text and the progress of its subtasks. Fails if it is unknown or unreadable.
pub fn task(project: &Project, set: &TaskSet, typed: &str) -> Result<TaskDetail, Failure> {
    let task = set.find(typed)?;
    let body = tasks::read_body(task).map_err(|problem| Failure::of_problem(Kind::Failed, problem))?;
    let counts = tree_progress(set, project_store::find(project)?.as_ref(), task)?;
    Ok(TaskDetail::new(task, &body, counts.map(progress)))
}

pub fn progress(counts: TreeProgress) -> ProgressView {
    let TreeProgress { all, done, succeeded, failed, running, waiting } = counts;
    ProgressView { all, done, succeeded, failed, running, waiting }
}

pub fn plan(prepared: &PreparedPlan) -> PlanView {
    PlanView::new(&prepared.plan, prepared.id())
}

pub fn report(done: &[Done]) -> UpView {
    let view = |Done { step, outcome }: &Done| {
        let mut view = StepView::new(step);
        if let (Ok(Some(run)), true) = (outcome, step.is_action()) {
            view.run_id = Some(run.to_string());
        }
        DoneView { step: view, error: outcome.as_ref().err().map(ToString::to_string) }
    };
    let changes = done.iter().filter(|done| done.step.is_action()).count();
    UpView { changes, steps: done.iter().map(view).collect() }
}
