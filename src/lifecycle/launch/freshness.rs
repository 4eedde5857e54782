//! Whether a pair is up to date: compares its inputs now with those of its last success. What cannot be read counts
//! as stale, so that no run is skipped wrongly.

use crate::agents;
use crate::lifecycle::launch::prepare::{self, Prepared};
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::project::Project;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::os::fingerprint::{self, Inputs};
use crate::plan::freshness::{Freshness, OutputsNow, compare};
use crate::store::index::IndexError;
use crate::tasks::TaskSet;

/// `None` if the mode has no `sources` or the pair's last run did not succeed. Otherwise that run and its freshness.
pub(crate) fn of(store: &Store, prepared: &Prepared) -> Result<Option<(Run, Freshness)>, IndexError> {
    let Some(tracked) = prepared.kind.job().and_then(|job| job.tracked.as_ref()) else { return Ok(None) };
    // From the records: the index is updated after an end is recorded.
    let last = refresh::last_run(store, &prepared.pair)?;
    let Some(run) = last.filter(|run| run.end_state() == Some(EndState::Succeeded)) else { return Ok(None) };
    let doubt = |why: String| Freshness::Stale(vec![why]);
    let had_env = || store.folder(run.id()).read_spec().is_ok_and(|spec| !spec.overrides.env.is_empty());
    if !prepared.given_env.is_empty() || had_env() {
        return Ok(Some((run, doubt("its environment was given for one run only".to_owned()))));
    }
    let record = match store.folder(run.id()).read_fresh() {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(Some((run, doubt("its sources changed while it ran".to_owned())))),
        Err(error) => return Ok(Some((run, doubt(error.to_string())))),
    };
    if prepared.worktree.is_some() || prepared.resumes.is_some() {
        return Ok(Some((run, doubt("its folder has to be made first".to_owned()))));
    }
    let argv = agents::of(prepared.protocol).argv_without_session_id(&prepared.argv, prepared.session_id.as_deref());
    let now = fingerprint::take(&Inputs {
        cwd: &prepared.cwd,
        tracked,
        prompt: prepared.prompt.as_deref().unwrap_or_default(),
        argv: &argv,
        program: &prepared.program,
    });
    let missing = fingerprint::missing(&prepared.cwd, &tracked.generates);
    let files = fingerprint::outputs(&prepared.cwd, &tracked.generates);
    let freshness = match (now, missing, files) {
        (Ok(now), Ok(unmatched), Ok(files)) => {
            let has_wildcards = tracked.generates.iter().any(|pattern| fingerprint::has_wildcard(pattern));
            compare(&record, &now, tracked, OutputsNow { files: &files, unmatched: &unmatched, has_wildcards })
        }
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => doubt(error.to_string()),
    };
    Ok(Some((run, freshness)))
}

/// Whether the last run of a needed pair succeeded and is up to date.
pub(crate) fn is_met(project: &Project, tasks: &TaskSet, store: &Store, pair: &Pair) -> bool {
    let succeeded =
        matches!(refresh::last_run(store, pair), Ok(Some(run)) if run.end_state() == Some(EndState::Succeeded));
    let (Some(mode), Some(task)) = (project.manifest.modes.get(&pair.mode), tasks.get(&pair.task)) else {
        return false;
    };
    if !succeeded || mode.sources.is_empty() {
        return succeeded;
    }
    let prepared = prepare::prepare(project, tasks, mode, task, &StartRequest::default(), None);
    prepared.is_ok_and(|prepared| matches!(of(store, &prepared), Ok(Some((_, Freshness::UpToDate)))))
}
