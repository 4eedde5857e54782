//! Commands without a mode: one word is a task, `--mode` all that is active of a mode, `--all` everything.

use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::World;

const MODES: &str = r#"  lint: { agent: fake, prompt: "{{ task.body }}" }
  bad: { agent: fake, prompt: "%out I am bad\n%exit 7" }
  good: { agent: fake, prompt: "%out I am good" }
"#;

/// `bad` and `good` on `one` have ended, in this order; `two` never ran.
fn ended() -> World {
    let world = World::with(MODES);
    world.task("one", "%out still here\n%until go").task("two", "%until go");
    world.dispatch("run -q bad one").any_stderr().fails_with(7);
    world.dispatch("run -q good one").notes().succeeds();
    world
}

/// `job` and `lint` run on `two` until the file `go` is there.
fn active() -> World {
    let world = World::with(MODES);
    world.task("one", "%exit 0").task("two", "%out at work\n%until go").task("three", "%until go");
    world.detach("job", "two");
    world.detach("lint", "two");
    world
}

fn pairs(answer: &Value) -> Vec<String> {
    let name = |run: &Value| format!("{} {}", run["mode"].as_str().unwrap(), run["task"].as_str().unwrap());
    answer["runs"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(name).collect()
}

#[test]
fn status_of_a_task_shows_the_last_run_of_each_mode() {
    let world = ended();
    world.dispatch("run -q bad one").any_stderr().fails_with(7);
    let shown = world.dispatch("status one").succeeds().text();
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(rows, [["TASK", "MODE", "STATE"], ["one", "bad", "failed"], ["one", "good", "succeeded"]], "{shown}");
    assert_eq!(pairs(&world.dispatch("status one").json()), ["bad one", "good one"]);
    // The path of the task's file names it too, and its runs outlive the file.
    assert_eq!(pairs(&world.dispatch("status tasks/one.md").json()), ["bad one", "good one"]);
    std::fs::remove_file(world.project().join("tasks/one.md")).unwrap();
    assert_eq!(pairs(&world.dispatch("status one").json()), ["bad one", "good one"]);
    world
        .dispatch("status two")
        .stdout_is("")
        .stderr_has("error: `two` has never run\nhint: dispatch run MODE two\n")
        .fails_with(1);
}

#[test]
fn a_word_that_is_no_task_is_an_error_even_if_it_is_a_mode() {
    let world = ended();
    for command in ["status", "logs", "stop", "wait", "status --watch"] {
        world
            .dispatch(&format!("{command} lint"))
            .stdout_is("")
            .stderr_has("error: unknown task `lint`")
            .stderr_has(format!("hint: `lint` is a mode: `dispatch {command} lint TASK`"))
            .fails_with(2);
        world.dispatch(&format!("{command} on")).stdout_is("").stderr_has("did you mean `one`?").fails_with(2);
    }
    for words in ["stop", "wait"] {
        world.dispatch(words).stderr_has("Usage: dispatch").fails_with(2);
        world.dispatch(&format!("{words} --all one")).stderr_has("cannot be used with").fails_with(2);
        world.dispatch(&format!("{words} --mode job one")).stderr_has("cannot be used with").fails_with(2);
        world.dispatch(&format!("{words} --mode jo")).stderr_has("did you mean `job`?").fails_with(2);
    }
    world.dispatch("logs").stderr_has("error: no task was named\nhint: dispatch logs TASK").fails_with(2);
}

#[test]
fn logs_of_a_task_are_those_of_its_newest_run() {
    let world = ended();
    world.dispatch("logs one").stdout_has("I am good").any_stderr().succeeds();
    world.dispatch("run -q bad one").any_stderr().fails_with(7);
    world.dispatch("logs one").stdout_has("I am bad").any_stderr().succeeds();
    world.dispatch("logs two").stdout_is("").stderr_has("error: `two` has never run").fails_with(1);
}

#[test]
fn logs_of_a_task_are_those_of_its_active_run() {
    let world = ended();
    world.detach("lint", "one");
    // The newest run is another.
    world.dispatch("run -q good one").notes().succeeds();
    wait_until("the active run has printed its line", || {
        let shown = world.dispatch("logs one").any_stderr().succeeds().text();
        is(shown == "still here\n", shown)
    });
    world.write("go", "");
    world.dispatch("wait lint one").notes().succeeds();
}

#[test]
fn several_active_runs_are_listed_with_the_full_command() {
    let world = active();
    for (command, full) in [("logs", "logs"), ("logs -f", "logs -f"), ("stop", "stop")] {
        world
            .dispatch(&format!("{command} two"))
            .stdout_is("")
            .stderr_has(format!(
                "error: `two` is active in 2 modes\nhint: dispatch {full} job two\nhint: dispatch {full} lint two\n"
            ))
            .fails_with(2);
    }
    world.dispatch("stop job two").notes().succeeds();
    world.dispatch("stop two").stdout_is("lint two: stopped\n").notes().succeeds();
    world.dispatch("stop two").stdout_is("two: not running\n").succeeds();
    assert_eq!(pairs(&world.dispatch("stop two").json()), Vec::<String>::new());
    world.dispatch("stop one").stdout_is("one: not running\n").succeeds();
}

#[test]
fn stop_by_mode_leaves_other_modes_alone() {
    let world = active();
    world.detach("lint", "three");
    world.dispatch("stop --mode lint").stdout_is("lint two: stopped\nlint three: stopped\n").notes().succeeds();
    assert_eq!(world.status("job", "two")["running"], true);
    world.dispatch("stop --mode lint").stdout_is("").stderr_has("nothing runs\n").succeeds();
    assert_eq!(pairs(&world.dispatch("stop --mode job").notes().json()), ["job two"]);
    world.wait_all_quiet();
}

#[test]
fn wait_for_a_task_waits_for_all_its_runs() {
    let world = active();
    let waiting = world.dispatch("wait two").start();
    world.dispatch("wait two --timeout 50ms").stderr_has("has not ended").fails_with(124);
    world.write("go", "");
    waiting.ends_with(0);
    world.dispatch("stop two").stdout_is("two: not running\n").succeeds();
    // Runs that have ended count too, the earliest start first.
    let world = ended();
    world.dispatch("wait one").stdout_is("").stderr_has("bad one: failed: exit code 7").fails_with(7);
    world.dispatch("wait two").stderr_has("error: `two` has never run").fails_with(1);
}

#[test]
fn wait_for_all_takes_what_is_active_when_it_starts() {
    let world = World::with(MODES);
    world.task("one", "%until go\n%exit 5").task("two", "%until go").task("three", "%until gone");
    for words in ["wait --all", "wait --mode job"] {
        world.dispatch(words).stdout_is("").stderr_has("nothing runs\n").succeeds();
        assert_eq!(pairs(&world.dispatch(words).any_stderr().json()), Vec::<String>::new());
    }
    // A failure that ended before is not waited for.
    world.task("past", "%exit 3");
    world.dispatch("run -q job past").any_stderr().fails_with(3);
    world.detach("lint", "two");
    world.detach("job", "one");
    let all = world.dispatch("wait --all --json").start();
    let of_mode = world.dispatch("wait --mode lint --json").start();
    // A run that starts before they have read the runs would be waited for too.
    for call in [&all, &of_mode] {
        wait_until("it waits", || is(waits(call.pid()), "it has not begun"));
    }
    world.detach("job", "three");
    world.write("go", "");
    let answer: Value = serde_json::from_slice(&all.ends_with(5).stdout).unwrap();
    assert_eq!(pairs(&answer), ["lint two", "job one"]);
    let answer: Value = serde_json::from_slice(&of_mode.ends_with(0).stdout).unwrap();
    assert_eq!(pairs(&answer), ["lint two"]);
    assert_eq!(world.status("job", "three")["running"], true);
    world.dispatch("stop three").notes().succeeds();
}

/// Whether a command has the thread that waits for the owner of a run.
fn waits(pid: i32) -> bool {
    let names = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut names = names.map(|thread| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
    names.any(|name| name.trim() == "await-owner")
}

#[test]
fn a_run_that_waits_for_all_does_not_wait_for_itself() {
    let world = World::with(MODES);
    world.task("one", "%sh dispatch wait --all").task("two", "%until go");
    world.detach("lint", "two");
    let run = world.detach("job", "one");
    let says = |text: &str| {
        wait_until("the inner command speaks", || {
            let log = std::fs::read_to_string(world.run_folder(&run).join("stderr.log")).unwrap_or_default();
            is(log.contains(text), log)
        });
    };
    says("not waiting for job one: this command runs in it");
    world.write("go", "");
    world.dispatch("wait job one").notes().succeeds();
}

#[test]
fn a_beginning_of_a_run_id_names_the_run() {
    let world = ended();
    let runs = world.history();
    let [good, bad] = [0, 1].map(|at: usize| runs[at]["runId"].as_str().unwrap().to_owned());
    // The shortest beginnings that differ.
    let common = good.bytes().zip(bad.bytes()).take_while(|(a, b)| a == b).count();
    for (id, mode) in [(&good, "good"), (&bad, "bad")] {
        for typed in [id.clone(), id[..=common].to_owned(), id[..=common].to_lowercase()] {
            let call = world.dispatch("logs --run").arg(&typed);
            call.stdout_has(format!("I am {mode}")).any_stderr().succeeds();
        }
        let call = world.dispatch(&format!("logs one --run {}", &id[..=common]));
        call.stdout_has(format!("I am {mode}")).any_stderr().succeeds();
    }
    world
        .dispatch(&format!("logs --run {}", &good[..common]))
        .stdout_is("")
        .stderr_has(format!(
            "error: several run ids begin with `{}`\nhint: {bad} (bad one)\nhint: {good} (good one)\n",
            &good[..common]
        ))
        .fails_with(2);
    world.dispatch("run -q lint two -d").notes().succeeds();
    world
        .dispatch(&format!("logs two --run {good}"))
        .stderr_has(format!("error: run `{good}` is one of `good one`, not of `two`\nhint: dispatch logs --run {good}"))
        .fails_with(2);
    for typed in ["ZZ", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        world
            .dispatch(&format!("logs --run {typed}"))
            .stderr_has(format!("error: there is no run `{typed}`\nhint: `dispatch history` lists them\n"))
            .fails_with(2);
    }
    for typed in ["''", "no-id", "é"] {
        world.dispatch(&format!("logs --run {typed}")).stderr_has("is not a run id").fails_with(2);
    }
    world.dispatch("run --resume=ZZ job one").stderr_has("error: there is no run `ZZ`").fails_with(2);
    world
        .dispatch(&format!("run --resume={} job one", &good[..common]))
        .stderr_has(format!("hint: {bad} (bad one)"))
        .fails_with(2);
    // A whole id and its unique beginning are refused for the same reason: the protocol has no conversations.
    for typed in [&good[..], &good[..=common]] {
        world
            .dispatch(&format!("run --resume={typed} good one"))
            .stderr_has("has no conversation to resume")
            .fails_with(1);
    }
    world.write("go", "");
}

#[test]
fn tables_show_the_unique_beginning_of_a_run_id() {
    let world = ended();
    let like = world.history()[0]["runId"].as_str().unwrap().to_owned();
    let shown = |world: &World| -> Vec<String> {
        let text = world.dispatch("history --task one").succeeds().text();
        text.lines().skip(1).map(|line| line.split_whitespace().last().unwrap().to_owned()).collect()
    };
    let unique = |world: &World| {
        let all: Vec<String> = std::fs::read_dir(world.state().join("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        for short in shown(world) {
            let matching = all.iter().filter(|id| id.starts_with(&short)).count();
            assert!(matching == 1 && short.len() >= 8, "{short} stands for {matching} of {all:?}");
        }
    };
    unique(&world);
    assert!(shown(&world).iter().all(|id| id.len() < 26), "{:?}", shown(&world));
    // Also among runs that the table does not list.
    let past: Vec<_> = (0..20).map(|_| crate::past::PastRun::new("job", "two", "2026-01-01T00:00:00Z")).collect();
    world.make_past(&like, &past);
    unique(&world);
}
