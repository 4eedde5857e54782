//! Removes a run folder, or the remains of one whose creation was interrupted. The folder is renamed first, so that a
//! killed removal leaves no partial record. Must not decide which runs are removed.

use std::path::Path;
use std::{fs, io};

use crate::os::environment;
use crate::store::record_file;
use crate::store::run_folder::{RunFolder, gone};

/// Name prefix of a folder that is being removed.
const REMOVED: &str = ".removed-";

impl RunFolder {
    /// Removes the remains of a starter that died before it wrote the spec: environment file, prompt files and
    /// unfinished records. The folder itself is removed only if it is empty then.
    pub fn clear_unmade(&self) {
        let Some(id) = self.run_id() else { return };
        if !fs::symlink_metadata(self.path()).is_ok_and(|meta| meta.is_dir()) {
            return;
        }
        let places = [environment::waiting_place(self.path(), id.as_str()), self.path().join("env")];
        for file in places.into_iter().chain([self.prompt(), self.given()]) {
            let _ = fs::remove_file(file);
        }
        record_file::remove_unfinished(self.path());
        let _ = fs::remove_dir(self.path());
    }

    /// Removes the folder and its contents. Only for runs that have ended. A second call completes a killed removal.
    pub fn remove(self) -> io::Result<()> {
        let Some(id) = self.run_id() else { return Ok(()) };
        // Rename first: a partly removed record would be read as a different end.
        let removed = self.path().with_file_name(format!("{REMOVED}{id}"));
        gone(fs::rename(self.path(), &removed))?;
        gone(fs::remove_dir_all(removed))
    }
}

/// Completes killed removals of runs that the index no longer contains.
pub(super) fn finish_removals(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(REMOVED.as_bytes()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::ids::new_run_id;

    #[test]
    fn a_removal_that_was_killed_is_finished_by_the_next() {
        let runs = tempfile::tempdir().unwrap();
        let id = new_run_id();
        let make = |name: &str| {
            let folder = runs.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("stdout.log"), "x").unwrap();
        };
        make(&format!("{REMOVED}{id}"));
        RunFolder::at(runs.path().join(id.as_str())).remove().unwrap();
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
        make(id.as_str());
        make(&format!("{REMOVED}{}", new_run_id()));
        finish_removals(runs.path());
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 1);
        RunFolder::at(runs.path().join(id.as_str())).remove().unwrap();
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_what_was_never_made_only_our_own_files_go() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path().join(new_run_id().as_str())).unwrap();
        for name in ["env", "prompt", ".new-abc", "stdout.log"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        folder.clear_unmade();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["stdout.log"]);
        fs::remove_file(folder.stdout()).unwrap();
        folder.clear_unmade();
        assert!(!folder.path().exists());
    }
}
