//! Finds the runs that are certainly alive with few reads: windows with a live pane, and jobs whose pair lock is held
//! and whose `live.json` agrees. Leaves every other run to `probe` and `settle`.

use crate::lifecycle::observe::Observations;
use crate::lifecycle::observe::activity;
use crate::lifecycle::observe::run_answer;
use crate::lifecycle::store::Store;
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::store::index::Index;
use crate::store::pair_lock::{self, Liveness};

/// Adds the runs that are certainly alive to `seen` and returns the other ids. A live pane that was started for the
/// run suffices for a window; its spec and locks are not read.
pub(super) fn fast_path(
    store: &Store,
    index: &Index,
    known: Vec<(RunId, Option<RunFacts>)>,
    seen: &mut Observations,
) -> Vec<RunId> {
    let mut rest = Vec::new();
    // In a copied state folder the panes belong to the original.
    let trusted = index.is_of_this_folder();
    // Read while tmux prepares its answer.
    let is_window = |facts: &Option<RunFacts>| facts.as_ref().is_some_and(|facts| facts.socket.is_some());
    let stop_requested = |id: &RunId| store.folder(id).stop_requested().is_some();
    let requested: Vec<bool> = known.iter().map(|(id, facts)| is_window(facts) && stop_requested(id)).collect();
    for ((id, facts), stop_requested) in known.into_iter().zip(requested) {
        let facts = facts.filter(|_| trusted);
        let Some(facts) = facts else {
            rest.push(id);
            continue;
        };
        let Some(socket) = facts.socket.clone() else {
            match job(store, &id, &facts) {
                Some(progress) => {
                    seen.runs.push(Run { facts, state: RunState::Running, progress, end: None });
                }
                None => rest.push(id),
            }
            continue;
        };
        let pane = match seen.listings.of(&socket) {
            Ok(listed) => listed.pane(&id).filter(|pane| pane.dead.is_none()),
            Err(_) => None,
        };
        match pane {
            Some(pane) => {
                let state = if stop_requested { RunState::Stopping } else { RunState::Running };
                let runs = state == RunState::Running;
                let does = match runs {
                    true => activity::of_pane(pane, facts.protocol, &id, &store.folder(&id), &socket),
                    false => activity::AgentActivity::default(),
                };
                let progress = Progress {
                    started_at: Some(facts.created_at),
                    pid: Some(pane.pid),
                    attempt: 1,
                    pane: Some(pane.pane_id.clone()),
                    window: Some(pane.window_id.clone()),
                    activity: does.activity,
                    session_id: does.session_id,
                    ..Progress::default()
                };
                seen.runs.push(Run { facts, state, progress, end: None });
            }
            None => {
                // A server that did not answer is not listed again.
                if matches!(seen.listings.of(&socket), Ok(listed) if listed.pane(&id).is_none()) {
                    seen.listings.stale.insert(socket);
                }
                rest.push(id);
            }
        }
    }
    for socket in std::mem::take(&mut seen.listings.stale) {
        seen.listings.by_socket.remove(&socket);
    }
    rest
}

/// A job whose supervisor holds the pair lock and runs in this boot, without a stop, retry, trouble or end.
fn job(store: &Store, id: &RunId, facts: &RunFacts) -> Option<Progress> {
    let Ok(Liveness::Held(Some(holder))) = pair_lock::probe(store.state(), &facts.pair()) else { return None };
    let folder = store.folder(id);
    let live = folder.read_live().ok().flatten()?;
    let plain = holder == *id
        && live.owner.process().is_some_and(|owner| owner.host_boot == *store.host_boot())
        && !live.stopping
        && live.retry.is_none()
        && live.trouble.is_none()
        && folder.stop_requested().is_none()
        && !folder.is_unsaved()
        && !folder.has_exit();
    plain.then(|| Progress {
        started_at: Some(live.started_at),
        pid: live.pid(),
        attempt: live.attempt,
        log_bytes: folder.log_bytes(),
        limits: live.limits,
        answer: run_answer::of_living(&folder, facts.protocol, live.answered.as_ref()),
        answered: live.answered,
        ..Progress::default()
    })
}
