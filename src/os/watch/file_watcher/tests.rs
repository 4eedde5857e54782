//! Unit tests of the file watcher, by the kernel and by polling.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{FileWatcher, Subscription};
use crate::os::event_fd::EventFd;
use crate::os::watch::wait_readable;

const LONG: Option<Duration> = Some(Duration::from_secs(20));
/// Longer than the poll interval.
const QUIET: Option<Duration> = Some(Duration::from_millis(250));

fn woken(event: &EventFd, patience: Option<Duration>) -> bool {
    let woken = wait_readable(&[event.as_fd()], patience).unwrap()[0];
    event.clear();
    woken
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn each(test: impl Fn(Arc<FileWatcher>)) {
    test(FileWatcher::start().unwrap());
    test(FileWatcher::with_kernel(None).unwrap());
}

#[test]
fn a_file_wakes_all_who_follow_it_and_only_them() {
    each(|watcher| {
        let dir = tempfile::tempdir().unwrap();
        let (log, other) = (dir.path().join("log"), dir.path().join("other"));
        append(&log, "");
        append(&other, "");
        let (one, two, third) = (EventFd::new().unwrap(), EventFd::new().unwrap(), EventFd::new().unwrap());
        let _kept: Vec<Subscription> = [(&log, &one), (&log, &two), (&other, &third)]
            .map(|(path, event)| watcher.follow(path, event).unwrap())
            .into();
        append(&log, "line\n");
        assert!(woken(&one, LONG) && woken(&two, LONG));
        assert!(!woken(&third, QUIET), "it follows another file");
    });
}

#[test]
fn a_folder_wakes_for_entries_that_come_go_or_were_written() {
    each(|watcher| {
        let dir = tempfile::tempdir().unwrap();
        let event = EventFd::new().unwrap();
        let _kept = watcher.follow(dir.path(), &event).unwrap();
        let (file, moved) = (dir.path().join("exit.new"), dir.path().join("exit"));
        let steps: [(&str, &dyn Fn()); 5] = [
            ("made", &|| append(&file, "x")),
            ("written", &|| append(&file, "y")),
            ("moved", &|| fs::rename(&file, &moved).unwrap()),
            ("removed", &|| fs::remove_file(&moved).unwrap()),
            ("a folder", &|| fs::create_dir(dir.path().join("run")).unwrap()),
        ];
        for (what, step) in steps {
            step();
            assert!(woken(&event, LONG), "{what}");
            // Consume other wake-ups by the same step.
            while woken(&event, QUIET) {}
        }
    });
}

#[test]
fn a_polled_folder_wakes_when_a_file_in_it_grows() {
    let watcher = FileWatcher::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "");
    let event = EventFd::new().unwrap();
    let polled = watcher.poll(dir.path(), &event).unwrap();
    assert!(polled.is_polled() && !woken(&event, QUIET));
    for _ in 0..2 {
        append(&log, "line\n");
        assert!(woken(&event, LONG));
    }
    drop(polled);
    assert!(watcher.shared.subscribers().is_empty(), "nothing is left behind");
}

#[test]
fn who_left_is_not_woken_and_the_others_are() {
    each(|watcher| {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        append(&log, "");
        let (stays, leaves) = (EventFd::new().unwrap(), EventFd::new().unwrap());
        let kept = watcher.follow(&log, &stays).unwrap();
        drop(watcher.follow(&log, &leaves).unwrap());
        append(&log, "1");
        assert!(woken(&stays, LONG));
        assert!(!woken(&leaves, Some(Duration::ZERO)));
        drop(kept);
        append(&log, "2");
        assert!(!woken(&stays, QUIET));
        assert!(
            !watcher.shared.subscribers().polls() && watcher.shared.subscribers().is_empty(),
            "nothing is left behind"
        );
        let _again = watcher.follow(&log, &stays).unwrap();
        append(&log, "3");
        assert!(woken(&stays, LONG), "what was let go can be followed again");
    });
}

#[test]
fn what_is_not_there_cannot_be_followed_and_what_goes_says_so() {
    each(|watcher| {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let event = EventFd::new().unwrap();
        assert_eq!(watcher.follow(&folder, &event).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        fs::create_dir(&folder).unwrap();
        let kept = watcher.follow(&folder, &event).unwrap();
        fs::remove_dir(&folder).unwrap();
        assert!(woken(&event, LONG));
        drop(kept);
        assert!(watcher.shared.subscribers().is_empty());
    });
}

#[test]
fn many_come_and_go_while_one_is_woken_by_each_change() {
    let watcher = FileWatcher::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "");
    let event = EventFd::new().unwrap();
    let _kept = watcher.follow(&log, &event).unwrap();
    let files: Vec<_> = (0..50).map(|n| dir.path().join(format!("{n}"))).collect();
    files.iter().for_each(|file| append(file, ""));
    for _ in 0..20 {
        let others: Vec<_> = files.iter().map(|file| watcher.follow(file, &event).unwrap()).collect();
        drop(others);
        append(&log, "x");
        assert!(woken(&event, LONG));
    }
}
