//! Marks a run whose end is known but cannot be written, since the disk is full.
//!
//! The mark must fit on that disk: an empty file often does. Where no inode is left, an existing record is marked in
//! place: it becomes executable.

use std::fs;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Sets the mark: the empty file `mark`, else on `record`. Wakes the processes that watch their folder.
pub(super) fn set(mark: &Path, record: &Path) {
    if fs::File::create(mark).is_err() && !is_on(record) {
        let _ = fs::set_permissions(record, fs::Permissions::from_mode(0o700));
        let _ = rewrite_last_byte(record);
    }
}

pub(super) fn is_set(mark: &Path, record: &Path) -> bool {
    mark.exists() || is_on(record)
}

pub(super) fn clear(mark: &Path, record: &Path) {
    let _ = fs::remove_file(mark);
    if is_on(record) {
        let _ = fs::set_permissions(record, fs::Permissions::from_mode(0o600));
    }
}

fn is_on(record: &Path) -> bool {
    fs::symlink_metadata(record).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o100 != 0)
}

/// Wakes file watchers, which a change of permissions alone does not. Changes nothing and needs no disk space.
fn rewrite_last_byte(path: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let mut last = [0];
    file.seek(io::SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    file.seek(io::SeekFrom::End(-1))?;
    file.write_all(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_a_file_or_on_the_record_and_can_be_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let record = dir.path().join("record");
        fs::write(&record, "{}\n").unwrap();
        fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).unwrap();
        // In a missing folder no file can be created.
        for mark in [dir.path().join("mark"), dir.path().join("no/mark")] {
            assert!(!is_set(&mark, &record));
            set(&mark, &record);
            set(&mark, &record);
            assert!(is_set(&mark, &record));
            assert_eq!(fs::read_to_string(&record).unwrap(), "{}\n");
            clear(&mark, &record);
            assert!(!is_set(&mark, &record));
        }
        assert!(!is_set(&dir.path().join("mark"), &dir.path().join("no record")));
    }
}
