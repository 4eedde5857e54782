//! `Live` with real files: jobs are records and locks, and this process is their supervisor.

use std::fs;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{EventStream, Live};
use crate::lifecycle::follow::tail::{LogStreams, Next, Offsets};
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::exit_record::ExitRecord;
use crate::model::live_record::LiveRecord;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run::{Run, RunFacts};
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, RunState};
use crate::os::clock::Stopwatch;
use crate::os::event_fd::EventFd;
use crate::os::watch::file_watcher::FileWatcher;
use crate::os::watch::wait_readable;
use crate::os::{clock, ids, process};
use crate::store::pair_lock::{self, Claim, PairLock};
use crate::store::run_folder::RunFolder;

const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    dir: tempfile::TempDir,
    store: Store,
    live: Arc<Live>,
}

/// A job that other processes observe as running.
struct Job {
    spec: RunSpec,
    folder: RunFolder,
    lock: Option<PairLock>,
}

struct Listener {
    events: EventStream,
    waker: EventFd,
}

fn pair(task: &str) -> Pair {
    Pair { mode: ModeName::parse("job").unwrap(), task: TaskId::parse(task).unwrap() }
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(dir.path()).unwrap();
    fs::create_dir(root.join("tasks")).unwrap();
    let manifest = "version: 1\ntasks:\n  - files: \"tasks/**/*.md\"\n";
    fs::write(root.join("dispatch.yaml"), manifest).unwrap();
    let store = Store::create(&root.join(".dispatch")).unwrap();
    let location = ManifestLocation { file: Some(root.join("dispatch.yaml")), folder: root };
    let live = Live::start(store.clone(), FileWatcher::start().unwrap(), location).unwrap();
    World { dir, store, live }
}

fn wait_for_first_observation(live: &Live) {
    let begun = Stopwatch::start();
    while live.shared.current().is_none() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl World {
    fn start(&self, task: &str) -> Job {
        self.start_after(task, || ())
    }

    /// Creates the run folder, calls `meanwhile`, then makes the run visible otherwise.
    fn start_after(&self, task: &str, meanwhile: impl FnOnce()) -> Job {
        let (state, pair) = (self.store.state(), pair(task));
        let Claim::Taken(lock, _) = pair_lock::claim(state, &pair).unwrap() else { panic!("{pair} is taken") };
        let id = ids::new_run_id();
        let path = state.run(&id);
        let spec = json!({
            "version": 1, "runId": id, "mode": pair.mode, "task": pair.task, "createdAt": clock::now(),
            "manifest": "/dispatch.yaml", "folder": { "device": 0, "inode": 0 }, "world": process::host_boot(),
            "environment": path.join("env"), "program": "/bin/true", "argv": ["true"], "delivery": "stdin",
            "dashDash": false, "cwd": "/", "protocol": "text", "umask": 18, "stopGrace": "1s",
            "kind": { "headless": { "slots": 1, "timeout": null, "logMax": null, "saveTo": null } },
            "keep": { "runsPerPair": 20 },
        });
        let mut spec: RunSpec = serde_json::from_value(spec).unwrap();
        lock.name(&id).unwrap();
        let index = self.store.index().unwrap();
        let folder = RunFolder::create(path).unwrap();
        meanwhile();
        index.insert(&RunFacts::of(&spec), None).unwrap();
        spec.folder = folder.id().unwrap();
        folder.write_spec(&spec).unwrap();
        // The owner's process does not exist: the observation must rely on the lock.
        let mut owner = process::this().unwrap();
        owner.start_time += 1;
        let live = LiveRecord::begun(owner, clock::now());
        folder.write_live(&live).unwrap();
        Job { spec, folder, lock: Some(lock) }
    }

    fn listen(&self, after: Option<u64>) -> Listener {
        let waker = EventFd::new().unwrap();
        Listener { events: self.live.subscribe(after, waker.clone()), waker }
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.dir.path().join(path), text).unwrap();
    }

    /// Waits until the first observation, the baseline, is done.
    fn settle(&self) -> Listener {
        let mut listener = self.listen(None);
        listener.until("hello", |frame| frame["event"] == "hello");
        wait_for_first_observation(&self.live);
        listener
    }
}

impl Job {
    fn run(&self) -> Run {
        Run {
            facts: RunFacts::of(&self.spec),
            state: RunState::Running,
            progress: crate::model::run::Progress::default(),
            end: None,
        }
    }

