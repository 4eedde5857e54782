//! Fingerprints the inputs of a job before and after it, and writes the record that lets a later start be skipped.
//!
//! In doubt it writes nothing: an unneeded run costs less than a missing one.

use crate::agents;
use crate::model::freshness::{FRESH_VERSION, Fingerprint, FreshRecord, Tracked};
use crate::model::run_spec::RunSpec;
use crate::os::fingerprint::{self, Inputs};
use crate::store::run_folder::RunFolder;

/// The inputs of a job before its first attempt.
pub(super) struct InputTracker<'a> {
    folder: &'a RunFolder,
    spec: &'a RunSpec,
    tracked: &'a Tracked,
    before: Fingerprint,
}

impl<'a> InputTracker<'a> {
    /// `None` where the mode does not track its inputs, or they cannot be read.
    pub(super) fn before(folder: &'a RunFolder, spec: &'a RunSpec) -> Option<Self> {
        let tracked = spec.kind.job()?.tracked.as_ref()?;
        let before = take(folder, spec, tracked)?;
        Some(Self { folder, spec, tracked, before })
    }

    /// Records the inputs after a success, if they have not changed.
    pub(super) fn record(self) {
        if take(self.folder, self.spec, self.tracked).as_ref() != Some(&self.before) {
            tracing::info!("inputs changed while it ran: the next start runs again");
            return;
        }
        let outputs = match fingerprint::outputs(&self.spec.cwd, &self.tracked.generates) {
            Ok(outputs) => outputs,
            Err(error) => {
                tracing::warn!(%error, "the outputs cannot be told: the next start runs again");
                return;
            }
        };
        let record = FreshRecord {
            version: FRESH_VERSION,
            run_id: self.spec.run_id.clone(),
            tracked: self.tracked.clone(),
            fingerprint: self.before,
            outputs: Some(outputs),
        };
        if let Err(error) = self.folder.write_fresh(&record) {
            tracing::warn!(%error, "the inputs cannot be recorded: the next start runs again");
        }
    }
}

fn take(folder: &RunFolder, spec: &RunSpec, tracked: &Tracked) -> Option<Fingerprint> {
    let argv = agents::of(spec.protocol).argv_without_session_id(&spec.argv, spec.session_id.as_deref());
    let taken = folder.read_prompt().and_then(|prompt| {
        fingerprint::take(&Inputs { cwd: &spec.cwd, tracked, prompt: &prompt, argv: &argv, program: &spec.program })
    });
    taken.inspect_err(|error| tracing::warn!(%error, "the inputs cannot be told")).ok()
}
