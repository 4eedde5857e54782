//! Runs that are started by one command: what was asked for, what that needs, and which waits for
//! which. Prepares all of them before any is started.

use crate::manifest::Mode;
use crate::model::names::{ModeName, Pair};
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::model::started_by::StartedBy;
use crate::plan::freshness::Freshness;
use crate::plan::graph::{Graph, NodeWhy, Ordering};
use crate::runner::freshness;
use crate::runner::prepare;
use crate::runner::prepare::{PrepareError, Prepared, Request};
use crate::runner::project::Project;
use crate::runner::refresh;
use crate::runner::resume;
use crate::runner::store::Store;
use crate::tasks::{Task, TaskSet};

/// One run of several, prepared.
#[derive(Clone, Debug)]
pub struct Planned {
    pub prepared: Prepared,
    /// The mode that pulls it; `None` for one that was asked for.
    pub needed_by: Option<ModeName>,
    /// Places, in the list that this is in, of those that must succeed first: all before it.
    pub after: Vec<usize>,
    /// How deep it stands in the tree of what waits for what.
    pub depth: usize,
}

/// Why runs cannot be started together.
#[derive(Debug, thiserror::Error)]
pub enum TogetherError {
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
    Prepare(#[from] PrepareError),
}

/// Whose conversation those that were asked for go on in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// They begin their own.
    #[default]
    Nobodys,
    /// That of their pair's last run.
    LastOfPair,
    /// That of this run, of whatever pair; and in its folder, where its agent looks for it.
    Of(RunId),
}

/// How runs are started together.
#[derive(Clone, Debug)]
pub struct How {
    pub ordering: Ordering,
    pub resume: Resume,
}

/// The conversation of the pair's last run that had one: what never started said nothing.
fn last_conversation(store: Option<&Store>, pair: &Pair) -> Result<(RunId, String), TogetherError> {
    let runs = store.map(|store| (store, store.with_index(|index| index.of_pair(pair)).unwrap_or_default()));
    let found = runs.and_then(|(store, ids)| {
        ids.into_iter().find_map(|id| {
            let session = resume::conversation(&refresh::one(store, &id).ok().flatten()?)?;
            Some((id, session))
        })
    });
    found.ok_or_else(|| TogetherError::NothingToResume(pair.clone()))
}

/// What goes on in the conversation of one certain run.
fn conversation_of(store: Option<&Store>, id: &RunId, request: &Request) -> Result<Request, TogetherError> {
    let run = store.and_then(|store| refresh::one(store, id).ok().flatten());
    let none = || TogetherError::NoConversation(id.to_string());
    let run = run.ok_or_else(none)?;
    if run.is_active() {
        return Err(TogetherError::StillTalks(id.clone()));
    }
    let session = resume::conversation(&run).ok_or_else(none)?;
    Ok(Request { resume: Some((id.clone(), session)), cwd: Some(run.facts.cwd), ..request.clone() })
}

/// Prepares `asked` and what it needs, in an order in which they can be started.
pub fn prepare_together(
    project: &Project,
    tasks: &TaskSet,
    store: Option<&Store>,
    asked: &[(&Mode, &Task)],
    request: &Request,
    how: &How,
) -> Result<Vec<Planned>, TogetherError> {
    let pair = |(mode, task): &(&Mode, &Task)| Pair { mode: mode.name.clone(), task: task.id.clone() };
    let pairs: Vec<Pair> = asked.iter().map(pair).collect();
    let met = |pair: &Pair| store.is_some_and(|store| is_met(project, tasks, store, pair));
    if matches!(how.resume, Resume::Of(_)) && pairs.len() > 1 {
        return Err(TogetherError::OneConversation);
    }
    let graph =
        Graph::build(&pairs, &project.manifest.modes, tasks, how.ordering, met).map_err(TogetherError::Circle)?;
    let mut places = vec![0; graph.nodes.len()];
    let mut planned = Vec::new();
    let plain = Request { jobs: request.jobs, ..Request::default() };
    for (place, (depth, node)) in graph.tree().iter().enumerate() {
        places[*node] = place;
        let Pair { mode, task } = &graph.nodes[*node].pair;
        // Both are of this project: the graph is made of its modes and tasks.
        let (Some(mode), Some(task)) = (project.manifest.modes.get(mode), tasks.get(task)) else { continue };
        let mut prepared = match &graph.nodes[*node].why {
            NodeWhy::Asked => match &how.resume {
                Resume::Nobodys => prepare::prepare(project, tasks, mode, task, request)?,
                Resume::LastOfPair => {
                    let resume = Some(last_conversation(store, &graph.nodes[*node].pair)?);
                    prepare::prepare(project, tasks, mode, task, &Request { resume, ..request.clone() })?
                }
                Resume::Of(run) => {
                    prepare::prepare(project, tasks, mode, task, &conversation_of(store, run, request)?)?
                }
            },
            NodeWhy::NeededBy(_) | NodeWhy::OnItsWay => prepare::prepare(project, tasks, mode, task, &plain)?,
        };
        let needed_by = match &graph.nodes[*node].why {
            NodeWhy::Asked | NodeWhy::OnItsWay => None,
            NodeWhy::NeededBy(mode) => Some(mode.clone()),
        };
        if needed_by.is_some() {
            prepared.started_by = Some(StartedBy::Need);
        }
        let mut after: Vec<usize> = graph.after(*node).map(|node| places[node]).collect();
        after.sort_unstable();
        after.dedup();
        planned.push(Planned { prepared, needed_by, after, depth: *depth });
    }
    Ok(planned)
}

/// Whether a needed pair has succeeded, and would do nothing new.
pub(crate) fn is_met(project: &Project, tasks: &TaskSet, store: &Store, pair: &Pair) -> bool {
    let succeeded =
        matches!(refresh::last_run(store, pair), Ok(Some(run)) if run.end_state() == Some(EndState::Succeeded));
    let (Some(mode), Some(task)) = (project.manifest.modes.get(&pair.mode), tasks.get(&pair.task)) else {
        return false;
    };
    if !succeeded || mode.sources.is_empty() {
        return succeeded;
    }
    let prepared = prepare::prepare(project, tasks, mode, task, &Request::default());
    prepared.is_ok_and(|prepared| matches!(freshness::of(store, &prepared), Ok(Some((_, Freshness::UpToDate)))))
}
