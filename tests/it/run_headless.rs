//! Headless runs from the outside: streaming, detaching, logs, Ctrl-C, records.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, alive, kill};

#[test]
fn run_streams_both_outputs_and_keeps_them() {
    let world = World::new();
    world.task("TASK-1", "%out to stdout\n%err to stderr\n%out again");
    let ended = world.dispatch("run job TASK-1").any_stderr().stdout_has("to stdout\nagain\n").succeeds();
    assert!(ended.stderr.contains("to stderr"), "{}", ended.stderr);
    world.dispatch("logs job TASK-1 --raw --stdout").stdout_is("to stdout\nagain\n").succeeds();
    world.dispatch("logs job TASK-1 --raw --stderr").stdout_has("to stderr").any_stderr().succeeds();
    world.dispatch("logs job TASK-1 --tail 1 --stdout").stdout_is("again\n").succeeds();
}

#[test]
fn output_is_seen_while_the_job_runs() {
    let world = World::new();
    world.task("TASK-1", "%out first\n%until go\n%out second");
    let run = world.dispatch("run job TASK-1").start();
    wait_until("the first line is shown", || {
        let seen = String::from_utf8_lossy(&run.stdout_so_far()).into_owned();
        is(seen.contains("first") && !seen.contains("second"), seen)
    });
    world.write("go", "");
    assert!(run.ends_with(0).text().contains("second"));
}

#[test]
fn logs_follow_until_the_end() {
    let world = World::new();
    world.task("TASK-1", "%out first\n%until go\n%out second");
    world.detach("job", "TASK-1");
    let follow = world.dispatch("logs -f job TASK-1 --raw").start();
    wait_until("the follower shows the first line", || is(follow.stdout_so_far() == b"first\n", "nothing"));
    world.write("go", "");
    assert_eq!(follow.ends_with(0).text(), "first\nsecond\n");
}

#[test]
fn every_byte_of_a_large_log_is_kept() {
    let world = World::new();
    world.task("TASK-1", "%bytes 20000000");
    world.dispatch("run -d job TASK-1").notes().succeeds();
    world.dispatch("wait job TASK-1").notes().succeeds();
    let raw = world.dispatch("logs job TASK-1 --raw --stdout").succeeds().stdout;
    assert_eq!(raw.len(), 20_000_000);
    let lines = raw.chunks(16).enumerate();
    for (n, line) in lines {
        assert_eq!(line, format!("{n:015}\n").as_bytes(), "line {n}");
    }
    assert_eq!(world.status("job", "TASK-1")["logBytes"], 20_000_000);
}

#[test]
fn detached_runs_outlive_the_command_and_can_be_waited_for() {
    let world = World::new();
    world.task("TASK-1", "%until go\n%exit 6");
    let run = world.detach("job", "TASK-1");
    assert_eq!(world.wait_state("job", "TASK-1", "running")["runId"], run.as_str());
    let waiting = world.dispatch("wait job TASK-1").start();
    world.dispatch("wait job TASK-1 --timeout 50ms").any_stderr().fails_with(124);
    world.write("go", "");
    waiting.ends_with(6);
}

#[test]
fn ctrl_c_stops_what_this_command_started() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = world.dispatch("run job TASK-1").start();
    let id = world.wait_state("job", "TASK-1", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&id);
    run.signal(Signal::INT);
    run.ends_with(130);
    let status = world.status("job", "TASK-1");
    assert_eq!(status["state"], "stopped", "{status}");
    world.dispatch("wait job TASK-1").notes().fails_with(130);
    world.wait_all_quiet();
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_grace() {
    let world = World::with("  patient: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 10m }\n");
    world.task("TASK-1", "%ignore-term\n%hang");
    let run = world.dispatch("run patient TASK-1").start();
    let id = world.wait_state("patient", "TASK-1", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&id);
    run.signal(Signal::INT);
    world.wait_state("patient", "TASK-1", "stopping");
    run.signal(Signal::INT);
    run.ends_with(130);
    world.wait_all_quiet();
}

#[test]
fn a_killed_or_hung_up_client_leaves_the_job_running() {
    for signal in [Signal::KILL, Signal::HUP] {
        let world = World::new();
        world.task("TASK-1", "%out before\n%until go\n%out after\n%exit 5");
        let run = world.dispatch_with_default_hangup("run job TASK-1").start();
        wait_until("output is shown", || is(!run.stdout_so_far().is_empty(), "nothing"));
        run.signal(signal);
        let _ = run.ends();
        world.write("go", "");
        world.dispatch("wait job TASK-1").notes().fails_with(5);
        world.dispatch("logs job TASK-1 --raw --stdout").stdout_is("before\nafter\n").succeeds();
    }
}

