//! Only the process that was handed a run writes its record: a second supervisor or a second first
//! process of a window ends with words and changes nothing.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Output, Stdio};

use crate::world::World;

const MODES: &str = r#"  gated: { interactive: true, agent: fake, prompt: "%hang", gate: approve }
"#;

/// What stands in a run folder: names and contents, without what the agent itself writes.
fn record(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .filter(|(name, _)| !name.ends_with(".log") && name != "marks")
        .collect();
    files.sort();
    files
}

/// Calls the hidden command `word` on `folder` with `stdin`, and demands that it is refused with these
/// words and changes nothing.
#[track_caller]
fn refused(world: &World, word: &str, folder: &Path, stdin: impl Into<Stdio>, words: &str) -> Output {
    let (before, starts) = (record(folder), world.starts().len());
    let mut command = world.command(crate::programs::dispatch());
    let output = command.arg(word).arg(folder).stdin(stdin).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(words), "{word}: {} {said:?} lacks {words:?}", output.status);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(record(folder), before, "{word} changed the record");
    assert_eq!(world.starts().len(), starts, "{word} started an agent");
    output
}

fn lock_file(world: &World, mode: &str, task: &str) -> File {
    let path = world.state().join("pairs").join(mode).join(task);
    File::options().read(true).write(true).open(path).unwrap()
}

#[test]
fn a_second_supervisor_of_a_living_run_writes_nothing() {
    let world = World::new();
    world.task("T", "%until go\n%exit 7").task("OTHER", "%exit 0");
    world.dispatch("run -q job OTHER").notes().succeeds();
    world.wait_all_quiet();
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    let folder = world.run_folder(&run);
    refused(&world, "__supervise", &folder, Stdio::null(), "standard input is not the lock file");
    refused(&world, "__supervise", &folder, lock_file(&world, "job", "T"), "is not locked through standard input");
    let other = lock_file(&world, "job", "OTHER");
    other.lock().unwrap();
    refused(&world, "__supervise", &folder, other, "standard input is not the lock file");
    assert_eq!(world.status("job", "T")["state"], "running");
    world.write("go", "");
    world.dispatch("wait job T").any_stderr().fails_with(7);
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn a_supervisor_of_an_ended_or_another_run_writes_nothing() {
    let world = World::new();
    world.task("T", "%exit 7");
    let first = world.detach("job", "T");
    world.dispatch("wait job T").any_stderr().fails_with(7);
    world.wait_all_quiet();
    let lock = lock_file(&world, "job", "T");
    refused(&world, "__supervise", &world.run_folder(&first), lock, "is not locked through standard input");
    let lock = lock_file(&world, "job", "T");
    lock.lock().unwrap();
    refused(&world, "__supervise", &world.run_folder(&first), lock, "has ended already");
    world.detach("job", "T");
    world.dispatch("wait job T").any_stderr().fails_with(7);
    world.wait_all_quiet();
    let lock = lock_file(&world, "job", "T");
    lock.lock().unwrap();
    refused(&world, "__supervise", &world.run_folder(&first), lock, "names run");
}

#[test]
fn a_supervisor_whose_run_lost_its_supervisor_writes_nothing() {
    let world = World::new();
    world.task("T", "%hang");
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    crate::world::kill(world.supervisor(&run), rustix::process::Signal::KILL);
    world.wait_all_quiet();
    let lock = lock_file(&world, "job", "T");
    lock.lock().unwrap();
    refused(&world, "__supervise", &world.run_folder(&run), lock, "was started already");
    world.wait_state("job", "T", "lost");
}

#[test]
fn a_windows_first_process_is_started_once() {
    let world = World::with(MODES);
    world.task("T", "%hang").task("JOB", "%hang");
    let run =
        world.dispatch("run --attach none talk T").notes().json()["runs"][0]["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    refused(&world, "__exec", &world.run_folder(&run), Stdio::null(), "was started already");
    world.dispatch("stop talk T").succeeds();
    refused(&world, "__exec", &world.run_folder(&run), Stdio::null(), "has ended already");

    // One that waits at its gate has its environment in its folder, and is not to be started yet.
    let queued = world.dispatch("run -d gated T").notes().json()["runs"][0]["runId"].as_str().unwrap().to_owned();
    refused(&world, "__exec", &world.run_folder(&queued), Stdio::null(), "waits in the queue");
    refused(&world, "__supervise", &world.run_folder(&queued), Stdio::null(), "standard input is not the lock file");
    world.dispatch("approve gated T").any_stderr().succeeds();
    world.agent_ready(&queued);
    world.dispatch("stop gated T").succeeds();

    let job = world.detach("job", "JOB");
    world.agent_ready(&job);
    // Its record is written after its start.
    world.supervisor(&job);
    refused(&world, "__exec", &world.run_folder(&job), Stdio::null(), "is a job");
    world.dispatch("stop job JOB").succeeds();
}
