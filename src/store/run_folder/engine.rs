//! The files of a run on an engine: what was submitted, and the signs of life of its node.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::process_id::HostBoot;
use crate::model::submit_record::{SUBMIT_VERSION, SubmitPhase, SubmitRecord};
use crate::os::clock;
use crate::store::record_file::{self, Durability, RecordError};
use crate::store::run_folder::{RunFolder, optional};

impl RunFolder {
    fn submitted_path(&self) -> PathBuf {
        self.path.join("submitted.json")
    }

    /// Whether an engine was asked to run it, readable or not: then the run is not in this project's queue.
    pub fn was_submitted(&self) -> bool {
        self.submitted_path().exists()
    }

    pub fn read_submitted(&self) -> Result<Option<SubmitRecord>, RecordError> {
        optional(record_file::read(&self.submitted_path(), SUBMIT_VERSION))
    }

    /// The intention is synced to disk: after a power cut, the engine may still have the job. That it was accepted need
    /// not be: a run with an intention is found by its name, and a damaged record counts as accepted.
    pub fn write_submitted(&self, record: &SubmitRecord) -> io::Result<()> {
        let durability = match record.phase {
            SubmitPhase::Intended => Durability::Disk,
            SubmitPhase::Accepted { .. } => Durability::Process,
        };
        record_file::write(&self.submitted_path(), record, durability)
    }

    fn heartbeat_path(&self) -> PathBuf {
        self.path.join("heartbeat")
    }

    /// On a node: writes a sign of life. `count` only grows.
    pub fn write_heartbeat(&self, count: u64) -> io::Result<()> {
        // Always as long, so that a reader sees a whole number.
        write_in_place(&self.heartbeat_path(), format!("{count:020}\n").as_bytes())
    }

    /// How long the node has shown no new sign of life, by the clock of this machine. The first call begins to count;
    /// what was seen is kept in a file, since most commands end at once.
    pub fn quiet_since(&self, here: &HostBoot) -> Duration {
        let now = clock::since_boot();
        let count = record_file::read_bytes(&self.heartbeat_path(), 64).unwrap_or_default();
        // A file for each machine and boot: clocks of different ones cannot be compared.
        let boot: String = here.boot_id.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let seen_path = self.path.join(format!("heartbeat.seen-{boot}"));
        let seen = record_file::read_bytes(&seen_path, 256).unwrap_or_default();
        if let Some((at, known)) = parse_seen(&seen)
            && known == count
            && at <= now
        {
            return now - at;
        }
        let mut line = format!("{:020} ", now.as_millis()).into_bytes();
        line.extend(&count);
        let _ = write_in_place(&seen_path, &line);
        Duration::ZERO
    }
}

/// When a heartbeat was first seen, and which.
fn parse_seen(seen: &[u8]) -> Option<(Duration, &[u8])> {
    let (at, count) = seen.split_at_checked(20)?;
    let millis = std::str::from_utf8(at).ok()?.parse().ok()?;
    Some((Duration::from_millis(millis), count.strip_prefix(b" ")?))
}

fn write_in_place(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    // What an earlier, longer content left.
    file.set_len(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_quiet_from_when_it_was_first_seen() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path().join("r")).unwrap();
        let here = HostBoot { host: "h".into(), boot_id: "b-1".into(), pid_namespace: 1 };
        assert_eq!(folder.quiet_since(&here), Duration::ZERO);
        std::fs::write(folder.path().join("heartbeat.seen-b1"), format!("{:020} ", 0)).unwrap();
        assert!(folder.quiet_since(&here) > Duration::from_secs(1), "it is counted from what was seen before");
        folder.write_heartbeat(1).unwrap();
        assert_eq!(folder.quiet_since(&here), Duration::ZERO, "a new heartbeat begins anew");
        folder.write_heartbeat(2).unwrap();
        assert_eq!(folder.quiet_since(&here), Duration::ZERO);
        let other = HostBoot { boot_id: "b-2".into(), ..here };
        assert_eq!(folder.quiet_since(&other), Duration::ZERO, "another boot has a clock of its own");
    }
}
