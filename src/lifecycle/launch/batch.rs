//! From a request to an ordered batch of prepared runs: the requested pairs, what they need, and their dependencies.
//! Starts nothing: all runs are prepared before any is started.

use std::collections::BTreeSet;

use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::prepare::{self, PrepareError, Prepared};
use crate::lifecycle::launch::request::{Conversation, Resume, StartRequest};
use crate::lifecycle::launch::resume;
use crate::lifecycle::project::project_store;
use crate::lifecycle::project::task_steps::task_steps;
use crate::lifecycle::project::{NameLookupError, Project};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::manifest::Mode;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_id::RunId;
use crate::model::started_by::StartedBy;
use crate::plan::graph::{Graph, NodeWhy, Ordering};
use crate::store::state_dir::StateDirError;
use crate::tasks::{Task, TaskSet};

/// The requested pairs, prepared.
#[derive(Debug)]
pub struct Batch {
    /// In the order of the request.
    pub requested: Vec<Pair>,
    /// Whether a requested pair is interactive.
    pub has_windows: bool,
    /// The requested pairs and their needs, each after its dependencies.
    pub items: Vec<BatchItem>,
    /// `Some` if it was needed for the preparation and exists.
    pub store: Option<Store>,
}

#[derive(Clone, Debug)]
pub struct BatchItem {
    pub prepared: Prepared,
    /// The mode that needs it; `None` if it was requested or is active already.
    pub needed_by: Option<ModeName>,
    /// Indexes of the items that must succeed first; each is smaller than its own.
    pub after: Vec<usize>,
}

