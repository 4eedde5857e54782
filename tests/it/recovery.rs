//! The crash matrix: what dies, what it leaves, and what the next command reports and does.
//!
//! A killed supervisor, tmux server and command stand in `crash`, windows in `run_interactive`,
//! copies in `state_folder`, single system calls in `syscalls`. Here: reboots and full disks.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use crate::command::Dispatch;
use crate::waiting::{is, wait_until};
use crate::world::{World, alive};

// ---- reboot

/// The records of every run in `state`, as an earlier boot would have left them.
pub(crate) fn age_by_a_boot(state: &Path) {
    let mut aged = 0;
    for run in fs::read_dir(state.join("runs")).unwrap().flatten() {
        for name in ["spec.json", "live.json", "window.json"] {
            let path = run.path().join(name);
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let mut record: Value = serde_json::from_str(&text).unwrap();
            aged += change_boot(&mut record);
            fs::write(&path, record.to_string()).unwrap();
        }
    }
    assert!(aged > 0, "no record holds a boot id");
    // The index is of the same boot as the records; it holds it too.
    fs::remove_file(state.join("dispatch.db")).unwrap();
}

fn change_boot(value: &mut Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(name, value)| {
                if name == "bootId" {
                    *value = "00000000-0000-0000-0000-000000000000".into();
                    1
                } else {
                    change_boot(value)
                }
            })
            .sum(),
        _ => 0,
    }
}

#[test]
fn after_a_reboot_what_ran_is_lost_what_waited_waits_and_nothing_is_signalled() {
    let world = World::with("jobs: 1\n");
    world.task("RAN", "%hang").task("WAITED", "%exit 4").task("ENDED", "%exit 7");
    world.dispatch("run -q job ENDED").notes().fails_with(7);
    let job = world.detach("job", "RAN");
    let waited = world.detach("job", "WAITED");
    let window = world.detach("talk", "RAN");
    world.agent_ready(&job);
    world.agent_ready(&window);
    // Both live on while their records are of an earlier boot: whatever signals would be seen.
    let agents: Vec<i32> = world.starts().into_iter().map(|note| note.pid).filter(|pid| alive(*pid)).collect();
    assert_eq!(agents.len(), 2);
    let copy = world.root().join("copy");
    world.helper("cp", &["-a", world.project().to_str().unwrap(), copy.to_str().unwrap()]);
    age_by_a_boot(&copy.join(".dispatch"));

    let there = |words: &str| world.dispatch(words).in_folder(&copy);
    for (mode, run) in [("job", &job), ("talk", &window)] {
        let status = there("status").arg(mode).arg("RAN").json();
        assert_eq!((&status["state"], &status["reason"]), (&"lost".into(), &"reboot".into()), "{status}");
        assert_eq!(status["runId"], run.as_str());
        assert!(status.get("exitCode").is_none() && status.get("signal").is_none(), "{status}");
        there("wait").arg(mode).arg("RAN").any_stderr().fails_with(125);
    }
    let queued = there("status job WAITED").json();
    assert_eq!((&queued["state"], &queued["runId"]), (&"queued".into(), &waited.as_str().into()), "{queued}");
    assert_eq!(there("status job ENDED").json()["exitCode"], 7);
    there("stop job RAN").any_stderr().succeeds();
    there("stop talk RAN").any_stderr().succeeds();
    assert!(agents.iter().all(|pid| alive(*pid)), "a run of an earlier boot was signalled");
    assert_eq!(world.status("job", "RAN")["state"], "running");
    assert_eq!(world.status("talk", "RAN")["state"], "running");

    // The pairs are free again: one starts anew, what waited can be asked for again.
    world.write("../copy/tasks/RAN.md", "---\ntitle: x\nstatus: todo\n---\n\n%exit 5");
    there("run -q job RAN").any_stderr().fails_with(5);
    there("run -q job WAITED").any_stderr().fails_with(4);
}

// ---- a copy

#[test]
fn a_copy_that_makes_its_own_index_still_ends_no_window() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = world.detach("talk", "TASK-1");
    let agent = world.agent_ready(&run).pid;
    let copy = world.root().join("copy");
    world.helper("cp", &["-a", world.project().to_str().unwrap(), copy.to_str().unwrap()]);
    // As a backup that leaves databases out, or one whose copy was damaged.
    fs::remove_file(copy.join(".dispatch/dispatch.db")).unwrap();
    let there = |words: &str| world.dispatch(words).in_folder(&copy).any_stderr();
    for words in ["stop talk TASK-1", "stop --all", "run --attach none talk TASK-1"] {
        there(words).ends_somehow();
        let status = there("status talk TASK-1").json();
        assert_eq!(status["state"], "unknown", "after {words}: {status}");
        assert!(alive(agent), "`{words}` in a copy ended the original's window");
    }
    assert_eq!(world.status("talk", "TASK-1")["state"], "running");
    assert_eq!(world.starts().len(), 1);
}