    /// Ends the job as its supervisor would.
    fn end(&mut self, exit_code: i32) {
        let end = json!({
            "version": 1, "runId": self.spec.run_id, "state": "failed", "exitCode": exit_code, "signal": null,
            "startedAt": clock::now(), "endedAt": clock::now(), "durationMs": 5, "attempt": 1, "logBytes": 0,
            "reason": null,
        });
        let end: ExitRecord = serde_json::from_value(end).unwrap();
        self.folder.write_exit(&end).unwrap();
        self.lock.take();
    }
}

impl Listener {
    /// The next matching frame; skips others.
    #[track_caller]
    fn until(&mut self, what: &str, meant: impl Fn(&Value) -> bool) -> Value {
        let begun = Stopwatch::start();
        let mut passed = Vec::new();
        loop {
            self.waker.clear();
            for frame in self.events.by_ref() {
                let frame: Value = serde_json::from_str(&frame).unwrap();
                if meant(&frame) {
                    return frame;
                }
                passed.push(frame.to_string());
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let woken = wait_readable(&[self.waker.as_fd()], Some(left)).unwrap()[0];
            assert!(woken, "no frame: {what}; passed: {passed:#?}");
        }
    }

    #[track_caller]
    fn run(&mut self, task: &str, state: &str) -> Value {
        let meant = |frame: &Value| frame["run"]["task"] == task && frame["run"]["state"] == state;
        self.until(&format!("{task} {state}"), meant)
    }
}

#[test]
fn a_look_of_others_that_began_too_early_is_not_taken_for_the_one_that_is_due() {
    let world = world();
    let mut listener = world.settle();
    for round in 0..10 {
        let task = format!("T-{round}");
        // The folder wakes the poller; a snapshot is taken at once; the row is written before the poller observes.
        let mut job = world.start_after(&task, || {
            world.live.shared.snapshot(Duration::ZERO).unwrap();
        });
        listener.run(&task, "running");
        job.end(1);
        listener.run(&task, "failed");
    }
}

#[test]
fn a_run_that_is_written_down_long_after_its_folder_is_seen() {
    let world = world();
    let mut listener = world.settle();
    // The starter may be paused at any point; under load this takes milliseconds.
    let _job = world.start_after("T-1", || {
        let (before, _) = world.live.observations();
        let begun = Stopwatch::start();
        while world.live.observations().0 == before {
            assert!(begun.elapsed() < PATIENCE, "the folder wakes");
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    listener.run("T-1", "running");
}

#[test]
fn a_run_is_told_as_it_starts_and_ends() {
    let world = world();
    let mut listener = world.settle();
    let mut job = world.start("T-1");
    let started = listener.run("T-1", "running");
    assert_eq!(started["event"], "run");
    assert_eq!(started["run"]["runId"], job.spec.run_id.as_str());
    job.end(7);
    let ended = listener.run("T-1", "failed");
    assert_eq!(ended["run"]["exitCode"], 7);
    // A client that reconnects gets the missed events, each once and in order.
    let (from, to) = (started["seq"].as_u64().unwrap(), ended["seq"].as_u64().unwrap());
    let mut again = world.listen(Some(from));
    assert_eq!(again.until("hello", |_| true)["seq"], from);
    for number in from + 1..=to {
        assert_eq!(again.until("the next", |_| true)["seq"], number);
    }
}

#[test]
fn a_supervisor_that_is_killed_is_told_though_it_touches_no_file() {
    let world = world();
    let mut listener = world.settle();
    let mut job = world.start("T-1");
    listener.run("T-1", "running");
    job.lock.take();
    let lost = listener.run("T-1", "lost");
    assert_eq!(lost["run"]["running"], false);
}

#[test]
fn a_run_that_nobody_saw_active_is_told_once() {
    let world = world();
    let mut listener = world.settle();
    let mut job = world.start("T-1");
    job.end(3);
    // The end is recorded by another process before the poller observes, as a supervisor does.
    refresh::all(&world.store).unwrap();
    listener.run("T-1", "failed");
    world.start("T-2");
    let next = listener.until("T-2", |frame| frame["event"] == "run");
    assert_eq!(next["run"]["task"], "T-2");
}

#[test]
fn who_follows_a_log_hears_of_an_end_that_nobody_wrote() {
    let world = world();
    let mut job = world.start("T-1");
    fs::write(job.folder.stdout(), "last words").unwrap();
    let waker = EventFd::new().unwrap();
    let both = LogStreams { stdout: true, stderr: true };
    let mut tail = world.live.tail(&job.run(), Offsets::default(), both, &waker).unwrap();
    let mut room = [0; 64];
    assert!(matches!(tail.next(&mut room).unwrap(), Next::Chunk(chunk) if &room[..chunk.count] == b"last words"));
    assert!(matches!(tail.next(&mut [0; 64]).unwrap(), Next::Idle));
    job.lock.take();
    let begun = Stopwatch::start();
    let end = loop {
        assert!(wait_readable(&[waker.as_fd()], Some(PATIENCE)).unwrap()[0], "nothing woke it");
        assert!(begun.elapsed() < PATIENCE);
        waker.clear();
        if let Next::Ended(run) = tail.next(&mut [0; 64]).unwrap() {
            break run;
        }
    };
    assert_eq!(end.end_state(), Some(EndState::Lost));
}

#[test]
fn a_snapshot_is_shared_while_it_is_fresh_and_newer_than_each_write() {
    let world = world();
    let first = world.live.snapshot().unwrap();
    assert_eq!(first.active.len(), 0);
    assert_eq!(world.live.status_json(&pair("T-1")).unwrap(), None);
    let mut job = world.start("T-1");
    world.live.touch();
    let second = world.live.snapshot().unwrap();
    assert_eq!(second.active.len(), 1);
    let answer = world.live.status_json(&pair("T-1")).unwrap().unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer["state"], &answer["runId"]), (&json!("running"), &json!(job.spec.run_id)));
    job.end(9);
    world.live.touch();
    let answer = world.live.status_json(&pair("T-1")).unwrap().unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["exitCode"], 9);
    let listed: Vec<_> = world.live.runs(false).unwrap().iter().map(|run| run.pair()).collect();
    assert_eq!(listed, [pair("T-1")]);
    // Concurrent requests share one observation and its answers.
    world.live.touch();
    let all: Vec<_> = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..8).map(|_| scope.spawn(|| world.live.snapshot().unwrap())).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    assert!(all.iter().all(|snapshot| Arc::ptr_eq(snapshot, &all[0])), "one look for all");
}