/// Why no run of the request can be started.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("`{0}` is not below the task")]
    NotBelow(String),
    #[error("no task is below {}", .0.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "))]
    NoneBelow(Vec<TaskId>),
    #[error("they wait for one another: {}", .0.iter().map(|pair| format!("`{pair}`")).collect::<Vec<_>>().join(" → "))]
    Circle(Vec<Pair>),
    #[error("`{0}` has no conversation to resume")]
    NothingToResume(Pair),
    #[error("run `{0}` has no conversation to resume")]
    NoConversation(String),
    #[error("run `{0}` is still active, so its conversation cannot be resumed")]
    StillTalks(RunId),
    #[error("only one run can resume a conversation")]
    OneConversation,
    #[error(transparent)]
    Name(#[from] NameLookupError),
    #[error(transparent)]
    State(#[from] StateDirError),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

/// Prepares `mode` on the tasks `named`, and their needs. Fails if any of these runs cannot be prepared.
pub fn resolve_batch(
    project: &Project,
    tasks: &TaskSet,
    mode: &Mode,
    named: &[&Task],
    request: &StartRequest,
) -> Result<Batch, BatchError> {
    let requested = match request.subtasks {
        true => subtasks(project, tasks, mode, named, request.from.as_deref())?,
        false => named.iter().map(|task| (mode, *task)).collect(),
    };
    // Only needs and conversations require the store.
    let asks = request.resume != Resume::NewConversation || requested.iter().any(|(mode, _)| !mode.needs.is_empty());
    let store = if asks { project_store::find(project)? } else { None };
    let has_windows = requested.iter().any(|(mode, _)| mode.form.has_window());
    let pair = |(mode, task): (&Mode, &Task)| Pair { mode: mode.name.clone(), task: task.id.clone() };
    let requested: Vec<Pair> = requested.into_iter().map(pair).collect();
    let items = prepare_all(project, tasks, store.as_ref(), &requested, request)?;
    Ok(Batch { requested, has_windows, items, store })
}

/// Returns each item after its dependencies.
fn prepare_all(
    project: &Project,
    tasks: &TaskSet,
    store: Option<&Store>,
    requested: &[Pair],
    request: &StartRequest,
) -> Result<Vec<BatchItem>, BatchError> {
    if matches!(request.resume, Resume::Of(_) | Resume::Again(_)) && requested.len() > 1 {
        return Err(BatchError::OneConversation);
    }
    let ordering = if request.subtasks { Ordering::AcrossModes } else { Ordering::WithinMode };
    let met = |pair: &Pair| store.is_some_and(|store| freshness::is_met(project, tasks, store, pair));
    let modes = &project.manifest.modes;
    let graph = Graph::build(requested, modes, tasks, ordering, met).map_err(BatchError::Circle)?;
    let mut places = vec![0; graph.nodes.len()];
    let mut items = Vec::new();
    let plain = StartRequest { jobs: request.jobs, ..StartRequest::default() };
    for (place, (_, node)) in graph.tree().iter().enumerate() {
        places[*node] = place;
        let pair = &graph.nodes[*node].pair;
        // Always found: the graph is made of the project's modes and tasks.
        let (Some(mode), Some(task)) = (modes.get(&pair.mode), tasks.get(&pair.task)) else { continue };
        let (request, conversation, needed_by) = match &graph.nodes[*node].why {
            NodeWhy::Requested => (request, conversation(store, pair, &request.resume)?, None),
            NodeWhy::OnItsWay => (&plain, None, None),
            NodeWhy::NeededBy(mode) => (&plain, None, Some(mode.clone())),
        };
        let mut prepared = prepare::prepare(project, tasks, mode, task, request, conversation.as_ref())?;
        if needed_by.is_some() {
            prepared.started_by = Some(StartedBy::Need);
        }
        let mut after: Vec<usize> = graph.after(*node).map(|node| places[node]).collect();
        after.sort_unstable();
        after.dedup();
        items.push(BatchItem { prepared, needed_by, after });
    }
    Ok(items)
}

/// The conversation that a requested run of `pair` continues.
fn conversation(store: Option<&Store>, pair: &Pair, resume: &Resume) -> Result<Option<Conversation>, BatchError> {
    let run_of = |id: &RunId| store.and_then(|store| refresh::one(store, id).ok().flatten());
    match resume {
        Resume::NewConversation => Ok(None),
        // The last run that has one: a run that never started has none.
        Resume::LastOfPair => {
            let ids = store.map(|store| store.with_index(|index| index.of_pair(pair)).unwrap_or_default());
            let found = ids.unwrap_or_default().into_iter().find_map(|run| {
                let session = resume::conversation(&run_of(&run)?)?;
                Some(Conversation { run, session, cwd: None })
            });
            Ok(Some(found.ok_or_else(|| BatchError::NothingToResume(pair.clone()))?))
        }
        Resume::Of(id) => {
            let none = || BatchError::NoConversation(id.to_string());
            let run = run_of(id).ok_or_else(none)?;
            if run.is_active() {
                return Err(BatchError::StillTalks(id.clone()));
            }
            let session = resume::conversation(&run).ok_or_else(none)?;
            Ok(Some(Conversation { run: id.clone(), session, cwd: Some(run.facts.cwd) }))
        }
        Resume::Again(id) => {
            let none = || BatchError::NoConversation(id.to_string());
            let run = run_of(id).ok_or_else(none)?;
            if let Some(session) = resume::conversation(&run) {
                return Ok(Some(Conversation { run: id.clone(), session, cwd: Some(run.facts.cwd) }));
            }
            // It never started: the conversation is as it found it.
            let spec = store.and_then(|store| store.folder(id).read_spec().ok()).ok_or_else(none)?.launch;
            let (run, session) = spec.resumes.zip(spec.session_id).ok_or_else(none)?;
            Ok(Some(Conversation { run, session, cwd: Some(spec.cwd) }))
        }
    }
}

/// `--subtasks`: the leaf tasks below `chosen` in run order, each in the mode it declares, else in `mode`. With `from`,
/// only those from this task on. Fails if there is none.
fn subtasks<'a>(
    project: &'a Project,
    tasks: &'a TaskSet,
    mode: &'a Mode,
    chosen: &[&'a Task],
    from: Option<&str>,
) -> Result<Vec<(&'a Mode, &'a Task)>, BatchError> {
    let mut requested = Vec::new();
    let mut seen: BTreeSet<&TaskId> = BTreeSet::new();
    let mut reached = from.is_none();
    for parent in chosen {
        for (task, step) in task_steps(tasks, parent) {
            reached |= from.is_some_and(|from| from == task.id.as_str());
            let is_chosen = chosen.iter().any(|parent| parent.id == task.id);
            if !reached || !step.leaf || is_chosen || !seen.insert(&task.id) {
                continue;
            }
            let declared = task.declared.as_ref().and_then(|declared| declared.mode.as_ref());
            requested.push((declared.map_or(Ok(mode), |name| project.mode(name.as_str()))?, task));
        }
    }
    match (requested.is_empty(), from) {
        (false, _) => Ok(requested),
        (true, Some(from)) if !reached => Err(BatchError::NotBelow(from.to_owned())),
        (true, _) => Err(BatchError::NoneBelow(chosen.iter().map(|task| task.id.clone()).collect())),
    }
}
