//! Follows a job's logs by byte offset for many readers in one process. The file watcher wakes a reader, by polling if
//! another host may write the logs; memory
//! per reader is constant; every byte written before the end is handed out before the end is reported.
//!
//! Does not observe a run that has a spec and no end: the server's poller (`snapshot`) does that.

use std::io;
use std::sync::Arc;

use crate::lifecycle::follow::{FollowError, is_written_elsewhere};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_state::{RunState, UnknownWhy};
use crate::os::event_fd::EventFd;
use crate::os::watch::file_watcher::{FileWatcher, Subscription};
use crate::store::logs::reader::{ReadFrom, RunLogReader};
use crate::store::run_folder::RunFolder;

pub use crate::store::logs::extent::LogExtent;
pub use crate::store::logs::reader::{LogStream, LogStreams};

/// Start positions, in bytes of each log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    pub stdout: u64,
    pub stderr: u64,
}

/// A piece of a log. The next piece of its stream starts at `offset + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub stream: LogStream,
    /// Position of its first byte in the log.
    pub offset: u64,
    /// Number of bytes in the caller's buffer.
    pub count: usize,
}

#[derive(Debug)]
pub enum Next {
    Chunk(Chunk),
    /// Everything written so far was handed out. Call again after the waker fired.
    Idle,
    /// The run has ended, and everything it wrote was handed out.
    Ended(Box<Run>),
}

/// One reader of one run's logs.
#[derive(Debug)]
pub struct Tail {
    store: Store,
    facts: RunFacts,
    folder: RunFolder,
    logs: RunLogReader,
    /// The end of the run; read before the last bytes are.
    end: Option<Box<Run>>,
    /// Why the run cannot be observed; then its end cannot either.
    unseen: Option<UnknownWhy>,
    watch: Watches,
    /// Held only to be counted: the strong references are the number of followers.
    _subscriber: Option<Arc<()>>,
}

/// How the changes of a run folder are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WatchedBy {
    Kernel,
    /// Another host may write the folder.
    Polling,
    Nothing,
}

/// What wakes a tail: new entries in the run folder (such as the end) and writes to the logs.
#[derive(Debug)]
struct Watches {
    watcher: Arc<FileWatcher>,
    waker: EventFd,
    streams: LogStreams,
    by: WatchedBy,
    _folder: Option<Subscription>,
    stdout: Option<Subscription>,
    stderr: Option<Subscription>,
}

impl Tail {
    /// Follows the job `run` from these offsets. Fires `waker` whenever [`Self::next`] may have more; call `next`
    /// once without waiting after `open`.
    pub fn open(
        store: &Store,
        run: &Run,
        from: Offsets,
        streams: LogStreams,
        watcher: &Arc<FileWatcher>,
        waker: &EventFd,
    ) -> io::Result<Self> {
        let folder = store.folder(run.id());
        let from = ReadFrom::At { stdout: from.stdout, stderr: from.stderr };
        let over = run.end.is_some();
        let by = match (over, is_written_elsewhere(store, &run.facts)) {
            // An ended run neither writes nor ends.
            (true, _) => WatchedBy::Nothing,
            (false, true) => WatchedBy::Polling,
            (false, false) => WatchedBy::Kernel,
        };
        Ok(Self {
            logs: RunLogReader::open(&folder, streams, from)?,
            watch: Watches::new(watcher, waker, streams, &folder, by)?,
            store: store.clone(),
            facts: run.facts.clone(),
            folder,
            end: over.then(|| Box::new(run.clone())),
            unseen: match &run.state {
                RunState::Unknown(why) => Some(why.clone()),
                _ => None,
            },
            _subscriber: None,
        })
    }

    /// Counts this tail as a follower by holding `subscriber`.
    pub(crate) fn with_subscriber(self, subscriber: Arc<()>) -> Self {
        Self { _subscriber: Some(subscriber), ..self }
    }

    /// The next piece, at most as long as `into`. Fails if the run was pruned or cannot be observed.
    pub fn next(&mut self, into: &mut [u8]) -> Result<Next, FollowError> {
        if self.end.is_none() {
            self.watch.logs(&self.folder);
        }
        // Check for the end only when no bytes are left, then read once more for bytes written before the end. So a
        // line costs no check, and no byte is missed.
        loop {
            if let Some((stream, offset, count)) = self.logs.next_into(into)? {
                return Ok(Next::Chunk(Chunk { stream, offset, count }));
            }
            if let Some(end) = &self.end {
                return Ok(Next::Ended(end.clone()));
            }
            self.end = self.look_for_end()?;
            match (&self.end, &self.unseen) {
                (Some(_), _) => {}
                (None, Some(why)) => {
                    return Err(FollowError::Unknown { pair: self.facts.pair(), why: why.clone() });
                }
                (None, None) => return Ok(Next::Idle),
            }
        }
    }