#[test]
fn a_closed_stdout_leaves_the_job_alone() {
    let world = World::new();
    world.task("TASK-1", "%bytes 4000000\n%exit 3");
    world.helper("sh", &["-c", "dispatch run job TASK-1 2>/dev/null | head -c 1 >/dev/null"]);
    world.dispatch("wait job TASK-1").notes().fails_with(3);
    assert_eq!(world.status("job", "TASK-1")["logBytes"], 4_000_000);
}

#[test]
fn an_exit_is_seen_though_a_child_holds_the_output_open() {
    let world = World::new();
    world.task("TASK-1", "%setsid\n%out done\n%exit 2");
    world.dispatch("run job TASK-1").notes().stdout_has("done").fails_with(2);
    // What the agent left behind belongs to the run and is ended with it.
    world.wait_all_quiet();
}

#[test]
fn the_agents_own_death_is_recorded() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = world.detach("job", "TASK-1");
    kill(world.agent_ready(&run).pid, Signal::KILL);
    world.dispatch("wait job TASK-1").notes().fails_with(137);
    assert_eq!(world.status("job", "TASK-1")["signal"], 9);
}

#[test]
fn json_has_the_contracts_fields_and_leaves_out_what_has_no_value() {
    let world = World::new();
    world.task("TASK-1", "%out words\n%exit 3");
    world.dispatch("run job TASK-1").notes().fails_with(3);
    let run = world.status("job", "TASK-1");
    assert_eq!((&run["mode"], &run["task"], &run["label"]), (&"job".into(), &"TASK-1".into(), &"TASK-1-job".into()));
    assert_eq!((&run["headless"], &run["running"], &run["attempt"]), (&true.into(), &false.into(), &1.into()));
    assert_eq!(run["window"], "TASK-1-job");
    assert_eq!(run["cwd"], world.project().to_str().unwrap());
    for field in ["startedAt", "endedAt"] {
        run[field].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()).expect("an RFC 3339 time");
    }
    assert!(run["durationMs"].is_u64());
    assert_eq!(run["runId"].as_str().unwrap().len(), 26);
    assert!(run.as_object().unwrap().values().all(|value| !value.is_null()), "{run}");
    assert!(run.get("costUsd").is_none() && run.get("signal").is_none(), "{run}");
}

#[test]
fn records_are_for_the_owner_only_under_any_umask() {
    for umask in ["000", "077"] {
        let world = World::new();
        world.task("TASK-1", "%out words");
        world.helper("sh", &["-c", &format!("umask {umask}; exec dispatch run -q job TASK-1")]);
        let listing = world.helper("find", &[".dispatch", "-type", "f", "-o", "-type", "d"]);
        for path in listing.lines() {
            let mode = fs::metadata(world.project().join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{path} is {mode:o} under umask {umask}");
        }
        let run = world.starts()[0].run.clone();
        let state = String::from_utf8(world.saw(&run, "state")).unwrap();
        assert!(state.contains(&format!("umask {umask}")), "the agent keeps the caller's umask: {state}");
    }
}

#[test]
fn git_does_not_see_the_state_folder() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    world.git(&["init", "-q"]);
    world.dispatch("run -q job TASK-1").notes().succeeds();
    assert!(!world.git(&["status", "--porcelain", "-uall"]).contains(".dispatch"));
}

#[test]
fn many_short_runs_keep_their_exact_codes() {
    let count = rounds(200);
    let world = World::with("jobs: 16\n");
    let ids: Vec<String> = (0..count).map(|n| format!("T-{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        world.task(id, &format!("%exit {}", n % 256));
    }
    let call = ids.iter().fold(world.dispatch("run -k job"), |call, id| call.arg(id));
    call.ends_somehow();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.status("job", id)["exitCode"], n % 256, "{id}");
    }
    world.wait_all_quiet();
}

#[test]
fn nothing_stays_resident_when_no_job_runs() {
    let world = World::new();
    world.task("TASK-1", "%until go");
    let run = world.detach("job", "TASK-1");
    let supervisor = world.supervisor(&run);
    assert!(alive(supervisor));
    world.write("go", "");
    world.dispatch("wait job TASK-1").notes().succeeds();
    world.wait_all_quiet();
}
