//! kill -9 at the system calls of the start path: the old state or the new one, never half of it.
//!
//! strace kills, so that the moment is a call and not a time. The command and the supervisor are
//! killed apart: strace counts the calls of each process, and the first would hide the second.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::command::{Dispatch, Ended};
use crate::waiting::{is, rounds, wait_until};
use crate::world::World;

/// Every call by which a start can change what others see, and how it becomes another process.
const CALLS: &str = "?open,openat,write,pwrite64,fsync,fdatasync,?rename,?renameat,renameat2,?link,linkat,?unlink,\
                     unlinkat,?fork,?vfork,clone,clone3,execve,?mkdir,mkdirat,ftruncate,flock,?ftruncate64";

/// How often the busiest process makes each of [`CALLS`], by what strace wrote.
fn counted(trace: &Path) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(trace).unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        // With `-f` the pid stands first. A call that was interrupted by another's has a second half.
        let (pid, call) = match line.split_once(' ') {
            Some((pid, call)) if pid.bytes().all(|byte| byte.is_ascii_digit()) => (pid, call.trim_start()),
            _ => ("", line),
        };
        if let Some((name, _)) = call.split_once('(').filter(|(name, _)| !name.contains(' ')) {
            *counts.entry((name, pid)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((name, _), count) in counts {
        let known: &mut usize = most.entry(name.to_owned()).or_default();
        *known = count.max(*known);
    }
    assert!(most.len() >= 5, "the trace holds too little: {most:?}");
    most
}

/// Which of `count` calls are killed at: all with `ROUNDS=full`, else a tenth and three at least.
fn chosen(count: usize) -> Vec<usize> {
    let wanted = rounds(count).max(3).min(count);
    let mut all: Vec<usize> = (0..wanted).map(|n| 1 + n * (count - 1) / (wanted - 1).max(1)).collect();
    all.dedup();
    all
}

/// What strace is asked for, and where it writes.
struct Strace {
    options: Vec<String>,
    trace: PathBuf,
}

impl Strace {
    fn new(world: &World, asked: impl IntoIterator<Item = String>) -> Self {
        let trace = world.root().join("strace");
        let common = ["-q", "-o", trace.to_str().unwrap()].map(str::to_owned);
        Self { options: common.into_iter().chain(asked).collect(), trace }
    }

    fn counting(world: &World) -> Self {
        Self::new(world, [format!("--trace={CALLS}")])
    }

    fn killing(world: &World, call: &str, number: usize) -> Self {
        Self::new(world, [format!("--trace={call}"), format!("--inject={call}:signal=KILL:when={number}")])
    }

    /// `dispatch` with these words, without the processes it starts.
    fn command(&self, world: &World, words: &str) {
        let call = Dispatch::new(world.command("strace"), &world.root().join("calls"));
        let call = self.options.iter().fold(call, |call, option| call.arg(option));
        call.arg(crate::programs::dispatch()).words(words).ends_somehow();
    }

    fn has_killed(&self) -> bool {
        fs::read_to_string(&self.trace).unwrap().contains("+++ killed by SIGKILL")
    }
}

/// After a kill: a started run has ended as usual, the next run works, and no agent ran twice.
#[track_caller]
fn job_is_old_or_new(world: &World, before: usize, codes: &[i32], seen: &str) {
    let waited = world.dispatch("wait job TASK-1").ends_somehow();
    world.wait_all_quiet();
    let started = world.starts().len() - before;
    let status = world.dispatch("status job TASK-1 --json").ends_somehow();
    let run: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
    assert_ne!(run["state"], "succeeded", "{seen}: {run}");
    let ran = world.starts().iter().any(|note| run["runId"] == note.run.as_str());
    assert!(ran || run["exitCode"] != 7, "{seen}: no agent ran, yet {run}");
    match started {
        0 => {}
        1 => assert!(codes.contains(&waited.code), "{seen}: its agent ran, yet wait says {}: {run}", waited.code),
        more => panic!("{seen}: {more} starts"),
    }
    // Without repair, and without a word about it.
    let next = world.dispatch("run -q job TASK-1").ends_somehow();
    assert!(next.code == 7 && has_no_trouble(&next), "{seen}: the next run: {} {}", next.code, next.stderr);
    world.wait_all_quiet();
    assert_eq!(world.starts().len(), before + started + 1, "{seen}: starts with the next run's");
    nothing_is_half(world, seen);
}

fn has_no_trouble(call: &Ended) -> bool {
    !call.stderr.lines().any(|line| line.starts_with("error") || line.starts_with("warning"))
}

/// A run that is over is whole or nothing, and no secret is left of it.
#[track_caller]
fn nothing_is_half(world: &World, seen: &str) {
    let listing = world.dispatch("status --all").any_stderr().json();
    for run in listing["runs"].as_array().unwrap() {
        assert_eq!(run["running"], false, "{seen}: {run}");
        assert!(run["state"] != "unknown" && run["state"] != "starting", "{seen}: {run}");
    }
    // Old runs are pruned after each end, by a process that may come late.
    wait_until(&format!("{seen}: each run is whole"), || {
        for folder in fs::read_dir(world.state().join("runs")).unwrap().flatten() {
            let names: Vec<_> = fs::read_dir(folder.path()).into_iter().flatten().flatten().collect();
            let has = |wanted: &str| names.iter().any(|entry| entry.file_name() == wanted);
            let whole = names.is_empty() || has("spec.json") && has("exit.json") && !has("env");
            is(whole, format!("{names:?}"))?;
        }
        Ok(())
    });
    assert_eq!(fs::read(world.state().join(".gitignore")).unwrap_or_default(), b"*\n", "{seen}: .gitignore");
}

const RUN: &str = "run -d -q job TASK-1";

#[test]
fn a_command_killed_at_any_call_leaves_the_old_or_the_new_state() {
    let world = World::new();
    world.task("TASK-1", "%exit 7");
    // Into a state folder that it has to make, and into one that is there.
    for fresh in [true, false] {
        let prepare = || {
            // A command that observed the last end may still be writing.
            wait_until("the state folder is gone", || match fs::remove_dir_all(world.state()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(()),
            });
        };
        let prepare = || fresh.then(prepare);
        prepare();
        let counting = Strace::counting(&world);
        counting.command(&world, RUN);
        world.dispatch("wait job TASK-1").any_stderr().fails_with(7);
        world.wait_all_quiet();
        let mut killed = 0;
        for (call, count) in counted(&counting.trace) {
            for number in chosen(count) {
                prepare();
                let before = world.starts().len();
                let strace = Strace::killing(&world, &call, number);
                strace.command(&world, RUN);
                killed += usize::from(strace.has_killed());
                let seen = format!("killed at {call} {number} of {count}, fresh: {fresh}");
                job_is_old_or_new(&world, before, &[7], &seen);
            }
        }
        assert!(killed >= 15, "only {killed} commands were killed");
    }
}

/// Makes a run as far as its supervisor, and starts that one as a command would, but under strace
/// with all it starts.
fn supervise(world: &World, strace: &Strace, spawn: &str) {
    let killing = Strace::killing(world, spawn, 1);
    killing.command(world, RUN);
    assert!(killing.has_killed(), "{}", fs::read_to_string(&killing.trace).unwrap());
    let path = world.state().join("pairs/job/TASK-1");
    let folder = world.run_folder(fs::read_to_string(&path).unwrap().trim());
    assert!(folder.join("env").exists(), "it was killed elsewhere");
    let lock = File::options().read(true).write(true).open(&path).unwrap();
    lock.lock().unwrap();
    let mut command = world.command("strace");
    command.args(&strace.options).arg("-f").arg(crate::programs::dispatch()).arg("__supervise").arg(folder);
    // The lock goes with the open file.
    command.stdin(lock).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
}

#[test]
fn a_supervisor_or_its_agent_killed_at_any_call_is_a_failure_or_lost() {
    let world = World::new();
    world.task("TASK-1", "%exit 7");
    let counting = Strace::counting(&world);
    counting.command(&world, RUN);
    world.dispatch("wait job TASK-1").any_stderr().fails_with(7);
    let spawns = ["clone3", "clone", "vfork"];
    let counts = counted(&counting.trace);
    let spawn = spawns.into_iter().find(|call| counts.contains_key(*call)).expect("a command starts a process");
    assert_eq!(counts[spawn], 1, "a command starts the supervisor and nothing else");
    supervise(&world, &counting, spawn);
    let mut killed = 0;
    for (call, count) in counted(&counting.trace) {
        for number in chosen(count) {
            let before = world.starts().len();
            let strace = Strace::killing(&world, &call, number);
            supervise(&world, &strace, spawn);
            killed += usize::from(strace.has_killed());
            let seen = format!("killed at {call} {number} of {count}");
            // The agent itself, its supervisor, or one that came after the end.
            job_is_old_or_new(&world, before, &[137, 125, 7], &seen);
        }
    }
    assert!(killed >= 15, "only {killed} were killed");
}

#[test]
fn a_command_killed_while_it_opens_a_window_leaves_one_window_or_none() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let open = "run -d -q talk TASK-1";
    let counting = Strace::counting(&world);
    counting.command(&world, open);
    world.dispatch("stop talk TASK-1").notes().succeeds();
    for (call, count) in counted(&counting.trace) {
        for number in chosen(count) {
            let seen = format!("killed at {call} {number} of {count}");
            let before = world.starts().len();
            let strace = Strace::killing(&world, &call, number);
            strace.command(&world, open);
            let next = world.dispatch(open).ends_somehow();
            assert!(next.code == 0 && has_no_trouble(&next), "{seen}: the next run: {} {}", next.code, next.stderr);
            let run = world.wait_state("talk", "TASK-1", "running")["runId"].as_str().unwrap().to_owned();
            world.agent_ready(&run);
            let living: Vec<_> = world.starts().into_iter().filter(|note| note.is_alive()).collect();
            assert_eq!(living.len(), 1, "{seen}: {living:?}");
            let started = world.starts().len() - before;
            assert!(started <= 2, "{seen}: {started} starts");
            world.dispatch("stop talk TASK-1").notes().succeeds();
            world.wait_all_quiet();
            nothing_is_half(&world, &seen);
        }
    }
}