    /// The next stretch of one log, not read, if at least `least` bytes are there; at most `most` bytes.
    pub fn next_extent(&mut self, least: usize, most: usize) -> io::Result<Option<LogExtent>> {
        self.logs.next_extent(least, most)
    }

    fn look_for_end(&self) -> Result<Option<Box<Run>>, FollowError> {
        match self.folder.read_exit() {
            Ok(Some(end)) => return Ok(Some(Box::new(Run::ended(self.facts.clone(), end)))),
            Ok(None) if self.folder.has_spec() => return Ok(None),
            // The run was pruned, its spec is not written yet, or its end is unreadable.
            _ => {}
        }
        let id = &self.facts.run_id;
        let run = refresh::one(&self.store, id)?;
        self.store.close_index();
        match run {
            None => Err(FollowError::Gone(id.clone())),
            Some(Run { state: RunState::Unknown(why), .. }) => {
                Err(FollowError::Unknown { pair: self.facts.pair(), why })
            }
            Some(run) => Ok(run.end.is_some().then(|| Box::new(run))),
        }
    }
}

impl Watches {
    fn new(
        watcher: &Arc<FileWatcher>,
        waker: &EventFd,
        streams: LogStreams,
        folder: &RunFolder,
        by: WatchedBy,
    ) -> io::Result<Self> {
        let entries = match by {
            WatchedBy::Kernel => Some(watcher.follow(folder.path(), waker)?),
            WatchedBy::Polling => Some(watcher.poll(folder.path(), waker)?),
            WatchedBy::Nothing => None,
        };
        Ok(Self {
            watcher: Arc::clone(watcher),
            waker: waker.clone(),
            streams,
            by,
            _folder: entries,
            stdout: None,
            stderr: None,
        })
    }

