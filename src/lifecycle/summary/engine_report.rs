//! What an engine reports of the job of an ended run. It is not in the run's records: the node writes the end before
//! its engine has decided how the job ended, and an engine forgets its jobs after a while.
//! It is shown beside the end and never changes it.

use std::time::Duration;

use crate::executor::{self, EngineLook};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::engine_report::{EngineReport, JobEnd};
use crate::model::exit_record::ExitRecord;
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::os::clock;

/// Longer than engines usually remember a job that has ended.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Asks the engine of a run that was ended by it or failed, as an agent does whose memory is used up. `None` for all
/// other runs, and if the engine does not know more.
pub fn of_ended(store: &Store, run: &Run) -> Option<JobEnd> {
    let end = run.end.as_ref().filter(|end| is_unexplained(end))?;
    let age = Duration::from_millis(clock::millis_between(end.ended_at, clock::now()));
    if run.facts.executor.is_none() || age > REMEMBERED {
        return None;
    }
    let spec = store.folder(run.id()).read_spec().ok()?;
    let engine = spec.kind.engine()?.engine;
    let EngineLook::Answer(mut reports) = executor::engine(engine).look(std::slice::from_ref(run.id())) else {
        return None;
    };
    match reports.remove(run.id())? {
        EngineReport::Over { end: JobEnd::Completed | JobEnd::Failed | JobEnd::Other, .. } => None,
        EngineReport::Over { end, .. } => Some(end),
        _ => None,
    }
}

fn is_unexplained(end: &ExitRecord) -> bool {
    end.reason == Some(EndReason::EndedByEngine) || (end.state == EndState::Failed && end.started_at.is_some())
}
