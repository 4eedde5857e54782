//! One unfinished run while it is observed: what was read of it, and the [`Run`] that this gives.

use crate::lifecycle::observe::activity::{self, AgentActivity};
use crate::lifecycle::observe::run_answer;
use crate::model::end_reason::EndReason;
use crate::model::live_record::LiveRecord;
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_spec::RunSpec;
use crate::model::run_state::RunState;
use crate::os::clock;
use crate::os::tmux::{Pane, Tmux};
use crate::plan::observed_state::ProbeResult;
use crate::store::run_folder::RunFolder;

pub(crate) struct Observation {
    pub(crate) folder: RunFolder,
    pub(crate) spec: RunSpec,
    pub(crate) probe: ProbeResult,
    pub(crate) pane: Option<Pane>,
    /// Of a queued run: what it waits for, or until when.
    pub(crate) waits: Option<String>,
    /// Of a queued run: since when.
    pub(crate) waits_since: Option<jiff::Timestamp>,
}

impl Observation {
    pub(crate) fn run(&self, facts: RunFacts, state: RunState) -> Run {
        let live = self.probe.live.as_ref();
        let agent = live.and_then(LiveRecord::pid);
        let pane = self.pane.as_ref().filter(|_| state == RunState::Running);
        let answered = live.and_then(|live| live.answered.clone());
        let does = pane.map(|pane| self.agent_activity(pane)).unwrap_or_default();
        let progress = Progress {
            started_at: live.map(|live| self.started(live.started_at)),
            pid: self.pane.as_ref().map(|pane| pane.pid).or(agent),
            attempt: live.map_or(0, |live| live.attempt),
            log_bytes: self.folder.log_bytes(),
            limits: live.and_then(|live| live.limits),
            pane: self.pane.as_ref().map(|pane| pane.pane_id.clone()),
            window: self.pane.as_ref().map(|pane| pane.window_id.clone()),
            activity: does.activity,
            session_id: does.session_id,
            trouble: self.probe.unsaved.then(|| "its end cannot be written yet (is the disk full?)".to_owned()),
            answer: run_answer::of_living(&self.folder, self.spec.protocol, answered.as_ref()),
            answered,
            waits: live.and_then(|live| self.retries(live)).or_else(|| self.waits.clone()),
            waits_since: self.waits_since,
            state_since: None,
        };
        Run { facts, state, progress, end: None }
    }

    fn agent_activity(&self, pane: &Pane) -> AgentActivity {
        let Some(window) = self.spec.kind.window() else { return AgentActivity::default() };
        activity::of_pane(pane, self.spec.protocol, &self.spec.run_id, &self.folder, &window.socket)
    }

    /// `retry 1 of 2 at 12:00:00, after: signal 9 (SIGKILL)`.
    fn retries(&self, live: &LiveRecord) -> Option<String> {
        let wait = live.retry.as_ref()?;
        let retry = self.spec.kind.job().and_then(|job| job.retry.as_ref());
        let max = retry.map_or(live.attempt, |retry| retry.max);
        let until = clock::local_moment(wait.until, clock::now());
        let reason = wait.reason.as_ref().map(EndReason::to_string).unwrap_or_default();
        Some(format!("retry {} of {max} at {until}, after: {reason}", live.attempt))
    }

    /// A window counts as started when it is requested; its agent follows within milliseconds.
    pub(crate) fn started(&self, lived_since: jiff::Timestamp) -> jiff::Timestamp {
        if self.probe.form.is_job() { lived_since } else { self.spec.created_at }
    }

    pub(crate) fn tmux(&self) -> Option<Tmux> {
        self.spec.kind.window().map(|window| Tmux::new(window.socket.clone()))
    }
}
