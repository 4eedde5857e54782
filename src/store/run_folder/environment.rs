//! The file that holds a run's environment until its agent starts. It is claimed once, by removing or renaming it: the
//! process that did so decides whether the agent starts.

use std::path::PathBuf;
use std::{fs, io};

use crate::model::run_spec::RunSpec;
use crate::os::environment::{self, Environment};
use crate::store::run_folder::RunFolder;

impl RunFolder {
    /// The file that holds the run's environment until the agent starts. Fails where the spec names a file of another
    /// run, as a forged spec could.
    pub fn environment_of(&self, spec: &RunSpec) -> io::Result<PathBuf> {
        let place = &spec.environment;
        let is_here = self.absolute().is_ok_and(|folder| *place == folder.join("env"));
        let own = is_here || place.file_name().is_some_and(|name| name == spec.run_id.as_str());
        if own { Ok(place.clone()) } else { Err(io::Error::other("the environment's place is not this run's")) }
    }

    /// Removes the environment file. True: this call removed it, so no process has the environment or can get it.
    pub fn withdraw_environment(&self, spec: &RunSpec) -> bool {
        self.environment_of(spec).is_ok_and(|place| fs::remove_file(place).is_ok())
    }

    /// Whether the environment file exists: no process has taken it yet.
    pub fn environment_waits(&self, spec: &RunSpec) -> bool {
        self.environment_of(spec).is_ok_and(|place| place.exists())
    }

    fn taken_environment(&self) -> PathBuf {
        self.path.join("env.taken")
    }

    /// On a node: takes the run by renaming its environment file, which one process alone can do, and reads and removes
    /// that. `None` if the file was taken or withdrawn before: then nothing may be started or written.
    pub fn claim_environment(&self, spec: &RunSpec) -> io::Result<Option<Environment>> {
        match fs::rename(self.environment_of(spec)?, self.taken_environment()) {
            Ok(()) => environment::take_over(&self.taken_environment()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what a node has taken and did not remove because it died.
    pub fn forget_taken_environment(&self) {
        let _ = fs::remove_file(self.taken_environment());
    }
}
