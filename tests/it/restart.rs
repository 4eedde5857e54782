//! `restart`: the pair's run is stopped, and the same run started again as today's manifest has it.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::processes::wait_until_gone;
use crate::waiting::{is, rounds, wait_until};
use crate::world::{BASE, World, alive};

const MODES: &str = "  brief: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 300ms }\n";

/// Restarts, does not wait, and gives the answer.
#[track_caller]
fn restart(world: &World, mode: &str, task: &str) -> Value {
    world.dispatch("restart -d").arg(mode).arg(task).notes().json()
}

pub(crate) fn id(run: &Value) -> String {
    run["runId"].as_str().unwrap_or_else(|| panic!("no runId in {run}")).to_owned()
}

fn fields(answer: &Value) -> Vec<&str> {
    let changes = answer["changes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    changes.iter().filter_map(|change| change["field"].as_str()).collect()
}

/// Starts a window and gives the run's id once its agent runs.
pub(crate) fn open(world: &World, task: &str) -> String {
    world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    let run = id(&world.status("talk", task));
    world.agent_ready(&run);
    run
}

/// The ids of all runs that are not ended.
pub(crate) fn active(world: &World) -> Vec<String> {
    let runs = world.dispatch("status").notes().json();
    let runs = runs["runs"].as_array().unwrap().iter().filter(|run| run["endedAt"].is_null());
    runs.map(id).collect()
}

/// The agents of a pair that live.
pub(crate) fn agents(world: &World) -> Vec<i32> {
    world.starts().into_iter().filter(|note| alive(note.pid)).map(|note| note.pid).collect()
}

#[test]
fn a_job_is_stopped_and_started_again_with_its_prompt_and_arguments() {
    let world = World::with("  told: { agent: fake, prompt: \"%hang {{ prompt }}\" }\n");
    world.task("A", "");
    let first = world.dispatch("run --json -d told A --prompt again -- --extra").notes().document();
    let first = id(&first["runs"][0]);
    let agent = world.agent_ready(&first).pid;
    let answer = restart(&world, "told", "A");
    assert!(!alive(agent), "restart returned while the old agent lived");
    let second = id(&answer);
    assert_ne!(first, second);
    assert_eq!(answer["replaces"], first.as_str());
    assert_eq!(fields(&answer), [""; 0], "{answer}");
    assert_eq!(String::from_utf8_lossy(&world.saw(&second, "stdin")), "%hang again");
    assert!(world.saw_words(&second, "argv").contains(&"--extra".to_owned()));
    let ends: Vec<Value> = world.history();
    assert_eq!((ends.len(), &ends[0]["state"], &ends[0]["runId"]), (1, &"stopped".into(), &first.into()));
    assert_eq!(active(&world), [second]);
}

#[test]
fn a_job_that_has_ended_is_started_again_though_nothing_has_changed() {
    let world = World::with("  once: { agent: fake, prompt: \"{{ task.body }}\", sources: [in], generates: [out] }\n");
    world.task("A", "%out done\n%touch out").write("in", "");
    world.dispatch("run -q once A").notes().succeeds();
    world.dispatch("run once A").stderr_has("up to date").succeeds();
    world.dispatch("restart once A").notes().stdout_is("done\n").succeeds();
    assert_eq!(world.history().len(), 2);
}

#[test]
fn a_job_is_followed_as_run_does_and_gives_its_code() {
    let world = World::new();
    world.task("A", "%out again\n%until go\n%exit 7");
    let first = world.detach("job", "A");
    world.agent_ready(&first);
    let following = world.dispatch("restart job A").start();
    wait_until("the new run's output is shown", || is(!following.stdout_so_far().is_empty(), "nothing yet"));
    world.write("go", "");
    let ended = following.ends_with(7);
    assert_eq!(ended.text(), "again\n");
    assert!(ended.stderr.contains("job A: failed"), "{}", ended.stderr);
    let answer = world.dispatch("restart --json job A").notes().fails_with(7);
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!((&answer["exitCode"], &answer["state"]), (&7.into(), &"failed".into()), "{answer}");
    assert_eq!(answer["changes"], serde_json::json!([]));
}

#[test]
fn ctrl_c_stops_the_new_run() {
    let world = World::new();
    world.task("A", "%out here\n%hang");
    let first = world.detach("job", "A");
    world.agent_ready(&first);
    let following = world.dispatch("restart job A").start();
    wait_until("the new run's output is shown", || is(!following.stdout_so_far().is_empty(), "nothing yet"));
    following.signal(Signal::INT);
    following.ends_with(130);
    assert_eq!(active(&world), [""; 0]);
}

#[test]
fn what_changed_in_the_manifest_is_said_and_done() {
    let world = World::with("  told: { agent: fake, prompt: \"%hang old\", env: { WORD: old } }\n");
    world.task("A", "");
    let first = world.detach("told", "A");
    world.agent_ready(&first);
    let mode = "  told: { agent: fake, prompt: \"%hang new\", env: { WORD: s3cret }, timeout: 1h }\n";
    world.write("dispatch.yaml", format!("{BASE}{mode}"));
    let shown = world.dispatch("restart -n told A").notes().stdout_has("%hang new").succeeds();
    for line in ["changed: timeout: none → 1h", "changed: prompt: %hang old → %hang new", "changed: env WORD changed"]
    {
        assert!(shown.stderr.lines().any(|said| said == line), "no {line:?} in\n{}", shown.stderr);
    }
    let dry = world.dispatch("restart -n told A").notes().json();
    assert_eq!((&dry["replaces"], &dry["runs"][0]["prompt"]), (&first.as_str().into(), &"%hang new".into()), "{dry}");
    assert_eq!(active(&world), std::slice::from_ref(&first), "`-n` touches nothing");
    let answer = restart(&world, "told", "A");
    assert_eq!(fields(&answer), ["env WORD changed", "timeout", "prompt"]);
    assert_eq!((&answer["changes"][1]["was"], &answer["changes"][1]["wouldBe"]), (&"none".into(), &"1h".into()));
    assert!(!answer.to_string().contains("s3cret"), "{answer}");
    assert!(world.saw_words(&id(&answer), "env").contains(&"WORD=s3cret".to_owned()));
}

#[test]
fn a_mode_that_is_gone_or_of_the_other_kind_and_a_broken_manifest_cost_no_agent() {
    let world = World::new();
    world.task("A", "%hang");
    let (job, talk) = (world.detach("job", "A"), open(&world, "A"));
    world.agent_ready(&job);
    let refuse = |manifest: &str, mode: &str, message: &str| {
        world.write("dispatch.yaml", manifest);
        world.dispatch("restart").arg(mode).arg("A").stderr_has(message).fails_with(2);
        world.write("dispatch.yaml", BASE);
        assert_eq!(active(&world), [job.clone(), talk.clone()], "{message}");
        assert_eq!(agents(&world).len(), 2, "{message}");
    };
    refuse(&BASE.replace("  job:", "  jab:"), "job", "did you mean `jab`?");
    refuse(&BASE.replace("  job: {", "  job: { interactive: true,"), "job", "mode `job` is interactive now");
    refuse(&BASE.replace("interactive: true, ", ""), "talk", "mode `talk` is headless now");
    refuse(&BASE.replace("{{ task.body }}", "{{ task.bdy }}"), "job", "bdy");
    refuse(&BASE.replace("version: 1", "version: ["), "talk", "error");
    refuse(&BASE.replace("tasks/**", "others/**"), "job", "unknown task `A`");
    refuse(&BASE.replace("talk: {", "talk: { cwd: nowhere,"), "talk", "nowhere");
    refuse(&format!("{BASE}worktree: {{ path: ../t }}\n"), "job", "worktree");
    // The agent's program is gone: as `run` fails.
    world.write("dispatch.yaml", BASE.replace("headless: [fake]", "headless: [missing-agent]"));
    world.dispatch("restart job A").stderr_has("missing-agent").fails_with(127);
    assert_eq!(active(&world), [job, talk]);
}

#[test]
fn what_never_ran_is_not_restarted() {
    let world = World::new();
    world.task("A", "%hang").task("B", "%hang");
    world.dispatch("restart job A").stderr_has("`job A` has never run").stderr_has("dispatch run job A").fails_with(1);
    assert!(!world.state().exists(), "nothing was written");
    world.detach("job", "B");
    world.dispatch("restart job A").stderr_has("`job A` has never run").fails_with(1);
    world.dispatch("restart jab A").stderr_has("did you mean `job`?").fails_with(2);
    world.dispatch("restart job").stderr_has("<TASK>").fails_with(2);
}

#[test]
fn a_window_is_replaced_and_who_is_attached_keeps_the_session() {
    let world = World::new();
    world.provide(&["script"]);
    world.task("A", "%out here\n%hang").task("B", "%hang");
    let first = open(&world, "A");
    let terminal = crate::tmux_client::Terminal::attach(&world, "world");
    let client = || world.tmux(&["list-clients", "-F", "#{client_pid} #{session_id} #{session_name}"]);
    let before = client();
    world.dispatch("restart --attach none talk A").stderr_has("talk A is open in window A-talk").succeeds();
    let second = id(&world.wait_state("talk", "A", "running"));
    assert_ne!(first, second);
    world.agent_ready(&second);
    assert_eq!(client(), before, "the only window of the session was replaced");
    let rows = world.panes("#{window_name} #{pane_dead} #{pane_start_command}");
    assert!(rows.len() == 1 && rows[0].starts_with("A-talk 0 ") && rows[0].contains(&second), "{rows:?}");
    // With another window before it in the session, to which tmux would turn, the terminal shows the new one.
    open(&world, "B");
    let mut shown = String::new();
    for _ in 0..2 {
        let next = id(&restart(&world, "talk", "A"));
        world.agent_ready(&next);
        shown = world.tmux(&["list-clients", "-F", "#{pane_start_command}"]);
        assert!(shown.contains(&next), "{shown}");
    }
    // A terminal that shows another window keeps it.
    let fourth = id(&restart(&world, "talk", "B"));
    world.agent_ready(&fourth);
    assert_eq!(world.tmux(&["list-clients", "-F", "#{pane_start_command}"]), shown);
    drop(terminal);
    world.dispatch("stop talk B").notes().succeeds();
    // Ended, it is started again in place of its dead window.
    world.dispatch("stop talk A").notes().succeeds();
    let third = id(&restart(&world, "talk", "A"));
    world.agent_ready(&third);
    assert_eq!(active(&world), [third]);
}

#[test]
fn a_queued_run_is_withdrawn_and_queued_again() {
    let world = World::with("  gated: { agent: fake, prompt: \"%hang\", gate: approve }\njobs: 1\n");
    world.task("A", "%hang").task("B", "%hang");
    let holder = world.detach("job", "A");
    world.agent_ready(&holder);
    for (mode, why) in [("job", "slot"), ("gated", "gate")] {
        let first = world.detach(mode, "B");
        let answer = restart(&world, mode, "B");
        assert_eq!((&answer["state"], &answer["waitingFor"]), (&"queued".into(), &why.into()), "{answer}");
        let ended = world.history().into_iter().find(|run| run["runId"] == first.as_str());
        assert_eq!(ended.unwrap_or_default()["state"], "stopped");
    }
    assert_eq!(world.starts().len(), 1, "neither has started");
    world.dispatch("stop job A").notes().succeeds();
    world.wait_state("job", "B", "running");
}

#[test]
fn needs_are_started_first_and_one_that_cannot_be_costs_no_agent() {
    let modes =
        |lint: &str| format!("{BASE}  lint: {lint}\n  review: {{ agent: fake, prompt: \"%hang\", needs: [lint] }}\n");
    let world = World::bare();
    world.write("dispatch.yaml", modes("{ agent: fake, prompt: \"{{ prompt or '%exit 0' }}\" }"));
    world.task("A", "");
    world.detach("review", "A");
    let first = id(&world.wait_state("review", "A", "running"));
    world.agent_ready(&first);
    world.write("dispatch.yaml", modes("{ agent: fake, prompt: \"{{ nothing }}\" }"));
    world.dispatch("restart -d review A").any_stderr().fails_with(2);
    world.write("dispatch.yaml", modes("{ agent: fake, prompt: \"{{ prompt or '%exit 0' }}\" }"));
    let agent = world.agent_ready(&first).pid;
    assert!(alive(agent));
    // The record of the need's last run is one of a later version: that run may be alive, so none is started.
    let lint = id(&world.dispatch("run -d --json lint A --prompt '%exit 1'").notes().document()["runs"][0]);
    world.wait_state("lint", "A", "failed");
    wait_until_gone("the need's supervisor is gone", || {
        let left = [world.processes_with(&lint), world.processes_with("__next")].concat();
        is(left.is_empty(), left.join("\n"))
    });
    let spec = world.run_folder(&lint).join("spec.json");
    let record = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, record.replacen("\"version\":1", "\"version\":999", 1)).unwrap();
    let exit = fs::read(world.run_folder(&lint).join("exit.json")).unwrap();
    fs::remove_file(world.run_folder(&lint).join("exit.json")).unwrap();
    world.dispatch("restart -d review A").stderr_has(&lint).fails_with(125);
    assert!(alive(agent));
    fs::write(&spec, record).unwrap();
    fs::write(world.run_folder(&lint).join("exit.json"), exit).unwrap();
    let second = id(&restart(&world, "review", "A"));
    world.agent_ready(&second);
    assert!(!alive(agent));
}

