//! A project in which the older program has left a run in every state, and has some alive.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::command::Dispatch;
use crate::older_program;
use crate::waiting::wait_until;
use crate::world::{BASE, World, kill};

const RESULT: &str = r#"{"type":"result","subtype":"success","is_error":false,"result":"words","total_cost_usd":0.75,"session_id":"5f0a3c1e-8d0e-4d39-9b5c-2f6f1b0f3a77"}"#;

/// Without an age limit, so that a record of any age is kept.
const MORE: &str = r#"  slow: { agent: fake, prompt: "%hang", timeout: 300ms }
  needy: { agent: fake, prompt: "%out needy", needs: [job] }
  guarded: { agent: fake, prompt: "{{ task.body }}", gate: approve }
  window: { interactive: true, agent: fake, prompt: "{{ task.body }}", gate: approve }
  only: { agent: fake, prompt: "{{ task.body }}", exclusive: true, cwd: other }
  again: { agent: fake, prompt: "{{ task.body }}", retry: { max: 2, backoff: 1h, on: [crash] } }
  asked: { agent: speaks, prompt: "{{ task.body }}", save_to: "{{ task.id }}.answer" }
  made: { agent: fake, prompt: "%out made\n%sh cp in.txt out.txt", sources: [in.txt], generates: [out.txt] }
jobs: 3
budget: { day: 0.5 }
notify: { desktop: false, command: "true" }
"#;

/// State, exit code and reason of what had ended; the run ids are those of the record.
pub(crate) const ENDED: [(&str, &str, &str, Option<i64>); 12] = [
    ("job", "OK", "succeeded", Some(0)),
    ("job", "BAD", "failed", Some(7)),
    ("job", "SIG", "failed", None),
    ("job", "LOST", "lost", None),
    ("slow", "OK", "timed_out", None),
    ("job", "STOPPED", "stopped", None),
    ("needy", "BAD", "dependency_failed", None),
    ("guarded", "NO", "failed", None),
    ("asked", "PAID", "succeeded", Some(0)),
    ("made", "OK", "succeeded", Some(0)),
    ("talk", "DONE", "failed", Some(3)),
    ("talk", "CLOSED", "stopped", None),
];

/// What was alive or waited.
pub(crate) const ACTIVE: [(&str, &str, &str, &str); 9] = [
    ("job", "LIVE", "running", ""),
    ("only", "FIRST", "running", ""),
    ("again", "CRASH", "queued", "retry"),
    ("talk", "OPEN", "running", ""),
    ("needy", "LIVE", "queued", "need"),
    ("guarded", "YES", "queued", "gate"),
    ("window", "YES", "queued", "gate"),
    ("only", "SECOND", "queued", "budget"),
    ("asked", "LATER", "queued", "budget"),
];

/// A call of the older program.
pub(crate) fn older(world: &World, words: &str) -> Dispatch {
    Dispatch::new(world.command(installed(world).to_str().unwrap()), &world.root().join("calls")).words(words)
}

/// Where a user's `PATH` finds `dispatch`.
pub(crate) fn installed(world: &World) -> PathBuf {
    world.root().join("bin/dispatch")
}

/// Replaces the program as a package manager does: a rename over it, while that one runs.
pub(crate) fn upgrade(world: &World) {
    let fresh = world.root().join("bin/dispatch.new");
    fs::copy(crate::programs::dispatch(), &fresh).unwrap();
    fs::rename(fresh, installed(world)).unwrap();
}

fn install_older(world: &World) {
    let installed = installed(world);
    fs::remove_file(&installed).unwrap();
    fs::copy(older_program::program(), &installed).unwrap();
}