// ---- a full disk

/// How the disk below the state folder is filled, and freed again.
trait Disk {
    fn fill(&self, supervisor: Option<i32>);
    fn free(&self, supervisor: Option<i32>);
    /// A command that finds the disk full.
    fn call(&self, world: &World, words: &str) -> Dispatch;
}

/// A file system of its own, really full.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this user may not mount.
    fn over(world: &World) -> Option<Self> {
        Self::of(world, "size=2m,mode=0700")
    }

    fn of(world: &World, options: &str) -> Option<Self> {
        let path = world.state();
        fs::create_dir(&path).unwrap();
        let mut mount = world.command("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&path);
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(path))
    }
}

impl Disk for Mounted {
    fn fill(&self, _: Option<i32>) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        let error = loop {
            if let Err(error) = ballast.write(&[1; 512]) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    fn free(&self, _: Option<i32>) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }

    fn call(&self, world: &World, words: &str) -> Dispatch {
        world.dispatch(words)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a test that failed may have left someone in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A file system of its own without an inode left: no file can be made, empty or not.
struct WithoutInodes(Mounted);

impl WithoutInodes {
    fn over(world: &World) -> Option<Self> {
        Mounted::of(world, "size=8m,nr_inodes=200,mode=0700").map(Self)
    }
}

impl Disk for WithoutInodes {
    fn fill(&self, _: Option<i32>) {
        fs::create_dir(self.0.0.join("ballast")).unwrap();
        let made = (0..1000).map(|number| fs::File::create(self.0.0.join(format!("ballast/{number}"))));
        let error = made.filter_map(Result::err).next().expect("no inode is left");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    fn free(&self, _: Option<i32>) {
        fs::remove_dir_all(self.0.0.join("ballast")).unwrap();
    }

    fn call(&self, world: &World, words: &str) -> Dispatch {
        world.dispatch(words)
    }
}

/// Stands for a full disk without the right to mount: no file may grow. A supervisor's limit of file
/// sizes is 0, so that all its writes fail while empty files can be made, as on a full disk. A
/// command's is a few KiB: its words are written to files here, its index and records are larger.
struct Limited;

impl Limited {
    fn set(supervisor: Option<i32>, current: Option<u64>) {
        if let Some(pid) = supervisor {
            prlimit(Pid::from_raw(pid), Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
        }
    }
}

impl Disk for Limited {
    fn fill(&self, supervisor: Option<i32>) {
        Self::set(supervisor, Some(0));
    }

    fn free(&self, supervisor: Option<i32>) {
        Self::set(supervisor, None);
    }

    fn call(&self, world: &World, words: &str) -> Dispatch {
        let script = "ulimit -f 8; exec dispatch \"$@\"";
        let call = Dispatch::new(hears_no_limit(world), &world.root().join("calls"));
        call.arg("sh").arg("-c").arg(script).arg("sh").words(words)
    }
}

/// The signal of the limit would end a process; an error is what a full disk gives.
fn hears_no_limit(world: &World) -> Command {
    let mut command = world.command("env");
    command.arg("--ignore-signal=XFSZ");
    command
}

/// A run ends while the disk is full: its end waits, nothing is lost, nothing is invented.
fn end_on_a_full_disk(world: &World, disk: &impl Disk) {
    world.task("TASK-1", "%until go\n%exit 7");
    let start = Dispatch::new(hears_no_limit(world), &world.root().join("calls"));
    start.arg(crate::programs::dispatch()).words("run -d -q job TASK-1").notes().succeeds();
    let run = world.status("job", "TASK-1")["runId"].as_str().unwrap().to_owned();
    let agent = world.agent_ready(&run).pid;
    let supervisor = world.supervisor(&run);
    let waiting = ["run job TASK-1", "wait job TASK-1", "run -q job TASK-1"].map(|words| world.dispatch(words).start());
    wait_until("it is joined", || is(waiting[0].stderr_so_far().contains("joined"), waiting[0].stderr_so_far()));
    disk.fill(Some(supervisor));
    world.write("go", "");
    wait_until("the agent has ended", || is(!alive(agent), "it lives"));
    // The end cannot be written: the run is not over, and `status` names the reason.
    let status = wait_until("status shows the trouble", || {
        let said = world.dispatch("status job TASK-1 --json").any_stderr().ends_somehow().text();
        let run: Value = serde_json::from_str(&said).unwrap_or_default();
        if run["reason"].as_str().unwrap_or_default().contains("disk") { Ok(run) } else { Err(said) }
    });
    assert_eq!((&status["state"], &status["runId"]), (&"stopping".into(), &run.as_str().into()), "{status}");
    assert!(alive(supervisor), "it keeps its lock");
    for call in &waiting {
        let said = "warning: job TASK-1: its end cannot be written yet (is the disk full?)\nhint: make room";
        wait_until("a command that waits says why", || is(call.stderr_so_far().contains(said), call.stderr_so_far()));
    }
    // The pair cannot be started a second time meanwhile.
    disk.call(world, "run -d job TASK-1").ends_somehow();
    assert_eq!(world.starts().len(), 1);
    disk.free(Some(supervisor));
    for call in waiting {
        let ended = call.ends_with(7);
        assert_eq!(ended.stderr.matches("warning:").count(), 1, "{}", ended.stderr);
    }
    world.dispatch("wait job TASK-1").any_stderr().fails_with(7);
    let status = world.status("job", "TASK-1");
    assert_eq!((&status["state"], &status["exitCode"]), (&"failed".into(), &7.into()), "{status}");
    world.wait_all_quiet();
    world.dispatch("run -q job TASK-1").notes().fails_with(7);
    world.wait_all_quiet();
}

/// Nothing starts on a full disk, records can still be read, and with room all continues.
fn start_on_a_full_disk(world: &World, disk: &impl Disk) {
    world.task("TASK-1", "%exit 3").task("NEW", "%exit 0");
    world.dispatch("run -q job TASK-1").notes().fails_with(3);
    world.wait_all_quiet();
    disk.fill(None);
    for words in ["run -q job TASK-1", "run -d job NEW", "run --attach none talk NEW"] {
        let refused = disk.call(world, words).ends_somehow();
        assert!(
            refused.code == 125 && refused.stderr.contains("error:"),
            "{words}: {} {}",
            refused.code,
            refused.stderr
        );
    }
    assert_eq!(world.starts().len(), 1, "started without a record");
    for words in ["status", "history", "logs job TASK-1", "stop --all"] {
        disk.call(world, words).any_stderr().succeeds();
    }
    let reported = disk.call(world, "status job TASK-1").any_stderr().json();
    assert_ne!(reported["state"], "succeeded", "{reported}");
    disk.free(None);
    world.wait_all_quiet();
    world.dispatch("run -q job TASK-1").any_stderr().fails_with(3);
    world.dispatch("run -q job NEW").any_stderr().succeeds();
    world.wait_all_quiet();
    assert_eq!(world.starts().len(), 3);
    assert!(world.history().iter().all(|run| run["task"] == "NEW" || run["state"] != "succeeded"));
}

#[test]
fn an_end_that_cannot_be_written_waits_for_room() {
    end_on_a_full_disk(&World::new(), &Limited);
    let world = World::new();
    // Where mounting is not allowed, a limit has shown the same.
    if let Some(disk) = Mounted::over(&world) {
        end_on_a_full_disk(&world, &disk);
    }
    let world = World::new();
    if let Some(disk) = WithoutInodes::over(&world) {
        end_on_a_full_disk(&world, &disk);
    }
}

#[test]
fn what_fails_before_the_start_is_a_failure_of_dispatch_itself() {
    let world = World::new();
    world.task("NEW", "%exit 0");
    // No state folder can be made below a file, whatever the user may do.
    world.write("file", "");
    world.write("dispatch.yaml", format!("{}state_dir: file/state\n", crate::world::BASE));
    world.dispatch("run job NEW").stderr_has("file/state").stderr_has("hint: ").fails_with(125);
    // And with a full disk below a folder that is new.
    let world = World::new();
    world.task("NEW", "%exit 0");
    if let Some(disk) = Mounted::over(&world) {
        disk.fill(None);
        world.dispatch("run job NEW").stderr_has("hint: make room").fails_with(125);
        assert!(world.starts().is_empty());
        disk.free(None);
        world.dispatch("run -q job NEW").notes().succeeds();
        world.wait_all_quiet();
    }
}

#[test]
fn a_full_disk_starts_nothing_and_forgets_nothing() {
    start_on_a_full_disk(&World::new(), &Limited);
    let world = World::new();
    if let Some(disk) = Mounted::over(&world) {
        start_on_a_full_disk(&world, &disk);
    }
    let world = World::new();
    if let Some(disk) = WithoutInodes::over(&world) {
        start_on_a_full_disk(&world, &disk);
    }
}
