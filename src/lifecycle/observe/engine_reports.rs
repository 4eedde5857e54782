//! Asks the engines of observed runs, each once for all runs, and completes the evidence of one run.

use std::collections::BTreeMap;

use crate::executor::{self, EngineLook};
use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::store::Store;
use crate::model::engine::EngineKind;
use crate::model::engine_report::EngineReport;
use crate::model::run_id::RunId;

/// The engines' reports, and the runs that each is asked for.
#[derive(Default)]
pub(crate) struct EngineReports {
    runs: BTreeMap<EngineKind, Vec<RunId>>,
    looks: BTreeMap<EngineKind, EngineLook>,
}

impl EngineReports {
    /// For all these runs together.
    pub(crate) fn of(observations: &[Observation]) -> Self {
        let mut runs: BTreeMap<EngineKind, Vec<RunId>> = BTreeMap::new();
        for observation in observations.iter().filter(|observation| observation.probe.needs_engine()) {
            if let Some(executor) = observation.spec.kind.engine() {
                runs.entry(executor.engine).or_default().push(observation.spec.run_id.clone());
            }
        }
        Self { runs, looks: BTreeMap::new() }
    }

    /// Forgets what the engines said.
    pub(crate) fn forget(&mut self) {
        self.looks.clear();
    }

    /// Adds the engine's report, and how long the node has been quiet, to the evidence of a run.
    pub(crate) fn complete(&mut self, store: &Store, observation: &mut Observation) {
        let Some(executor) = observation.spec.kind.engine() else { return };
        let run = &observation.spec.run_id;
        let runs = self.runs.entry(executor.engine).or_default();
        if !runs.contains(run) {
            runs.push(run.clone());
            self.looks.remove(&executor.engine);
        }
        let look = self.looks.entry(executor.engine).or_insert_with(|| executor::engine(executor.engine).look(runs));
        let report = match look {
            EngineLook::Answer(words) => words.get(run).cloned().unwrap_or(EngineReport::NotKnown),
            EngineLook::NoAnswer(words) => EngineReport::NoAnswer(words.clone()),
        };
        let quiet = observation.folder.quiet_since(store.host_boot());
        if let Some(evidence) = &mut observation.probe.engine {
            // After the engine was asked: a node that took the run since then shows itself by that.
            evidence.environment_waits = observation.folder.environment_waits(&observation.spec);
            evidence.quiet = quiet;
            evidence.report = Some(report);
        }
    }
}