#[test]
fn an_agent_that_ignores_term_is_killed_first() {
    let world = World::with(MODES);
    world.task("A", "%ignore-term\n%setsid\n%double-fork\n%hang");
    let first = world.detach("brief", "A");
    world.agent_ready(&first);
    wait_until("it hangs", || is(world.notes().iter().any(|note| note.what == "hang"), "not yet"));
    let second = id(&restart(&world, "brief", "A"));
    let left: Vec<_> = world.notes().into_iter().filter(|note| note.run == first && note.is_alive()).collect();
    assert!(left.is_empty(), "of the old run these live: {left:?}");
    world.agent_ready(&second);
    assert_eq!(active(&world), [second]);
}

#[test]
fn restarts_at_once_leave_one_agent_of_the_pair() {
    let world = World::with(MODES);
    world.task("A", "%lone\n%hang");
    let first = world.detach("brief", "A");
    world.agent_ready(&first);
    for round in 0..rounds(200) {
        let calls: Vec<_> = (0..4)
            .map(|n| match n {
                3 if round % 2 == 1 => world.dispatch("run -d brief A").start(),
                _ => world.dispatch("restart -d brief A").start(),
            })
            .collect();
        let ended: Vec<_> = calls.into_iter().map(crate::command::Started::ends).collect();
        for call in &ended {
            let is_refused = call.code == 1 && call.stderr.contains("by another process meanwhile (run ");
            assert!(call.code == 0 || is_refused, "{}: {}", call.code, call.stderr);
        }
        assert!(ended.iter().any(|call| call.code == 0), "{ended:?}");
        let clashes: Vec<_> = world.notes().into_iter().filter(|note| note.what == "clash").collect();
        assert!(clashes.is_empty(), "two agents of one pair lived at once: {clashes:?}");
        let left = active(&world);
        assert_eq!(left.len(), 1, "{left:?}");
        let agent = world.agent_ready(&left[0]).pid;
        assert_eq!(agents(&world), [agent]);
    }
}