#[test]
fn an_answer_that_is_known_is_not_made_again() {
    let world = world();
    let mut job = world.start("T-1");
    job.end(0);
    let snapshot = world.live.snapshot().unwrap();
    let answer = || snapshot.status_json(&world.live.shared, &pair("T-1")).unwrap().unwrap();
    assert!(Arc::ptr_eq(&answer(), &answer()), "the same bytes");
}

#[test]
fn tasks_and_plan_are_told_when_their_files_change() {
    let world = world();
    let mut listener = world.settle();
    // Published once at the beginning: a subscriber may have read the tasks before they were watched.
    listener.until("the first tasks", |frame| frame["event"] == "tasks");
    listener.until("the first plan", |frame| frame["event"] == "plan");
    fs::create_dir(world.dir.path().join("tasks/deep")).unwrap();
    world.write("tasks/deep/T-1.md", "---\ntitle: One\n---\n\nbody\n");
    listener.until("tasks", |frame| frame["event"] == "tasks");
    listener.until("plan", |frame| frame["event"] == "plan");
    world.write("tasks/deep/T-1.md", "---\ntitle: One\n---\n\nanother body\n");
    listener.until("tasks again", |frame| frame["event"] == "tasks");
    listener.until("plan again", |frame| frame["event"] == "plan");
    world.write("dispatch.yaml", "version: 1\nmodes:\n  x: { interactive: true, prompt: x }\n");
    listener.until("plan of another manifest", |frame| frame["event"] == "plan");
}

#[test]
fn nothing_looks_while_nobody_listens_and_what_was_missed_is_told_after() {
    let world = world();
    let mut listener = world.settle();
    listener.until("the first plan", |frame| frame["event"] == "plan");
    let from = world.live.shared.feed.last();
    drop(listener);
    // A server with a subscriber publishes the end; the first server had as much time.
    let root = fs::canonicalize(world.dir.path()).unwrap();
    let location = ManifestLocation { file: Some(root.join("dispatch.yaml")), folder: root };
    let other = Live::start(world.store.clone(), FileWatcher::start().unwrap(), location).unwrap();
    let waker = EventFd::new().unwrap();
    let mut seen = Listener { events: other.subscribe(None, waker.clone()), waker };
    // Its first observation is the baseline: an earlier end is not published.
    wait_for_first_observation(&other);
    let mut job = world.start("T-1");
    job.end(4);
    seen.run("T-1", "failed");
    assert_eq!(world.live.shared.feed.last(), from, "nobody looked");
    world.listen(Some(from)).run("T-1", "failed");
}
