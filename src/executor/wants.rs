//! What a job asks of an engine, from the spec of its run. Pure, but for the path of this program.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::bytes::Bytes;
use crate::model::retry::RetryOn;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::os::process::supervise;

/// Beyond what a run may take by itself: the engine's limit must not be the first one reached.
const RESERVE: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobWants {
    pub(crate) run: RunId,
    /// This program, at its path on the nodes.
    pub(crate) program: PathBuf,
    pub(crate) options: Vec<String>,
    pub(crate) memory: Option<Bytes>,
    /// A limit that a run reaches only if its own timeouts fail; `None`: it has no timeout.
    pub(crate) time: Option<Duration>,
}

impl JobWants {
    /// `None` for a run of this machine. Fails if the path of this program is not known.
    pub(crate) fn of(spec: &RunSpec) -> io::Result<Option<Self>> {
        let Some(executor) = spec.kind.engine() else { return Ok(None) };
        let program = match &executor.program {
            Some(program) => program.clone(),
            None => supervise::own_program()?,
        };
        Ok(Some(Self {
            run: spec.run_id.clone(),
            program,
            options: executor.options.clone(),
            memory: spec.kind.job().and_then(|job| job.limits.memory),
            time: time_limit(spec),
        }))
    }
}

/// The time of all attempts and pauses. `None` if one of them has no bound: a pause for a rate limit may take hours.
fn time_limit(spec: &RunSpec) -> Option<Duration> {
    let job = spec.kind.job()?;
    let timeout = job.timeout?.as_duration();
    let check = if job.expect.command.is_empty() { 1 } else { 2 };
    let attempt = timeout.checked_mul(check)?.checked_add(spec.stop_grace.as_duration())?;
    let Some(retry) = job.retry.as_ref().filter(|retry| retry.max > 0) else {
        return attempt.checked_add(RESERVE);
    };
    if retry.on.contains(&RetryOn::RateLimit) {
        return None;
    }
    let pauses = (0..retry.max).try_fold(Duration::ZERO, |sum, attempt| {
        sum.checked_add(retry.backoff.as_duration().checked_mul(2_u32.checked_pow(attempt)?)?)
    })?;
    attempt.checked_mul(retry.max.checked_add(1)?)?.checked_add(pauses)?.checked_add(RESERVE)
}
