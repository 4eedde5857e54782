//! One hash over the inputs of a run: program version, manifest, environment, date, mode, templates, task. Equal
//! hashes: preparing again gives an equal run. Different hashes prove nothing; then the runs must be compared.

use std::collections::HashMap;

use crate::lifecycle::project::Project;
use crate::manifest::{Mode, PromptSource};
use crate::model::names::ModeName;
use crate::os::clock;
use crate::os::environment;
use crate::os::fingerprint::{self, Digest};
use crate::tasks::Task;

/// Caches the hash of what all runs of a project share, and that of each mode with its templates.
#[derive(Debug)]
pub(crate) struct SpecFingerprints<'a> {
    project: &'a Project,
    shared: Digest,
    modes: HashMap<ModeName, Option<Digest>>,
}

impl<'a> SpecFingerprints<'a> {
    pub(crate) fn new(project: &'a Project) -> Self {
        let manifest = &project.manifest;
        let mut shared = Digest::default();
        shared.add(env!("CARGO_PKG_VERSION").as_bytes());
        shared.add(manifest.source.as_bytes());
        // Values that the local manifest may override.
        shared.add(
            format!("{:?} {:?} {:?} {:?}", manifest.env, manifest.jobs, manifest.budget, manifest.pass_env).as_bytes(),
        );
        for name in manifest.pass_env.iter().map(String::as_str).chain(["PATH", "DISPATCH_TMUX_SOCKET", "TMUX_TMPDIR"])
        {
            shared.add(format!("{name}={:?}", environment::var(name)).as_bytes());
        }
        // Templates may use the date.
        shared.add(clock::local_minute(clock::now()).split(' ').next().unwrap_or_default().as_bytes());
        Self { project, shared, modes: HashMap::new() }
    }

    /// `None` if a file of the inputs cannot be read.
    pub(crate) fn of(&mut self, mode: &Mode, task: &Task) -> Option<String> {
        let mut digest = self.of_mode(mode)?;
        digest.add(format!("{task:?}").as_bytes());
        if let Some(path) = &task.path {
            digest.add(fingerprint::about(&self.project.manifest.root.join(path)).ok()?.as_bytes());
        }
        Some(digest.finish())
    }

    fn of_mode(&mut self, mode: &Mode) -> Option<Digest> {
        if let Some(found) = self.modes.get(&mode.name) {
            return found.clone();
        }
        let mut digest = self.shared.clone();
        digest.add(format!("{mode:?}").as_bytes());
        let lines = match &mode.prompt {
            PromptSource::Template(path) => path.parent().and_then(|folder| fingerprint::about_folder(folder).ok()),
            _ => Some(Vec::new()),
        };
        let found = lines.map(|lines| {
            lines.iter().for_each(|line| digest.add(line.as_bytes()));
            digest
        });
        self.modes.insert(mode.name.clone(), found.clone());
        found
    }
}