#[test]
fn a_restart_killed_before_the_start_leaves_the_pair_stopped_for_the_next() {
    let world = World::with("  slow: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 1h }\n");
    world.task("A", "%ignore-term\n%until go\n%exit 0");
    let first = world.detach("slow", "A");
    world.agent_ready(&first);
    let restarting = world.dispatch("restart -d slow A").start();
    wait_until("it waits for the end of the old run", || {
        let run = world.status("slow", "A");
        is(run["state"] == "stopping", run.to_string())
    });
    restarting.signal(Signal::KILL);
    restarting.ends_with(-9);
    world.write("go", "");
    world.wait_state("slow", "A", "stopped");
    assert_eq!(world.starts().len(), 1);
    fs::remove_file(world.project().join("go")).unwrap();
    let second = id(&restart(&world, "slow", "A"));
    world.agent_ready(&second);
    assert_eq!(active(&world), [second]);
    world.write("go", "");
}

#[test]
fn a_run_can_restart_others_but_not_itself() {
    let world = World::with(MODES);
    world.task("A", "%sh dispatch restart -d brief A\n%hang").task("B", "%hang");
    world.task("C", "%sh dispatch restart -q -d brief B\n%hang");
    let own = world.detach("brief", "A");
    let code = |run: &str| {
        wait_until("the agent has the exit code", || {
            let code = String::from_utf8_lossy(&world.saw(run, "sh")).into_owned();
            if code.ends_with('\n') { Ok(code) } else { Err(code) }
        })
    };
    assert_eq!(code(&own), "2\n");
    world.dispatch("logs brief A").stderr_has("`brief A` cannot be restarted from inside itself").succeeds();
    let other = world.detach("brief", "B");
    world.agent_ready(&other);
    let caller = world.detach("brief", "C");
    assert_eq!(code(&caller), "0\n");
    let again = world.wait_state("brief", "B", "running");
    assert_eq!(again["parentRun"], caller.as_str(), "{again}");
    assert_ne!(id(&again), other);
}

