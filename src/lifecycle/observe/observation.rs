//! One unfinished run while it is observed: what was read of it, and the [`Run`] that this gives.

use crate::lifecycle::observe::activity::{self, AgentActivity};
use crate::lifecycle::observe::run_answer;
use crate::model::end_reason::EndReason;
use crate::model::engine_report::EngineReport;
use crate::model::live_record::LiveRecord;
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_spec::RunSpec;
use crate::model::run_state::RunState;
use crate::model::submit_record::SubmitPhase;
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
            trouble: self.trouble(),
            answer: run_answer::of_living(&self.folder, self.spec.protocol, answered.as_ref()),
            answered,
            waits: live
                .and_then(|live| self.retries(live))
                .or_else(|| self.engine_reason())
                .or_else(|| self.waits.clone()),
            waits_since: self.waits_since,
            node: self.node(),
            state_since: None,
        };
        Run { facts, state, progress, end: None }
    }

    fn word(&self) -> Option<&EngineReport> {
        self.probe.engine.as_ref()?.report.as_ref()
    }

    /// The node that the run is on, by its own record, else by its engine.
    pub(crate) fn node(&self) -> Option<String> {
        let own = self.probe.live.as_ref().and_then(|live| live.owner.node());
        let told = || match self.word() {
            Some(EngineReport::Runs { node } | EngineReport::Over { node, .. }) => node.clone(),
            _ => None,
        };
        own.map(str::to_owned).or_else(told)
    }

    /// Why it waits in its engine, in the engine's report.
    fn engine_reason(&self) -> Option<String> {
        match self.word()? {
            EngineReport::Waits { reason, is_stuck: true } => Some(format!("{reason}; it will not start by itself")),
            EngineReport::Waits { reason, is_stuck: false } => Some(reason.clone()).filter(|reason| !reason.is_empty()),
            _ => None,
        }
    }

    fn trouble(&self) -> Option<String> {
        if self.probe.unsaved {
            return Some("its end cannot be written yet (is the disk full?)".to_owned());
        }
        let evidence = self.probe.engine.as_ref().filter(|evidence| !evidence.environment_waits)?;
        let words = match self.word()? {
            EngineReport::Over { end, .. } => format!("its engine reports: {end}"),
            EngineReport::NotKnown => "its engine does not know it".to_owned(),
            _ => return None,
        };
        let left = evidence.lease.saturating_sub(evidence.quiet).as_secs();
        Some(format!("{words}; after {left} s without a sign of life it counts as lost"))
    }

    /// Whether the engine has the job although it never answered that.
    pub(crate) fn was_just_accepted(&self) -> bool {
        let is_intended =
            self.probe.engine.as_ref().is_some_and(|evidence| evidence.phase == Some(SubmitPhase::Intended));
        is_intended && matches!(self.word(), Some(EngineReport::Waits { .. } | EngineReport::Runs { .. }))
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
