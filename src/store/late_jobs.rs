//! Runs whose engine gave no answer and whose environment was taken back: a job of them may still come up. It starts
//! nothing, and is to be cancelled.

use std::path::PathBuf;
use std::{fs, io};

use jiff::Timestamp;

use crate::model::engine::EngineKind;
use crate::model::run_id::RunId;
use crate::store::record_file;
use crate::store::state_dir::{StateDir, make_folder};

/// A run, its engine, and since when it is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateJob {
    pub run: RunId,
    pub engine: EngineKind,
    pub since: Timestamp,
}

fn folder(state: &StateDir) -> PathBuf {
    state.path().join("late-jobs")
}

/// Notes that a job of `run` may still come up.
pub fn note(state: &StateDir, run: &RunId, engine: EngineKind, since: Timestamp) -> io::Result<()> {
    make_folder(&folder(state))?;
    let line = format!("{} {since}\n", engine.as_str());
    record_file::write_bytes_new(&folder(state).join(run.as_str()), line.as_bytes()).map(drop)
}

/// All of them; none where the folder is missing, as it usually is.
pub fn all(state: &StateDir) -> Vec<LateJob> {
    let entries = fs::read_dir(folder(state)).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let run = RunId::parse(entry.file_name().to_str()?)?;
            let bytes = record_file::read_bytes(&entry.path(), 256).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (engine, since) = text.trim().split_once(' ')?;
            let engine = EngineKind::WORDS.iter().find(|(word, _)| *word == engine)?.1;
            Some(LateJob { run, engine, since: since.parse().ok()? })
        })
        .collect()
}

pub fn forget(state: &StateDir, run: &RunId) {
    let _ = fs::remove_file(folder(state).join(run.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::create(&dir.path().join("s")).unwrap();
        assert!(all(&state).is_empty());
        let run = RunId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        note(&state, &run, EngineKind::Slurm, Timestamp::UNIX_EPOCH).unwrap();
        let wanted = LateJob { run: run.clone(), engine: EngineKind::Slurm, since: Timestamp::UNIX_EPOCH };
        assert_eq!(all(&state), [wanted]);
        forget(&state, &run);
        assert!(all(&state).is_empty());
    }
}
