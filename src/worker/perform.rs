//! In the child: carries out each request with the functions of the corresponding command.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::launch::prepare;
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::open_file;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::project_store;
use crate::lifecycle::project::show;
use crate::lifecycle::project::{Depth, Project};
use crate::lifecycle::reconcile;
use crate::lifecycle::reconcile::prepared_plan::PreparedPlan;
use crate::lifecycle::reconcile::up::{self, UpOutcome};
use crate::lifecycle::refresh;
use crate::lifecycle::summary::tree_results::tree_results;
use crate::lifecycle::window::show_window;
use crate::lifecycle::worktree::clean::{self, CleanOptions};
use crate::lifecycle::worktree::diff;
use crate::model::started_by::StartedBy;
use crate::plan::diff::UpOptions;
use crate::view::work_view::OpenedFileView;
use crate::worker::{WorkerRequest, catalog, drafts, files, restart, start};

/// Bytes of a patch that are sent. The list of files is complete.
const PATCH: usize = 1 << 20;

pub(super) fn perform(manifest: &Path, request: WorkerRequest) -> Result<Value, Failure> {
    let folder = manifest.parent().unwrap_or(Path::new("/")).to_owned();
    let location = ManifestLocation { file: Some(manifest.to_owned()), folder };
    let open = |depth| Project::open(&location, depth);
    match request {
        WorkerRequest::Start { mode, task, request } => {
            let started_by = request.started_by.or(Some(StartedBy::Web));
            let request = StartRequest { started_by, ..request };
            start::start(&open(Depth::Whole)?, &mode, &task, &request)
        }
        WorkerRequest::Restart { mode, task, started_by } => {
            restart::restart(&open(Depth::Whole)?, &mode, &task, started_by.unwrap_or(StartedBy::Web))
        }
        WorkerRequest::Render { mode, task, request, files } => {
            let project = drafts::open(&location, files)?;
            let tasks = project.tasks();
            let (mode, task) = (project.mode(&mode)?, tasks.find(&task)?);
            value(&show::prepared(&prepare::prepare(&project, &tasks, mode, task, &request, None)?))
        }
        WorkerRequest::Plan => {
            let project = open(Depth::Whole)?;
            let (tasks, store) = (project.tasks(), project_store::find(&project)?);
            let report = reconcile::plan(&project, &tasks, store.as_ref(), UpOptions::default())?;
            value(&show::plan(&PreparedPlan::new(&project, &tasks, report.plan)))
        }
        WorkerRequest::Up(request) => Ok(match up::up(&location, &request)? {
            UpOutcome::Applied(done) => json!({ "applied": value(&show::report(&done))? }),
            UpOutcome::Changed(plan) => json!({ "changed": value(&show::plan(&plan))? }),
        }),
        WorkerRequest::Modes => {
            let project = open(Depth::Whole)?;
            value(&show::modes(&project, &project.manifest.root))
        }
        WorkerRequest::Catalog => value(&catalog::catalog(&location)?),
        WorkerRequest::Tasks => value(&show::tasks(&open(Depth::Shape)?.tasks())),
        WorkerRequest::Task { id } => {
            let project = open(Depth::Shape)?;
            value(&show::task(&project, &project.tasks(), &id)?)
        }
        WorkerRequest::Results { id } => value(&tree_results(&open(Depth::Shape)?, &id)?),
        WorkerRequest::Diff { id } => {
            let project = open(Depth::Shape)?;
            let tasks = project.tasks();
            value(&diff::work(&project, &tasks, tasks.find(&id)?)?.view(PATCH)?)
        }
        WorkerRequest::Clean { id, dry_run } => {
            let project = open(Depth::Shape)?;
            let tasks = project.tasks();
            // A web request has no working directory; `/` never triggers the check "you are inside the worktree".
            let options = CleanOptions { here: Path::new("/"), dry: dry_run, merged: None };
            value(&clean::clean(&project, &tasks, tasks.find(&id)?, options)?)
        }
        WorkerRequest::Show { mode, task } => {
            let project = open(Depth::Shape)?;
            let pair = project_store::past_pair(&project, &mode, &task)?;
            let never = || Failure::never_run(&pair);
            let store = project_store::find(&project)?.ok_or_else(never)?;
            let run = refresh::last_run(&store, &pair)?.ok_or_else(never)?;
            let shown = show_window::show_window(&store, &run)?;
            Ok(json!({ "attached": shown.word(), "attachNote": shown.remark() }))
        }
        WorkerRequest::Open { path, line } => {
            let opened = open_file::open_file(&open(Depth::Shape)?, &path, line)?;
            value(&OpenedFileView { path: opened.path, line, editor: opened.editor, terminal: opened.terminal })
        }
        WorkerRequest::Know { mode, task } => {
            let project = open(Depth::Shape)?;
            let pair = project.pair(&project.tasks(), &mode, &task)?;
            Ok(json!({ "mode": pair.mode.as_str(), "task": pair.task.as_str() }))
        }
        WorkerRequest::ListFiles => files::list(&location),
        WorkerRequest::Check { files } => drafts::check(&location, files),
        WorkerRequest::ReadFile { name } => files::read(&location, &name),
        WorkerRequest::WriteFile { name, text, etag } => files::write(&location, &name, &text, &etag),
    }
}

pub(super) fn value(view: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(view).map_err(|error| Failure::new(Kind::Internal, error.to_string()))
}