#[test]
fn a_conversation_is_resumed_only_where_the_run_resumed_one() {
    let world = World::bare();
    let speaks = "agents:\n  speaks: { interactive: [fake], headless: [fake], prompt: { interactive: arg, headless: stdin }, protocol: claude }\n";
    let modes = "  talks: { agent: speaks, interactive: true, prompt: \"%hang\" }\n";
    world.write("dispatch.yaml", format!("{}{modes}", BASE.replacen("agents:\n", speaks, 1)));
    world.task("T", "");
    let given = |run: &str, flag: &str| {
        let words = world.saw_words(run, "argv");
        words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone())
    };
    let first = world.detach("talks", "T");
    let session = given(&first, "--session-id").unwrap();
    let second = id(&restart(&world, "talks", "T"));
    let anew = given(&second, "--session-id").unwrap();
    assert_ne!(session, anew);
    world.dispatch("stop talks T").notes().succeeds();
    world.dispatch("run --resume -q --attach none talks T --prompt '%hang on'").notes().succeeds();
    let resumed = id(&world.wait_state("talks", "T", "running"));
    assert_eq!(given(&resumed, "--resume").as_ref(), Some(&anew));
    let answer = restart(&world, "talks", "T");
    assert_eq!(given(&id(&answer), "--resume").as_ref(), Some(&anew));
    assert!(world.saw_words(&id(&answer), "argv").contains(&"%hang on".to_owned()));
    assert_eq!(fields(&answer), [""; 0], "{answer}");
}