    /// Watches the logs that exist. The folder watch reports the creation of the others. A folder that is polled reports
    /// what is written to them, too.
    fn logs(&mut self, folder: &RunFolder) {
        if self.by != WatchedBy::Kernel {
            return;
        }
        let Self { watcher, waker, streams, .. } = self;
        for (wanted, held, path) in
            [(streams.stdout, &mut self.stdout, folder.stdout()), (streams.stderr, &mut self.stderr, folder.stderr())]
        {
            if wanted && held.is_none() {
                *held = watcher.follow(&path, waker).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::end_reason::EndReason;
    use crate::model::exit::Exit;
    use crate::model::exit_record::ExitRecord;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::run_form::RunForm;
    use crate::model::run_state::{EndState, WaitingFor};
    use crate::os::watch::wait_readable;
    use crate::os::{clock, ids};
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::path::Path;
    use std::time::Duration;

    const BOTH: LogStreams = LogStreams { stdout: true, stderr: true };

    struct World {
        _dir: tempfile::TempDir,
        store: Store,
        watcher: Arc<FileWatcher>,
        waker: EventFd,
        run: Run,
        folder: RunFolder,
    }

    /// A queued run: a folder with a minimal spec.
    fn world() -> World {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("state")).unwrap();
        let id = ids::new_run_id();
        let folder = RunFolder::create(store.state().run(&id)).unwrap();
        std::fs::write(folder.path().join("spec.json"), "{}").unwrap();
        let facts = RunFacts {
            run_id: id,
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            form: RunForm::Headless,
            protocol: crate::model::protocol::Protocol::Text,
            session: None,
            socket: None,
            cwd: "/".into(),
            created_at: clock::now(),
            parent_run: None,
            session_id: None,
            agent: None,
            started_by: None,
            by_up: false,
            exclusive: false,
            slots: 1,
            executor: None,
            spec_fingerprint: None,
        };
        let run = Run::active(facts, RunState::Queued(WaitingFor::Slot));
        World { _dir: dir, store, watcher: FileWatcher::start().unwrap(), waker: EventFd::new().unwrap(), run, folder }
    }

    impl World {
        fn tail(&self, from: Offsets) -> Tail {
            Tail::open(&self.store, &self.run, from, BOTH, &self.watcher, &self.waker).unwrap()
        }

        fn end(&self) {
            let (id, reason) = (self.run.id().clone(), EndReason::ExitCode(7));
            let end = ExitRecord::never_started(id, EndState::Failed, reason, clock::now());
            let end = ExitRecord { exit: Exit::code(7), attempt: 1, ..end };
            self.folder.write_exit(&end).unwrap();
        }
    }

    fn append(path: &Path, text: &str) {
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn woken(waker: &EventFd) {
        assert!(wait_readable(&[waker.as_fd()], Some(Duration::from_secs(20))).unwrap()[0], "nothing woke it");
        waker.clear();
    }

    /// Everything up to the next `Idle`, and the exit code if the run has ended.
    fn drain(tail: &mut Tail, text: &mut String) -> Option<i32> {
        let mut room = [0; 3];
        loop {
            match tail.next(&mut room).unwrap() {
                Next::Chunk(chunk) => text.push_str(std::str::from_utf8(&room[..chunk.count]).unwrap()),
                Next::Idle => return None,
                Next::Ended(run) => return run.end.unwrap().exit.code,
            }
        }
    }

    #[test]
    fn a_run_is_followed_from_the_queue_to_its_last_byte() {
        let world = world();
        let mut tail = world.tail(Offsets::default());
        let mut text = String::new();
        assert_eq!(drain(&mut tail, &mut text), None);
        for line in ["one\n", "two\n"] {
            append(&world.folder.stdout(), line);
            while !text.ends_with(line) {
                woken(&world.waker);
                assert_eq!(drain(&mut tail, &mut text), None);
            }
        }
        // The last bytes and the end are written before the tail checks.
        append(&world.folder.stderr(), "bad\n");
        world.end();
        woken(&world.waker);
        assert_eq!(drain(&mut tail, &mut text), Some(7));
        assert_eq!(text, "one\ntwo\nbad\n");
        assert_eq!(drain(&mut tail, &mut text), Some(7), "its end is said as often as it is asked");
    }

    #[test]
    fn the_logs_of_a_run_on_another_host_are_polled() {
        let mut world = world();
        assert!(!world.tail(Offsets::default()).watch._folder.unwrap().is_polled());
        world.run.facts.executor = Some("cluster".to_owned());
        let mut tail = world.tail(Offsets::default());
        let mut text = String::new();
        for line in ["one\n", "two\n"] {
            append(&world.folder.stdout(), line);
            while !text.ends_with(line) {
                woken(&world.waker);
                assert_eq!(drain(&mut tail, &mut text), None);
            }
        }
        world.end();
        woken(&world.waker);
        assert_eq!(drain(&mut tail, &mut text), Some(7));
        let Watches { _folder: folder, stdout, stderr, .. } = &tail.watch;
        assert!(folder.as_ref().unwrap().is_polled() && stdout.is_none() && stderr.is_none());
    }

    #[test]
    fn what_was_handed_out_is_not_handed_out_again_by_another() {
        let world = world();
        append(&world.folder.stdout(), "0123456789");
        let mut first = world.tail(Offsets::default());
        let mut room = [0; 4];
        let Next::Chunk(chunk) = first.next(&mut room).unwrap() else { panic!("nothing there") };
        assert_eq!((chunk.offset, chunk.count, &room), (0, 4, b"0123"));
        let mut second = world.tail(Offsets { stdout: 4, stderr: 0 });
        world.end();
        let mut text = String::new();
        assert_eq!(drain(&mut second, &mut text), Some(7));
        assert_eq!(text, "456789");
    }

    #[test]
    fn an_end_that_comes_alone_wakes_and_a_record_that_goes_is_said() {
        let world = world();
        let mut tail = world.tail(Offsets::default());
        assert!(matches!(tail.next(&mut [0; 64]), Ok(Next::Idle)));
        world.end();
        woken(&world.waker);
        assert!(matches!(tail.next(&mut [0; 64]), Ok(Next::Ended(_))));
        let mut other = world.tail(Offsets::default());
        std::fs::remove_dir_all(world.folder.path()).unwrap();
        assert!(matches!(other.next(&mut [0; 64]), Err(FollowError::Gone(_))));
    }

    #[test]
    fn what_cannot_be_seen_is_read_as_far_as_it_goes() {
        let mut world = world();
        append(&world.folder.stdout(), "there");
        world.run.state = RunState::Unknown(UnknownWhy::OtherHost("moon".to_owned()));
        let mut tail = world.tail(Offsets::default());
        let mut room = [0; 64];
        assert!(matches!(tail.next(&mut room), Ok(Next::Chunk(Chunk { count: 5, .. }))));
        assert!(matches!(tail.next(&mut room), Err(FollowError::Unknown { .. })));
    }
}