/// The project alone: manifest, tasks and inputs.
pub(crate) fn project() -> World {
    let world = World::with(MORE);
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: stdin, protocol: claude }\n";
    world.write("dispatch.yaml", format!("{BASE}{MORE}").replacen("agents:\n", speaks, 1));
    world.write("other/x", "");
    world.write("in.txt", "input\n");
    for (task, body) in [
        ("OK", "%out fine"),
        ("BAD", "%err bad\n%exit 7"),
        ("SIG", "%signal 9"),
        ("LOST", "%hang"),
        ("STOPPED", "%hang"),
        ("NO", "%out never"),
        ("YES", "%out approved"),
        ("PAID", &format!("%out {RESULT}")),
        ("LATER", &format!("%out {RESULT}")),
        ("DONE", "%out done\n%exit 3"),
        ("CLOSED", "%hang"),
        ("LIVE", "%out begun\n%until go\n%out over"),
        ("FIRST", "%until first\n%exit 5"),
        ("SECOND", "%out second"),
        ("CRASH", "%exit 9"),
        ("OPEN", "%ask\n%hang"),
    ] {
        world.task(task, body);
    }
    world
}

/// The manifest's owner lets the day cost more.
pub(crate) fn raise_budget(world: &World) {
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let raised = manifest.replace("budget: { day: 0.5 }", "budget: { day: 50 }");
    assert_ne!(manifest, raised);
    world.write("dispatch.yaml", raised);
}

/// Runs the older program until every entry of [`ENDED`] and [`ACTIVE`] is true.
pub(crate) fn record() -> World {
    let world = project();
    install_older(&world);
    for (words, code) in [
        ("run -q job OK", 0),
        ("run -q job BAD", 7),
        ("run -q job SIG", 137),
        ("run -q slow OK", 124),
        ("run -q needy BAD", 1),
        ("run -q made OK", 0),
        ("run -d job STOPPED", 0),
        ("run -d job LOST", 0),
        ("run -d guarded NO", 0),
        ("run -q --attach none talk DONE", 0),
        ("run -q --attach none talk CLOSED", 0),
    ] {
        older(&world, words).any_stderr().fails_with(code);
    }
    let run = |mode: &str, task: &str| state_by_older(&world, mode, task)["runId"].as_str().unwrap().to_owned();
    let lost = run("job", "LOST");
    world.agent_ready(&lost);
    kill(world.supervisor(&lost), Signal::KILL);
    world.agent_ready(&run("job", "STOPPED"));
    older(&world, "stop job STOPPED").any_stderr().succeeds();
    older(&world, "approve --reject guarded NO").any_stderr().succeeds();
    let closed = run("talk", "CLOSED");
    world.agent_ready(&closed);
    world.tmux(&["kill-window", "-t", "=world:CLOSED-talk"]);
    for (words, ready) in [
        ("run -d again CRASH", None),
        ("run -d job LIVE", Some(("job", "LIVE"))),
        ("run -d only FIRST", Some(("only", "FIRST"))),
        ("run -q --attach none talk OPEN", Some(("talk", "OPEN"))),
        ("run -d needy LIVE", None),
        ("run -d guarded YES", None),
        ("run -d window YES", None),
        ("run -d only SECOND", None),
        // It costs more than the day may: from here on nothing new starts.
        ("run -q asked PAID", None),
        ("run -d asked LATER", None),
    ] {
        older(&world, words).any_stderr().succeeds();
        if let Some((mode, task)) = ready {
            world.agent_ready(&run(mode, task));
        }
    }
    for (mode, task, state, code) in ENDED {
        wait_until(&format!("{mode} {task} is {state}"), || {
            let run = state_by_older(&world, mode, task);
            let fits = run["state"] == state && run["exitCode"].as_i64() == code;
            if fits { Ok(()) } else { Err(run.to_string()) }
        });
    }
    for (mode, task, state, waiting) in ACTIVE {
        wait_until(&format!("{mode} {task} is {state} {waiting}"), || {
            let run = state_by_older(&world, mode, task);
            let fits = run["state"] == state && run["waitingFor"].as_str().unwrap_or_default() == waiting;
            if fits { Ok(()) } else { Err(run.to_string()) }
        });
    }
    wait_until("the user was notified of the lost run", || {
        let delivered = world.run_folder(&lost).join("told.json");
        if delivered.exists() { Ok(()) } else { Err(format!("no {}", delivered.display())) }
    });
    world
}

fn state_by_older(world: &World, mode: &str, task: &str) -> serde_json::Value {
    let ended = older(world, "status --json").arg(mode).arg(task).ends_somehow();
    serde_json::from_slice(&ended.stdout).unwrap_or_default()
}
