//! Interactive runs: one window per pair, made, found again, read when it ends.

use rustix::process::Signal;

use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

/// Starts a window and gives the run's id once its agent runs.
fn open(world: &World, mode: &str, task: &str) -> String {
    world.dispatch("run -q --attach none").arg(mode).arg(task).notes().succeeds();
    let run = world.status(mode, task)["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    run
}

/// The pane of a run.
fn pane(world: &World, run: &str) -> String {
    let rows = world.panes("#{pane_id} #{pane_start_command}");
    let row = rows.iter().find(|row| row.contains(run));
    row.unwrap_or_else(|| panic!("no pane of {run} in {rows:?}")).split(' ').next().unwrap().to_owned()
}

#[test]
fn a_run_is_a_window_of_the_manifests_session() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = open(&world, "talk", "TASK-1");
    let status = world.status("talk", "TASK-1");
    assert_eq!((&status["state"], &status["headless"]), (&"running".into(), &false.into()), "{status}");
    assert_eq!((&status["session"], &status["window"]), (&"world".into(), &"TASK-1-talk".into()));
    let rows = world.panes("#{session_name}:#{window_name}");
    assert!(rows.contains(&"world:TASK-1-talk".to_owned()), "{rows:?}");
    // The agent is the window's process.
    let id = pane(&world, &run);
    let pid = world.tmux(&["display-message", "-p", "-t", &id, "#{pane_pid}"]);
    assert_eq!(pid, world.agent_ready(&run).pid.to_string());
    assert_eq!(status["pid"], pid.parse::<i64>().unwrap());
}

#[test]
fn a_living_window_is_reused_and_a_dead_one_replaced() {
    let world = World::new();
    world.task("TASK-1", "%until go\n%exit 3");
    let first = open(&world, "talk", "TASK-1");
    assert_eq!(open(&world, "talk", "TASK-1"), first);
    assert_eq!(world.starts().len(), 1);
    world.write("go", "");
    assert_eq!(world.wait_state("talk", "TASK-1", "failed")["exitCode"], 3);
    std::fs::remove_file(world.project().join("go")).unwrap();
    let second = open(&world, "talk", "TASK-1");
    assert_ne!(first, second);
    let ours = world.panes("#{window_name}").into_iter().filter(|name| name == "TASK-1-talk").count();
    assert_eq!(ours, 1, "the dead window is gone");
}

#[test]
fn exit_codes_and_signals_are_read_from_the_window() {
    let world = World::new();
    for (task, body, code, state) in
        [("ZERO", "%exit 0", 0, "succeeded"), ("SEVEN", "%exit 7", 7, "failed"), ("NINE", "%signal 9", 137, "failed")]
    {
        world.task(task, body);
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
        let run = world.wait_state("talk", task, state);
        world.dispatch("wait talk").arg(task).notes().fails_with(code);
        if code == 137 {
            assert!(run.get("exitCode").is_none(), "a death by signal is never an exit: {run}");
        } else {
            assert_eq!(run["exitCode"], code);
        }
    }
}

#[test]
fn wait_returns_when_the_window_ends() {
    let world = World::new();
    world.task("TASK-1", "%until go\n%exit 4");
    open(&world, "talk", "TASK-1");
    let waiting = world.dispatch("wait talk TASK-1").start();
    world.write("go", "");
    waiting.ends_with(4);
}

#[test]
fn cleanup_on_exit_closes_the_window_and_keeps_the_code() {
    let world =
        World::with("  tidy: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cleanup_on_exit: true }\n");
    world.task("TASK-1", "%until go\n%exit 6").task("KEEP", "%hang");
    open(&world, "tidy", "KEEP");
    let run = open(&world, "tidy", "TASK-1");
    world.write("go", "");
    assert_eq!(world.wait_state("tidy", "TASK-1", "failed")["exitCode"], 6);
    wait_until("the window is closed", || {
        let rows = world.panes("#{pane_start_command}");
        is(!rows.iter().any(|row| row.contains(&run)), format!("{rows:?}"))
    });
}

#[test]
fn the_last_screen_is_kept_where_a_run_ended_and_none_is_made_up() {
    let world =
        World::with("  tidy: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cleanup_on_exit: true }\n");
    world.task("ENDS", "%out last words\n%until go\n%exit 6").task("STOPPED", "%out last words\n%hang");
    world.task("KILLED", "%out last words\n%hang");
    let screen = |mode: &str, task: &str| world.dispatch("logs").arg(mode).arg(task).notes().succeeds().text();
    let run = open(&world, "tidy", "ENDS");
    world.write("go", "");
    world.wait_state("tidy", "ENDS", "failed");
    wait_until("the window is closed", || {
        let rows = world.panes("#{pane_start_command}");
        is(!rows.iter().any(|row| row.contains(&run)), format!("{rows:?}"))
    });
    assert!(screen("tidy", "ENDS").contains("last words"), "{}", screen("tidy", "ENDS"));

    open(&world, "talk", "STOPPED");
    wait_until("its words", || is(screen("talk", "STOPPED").contains("last words"), screen("talk", "STOPPED")));
    world.dispatch("stop talk STOPPED").notes().succeeds();
    assert!(screen("talk", "STOPPED").contains("last words"), "{}", screen("talk", "STOPPED"));

    // A window that stays shows the program's words alone, without tmux's below them.
    world.task("DEAD", "%out first\n%out last words\n%exit 6");
    world.dispatch("run -q --attach none talk DEAD").any_stderr().ends_somehow();
    world.wait_state("talk", "DEAD", "failed");
    let shown = screen("talk", "DEAD");
    assert_eq!(shown.trim_end(), "first\nlast words");
    assert!(shown.len() <= "first\nlast words\n".len(), "{shown:?}");

    open(&world, "talk", "KILLED");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    world.wait_state("talk", "KILLED", "lost");
    world.dispatch("logs talk KILLED").stderr_has("no screen of `talk KILLED` was kept").fails_with(1);
}

#[test]
fn a_window_closed_by_the_user_is_stopped() {
    let world = World::new();
    world.task("TASK-1", "%hang").task("OTHER", "%hang");
    let other = open(&world, "talk", "OTHER");
    let run = open(&world, "talk", "TASK-1");
    world.tmux(&["kill-window", "-t", &pane(&world, &run)]);
    let status = world.wait_state("talk", "TASK-1", "stopped");
    assert!(status["reason"].as_str().unwrap_or_default().contains("closed"), "{status}");
    assert_eq!(world.status("talk", "OTHER")["runId"], other.as_str());
    assert_eq!(world.status("talk", "OTHER")["state"], "running");
}

#[test]
fn a_renamed_moved_or_broken_out_window_is_still_the_run() {
    let world = World::new();
    world.task("TASK-1", "%hang").task("TASK-2", "%hang");
    let run = open(&world, "talk", "TASK-1");
    open(&world, "talk", "TASK-2");
    let id = pane(&world, &run);
    let still = |what: &str| {
        assert_eq!(world.status("talk", "TASK-1")["state"], "running", "after {what}");
        assert_eq!(open(&world, "talk", "TASK-1"), run, "after {what}");
    };
    world.tmux(&["rename-window", "-t", &id, "TASK-2-talk"]);
    still("a rename to another's label");
    world.tmux(&["move-window", "-s", &id, "-t", "=world:77"]);
    still("a move");
    world.tmux(&["split-window", "-d", "-t", &id, "sleep 1000"]);
    world.tmux(&["break-pane", "-d", "-s", &id]);
    still("break-pane");
    world.tmux(&["new-session", "-d", "-s", "elsewhere", "sleep 1000"]);
    world.tmux(&["move-window", "-s", &id, "-t", "=elsewhere:"]);
    still("a move to another session");
    world.dispatch("stop talk TASK-1").notes().succeeds();
    assert_eq!(world.status("talk", "TASK-2")["state"], "running");
    assert!(world.panes("#{session_name}").contains(&"elsewhere".to_owned()));
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn stop_ends_the_windows_tree_also_where_it_ignores_its_end() {
    let world = World::new();
    world.task("TASK-1", "%ignore-term\n%setsid\n%double-fork\n%hang").task("OTHER", "%hang");
    let other = open(&world, "talk", "OTHER");
    let survivor = world.agent_ready(&other).pid;
    let run = open(&world, "talk", "TASK-1");
    wait_until("its children are there", || {
        let left = world.notes().into_iter().filter(|note| note.what == "child").count();
        is(left == 2, format!("{left}"))
    });
    world.dispatch("stop talk TASK-1").notes().succeeds();
    let left: Vec<_> = world.notes().into_iter().filter(|note| note.run == run && note.is_alive()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(alive(survivor));
    world.dispatch("wait talk TASK-1").any_stderr().fails_with(143);
}

#[test]
fn the_users_windows_and_options_carry_nothing_of_ours() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    world.tmux(&["new-session", "-d", "-s", "world", "-n", "mine", "sleep 1000"]);
    let options = |world: &World| {
        let target = "=world:=mine";
        [
            world.tmux(&["show-options", "-g"]),
            world.tmux(&["show-options", "-gw"]),
            world.tmux(&["show-options", "-s"]),
            world.tmux(&["show-options", "-t", "=world:"]),
            world.tmux(&["show-options", "-w", "-t", target]),
            world.tmux(&["show-options", "-p", "-t", target]),
            world.tmux(&["show-hooks", "-g"]),
            world.tmux(&["display-message", "-p", "-t", target, "#{window_index} #{window_active} #{window_name}"]),
        ]
    };
    let before = options(&world);
    open(&world, "talk", "TASK-1");
    assert_eq!(options(&world), before, "after a window was made");
    world.dispatch("stop talk TASK-1").notes().succeeds();
    assert_eq!(options(&world), before, "after it was stopped");

    // A creation that fails inside tmux must not leave its options on the user's window: the window
    // is asked for at a place that is not there.
    world.task("TASK-2", "%hang");
    let real = world.helper("sh", &["-c", "command -v tmux"]);
    // Its commands come on standard input.
    let script = "#!/bin/sh\ncase \" $* \" in *\" source-file \"*)\n  \
                  sed 's/=world:{end}/=world:no-such-window/' | REAL \"$@\"\n  exit ;;\nesac\nexec REAL \"$@\"\n";
    world.shadow("tmux", &script.replace("REAL", real.trim()));
    let refused = world.dispatch("run --attach none talk TASK-2").ends_somehow();
    assert_ne!(refused.code, 0, "the shadow made it fail");
    assert_eq!(options(&world), before, "after a creation that failed");
}

#[test]
fn a_session_whose_name_is_only_a_prefix_is_another_one() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    world.tmux(&["new-session", "-d", "-s", "world-2", "-n", "world", "sleep 1000"]);
    open(&world, "talk", "TASK-1");
    let rows = world.panes("#{session_name}:#{window_name}");
    assert!(rows.contains(&"world:TASK-1-talk".to_owned()), "{rows:?}");
    world.dispatch("stop --all").notes().succeeds();
    assert_eq!(
        world.panes("#{session_name}:#{window_name}").iter().filter(|row| row.starts_with("world-2:")).count(),
        1
    );
}

#[test]
fn base_index_1_and_odd_user_settings_are_no_trouble() {
    let world = World::new();
    world.write("../home/.tmux.conf", "set -g base-index 1\nset -g pane-base-index 1\nset -g renumber-windows on\n\
        set -g allow-rename on\nset -g automatic-rename on\nset -g remain-on-exit off\nset -g default-shell /bin/false\n\
        set -g @dispatch_run theirs\nset -g destroy-unattached off\n");
    world.task("TASK-1", "%until go\n%exit 5").task("TASK-2", "%hang");
    let run = open(&world, "talk", "TASK-1");
    open(&world, "talk", "TASK-2");
    assert_eq!(open(&world, "talk", "TASK-1"), run);
    world.write("go", "");
    assert_eq!(world.wait_state("talk", "TASK-1", "failed")["exitCode"], 5);
    assert_eq!(world.status("talk", "TASK-2")["state"], "running");
}

#[test]
fn the_killed_tmux_server_is_lost_and_the_pair_can_run_again() {
    let world = World::new();
    world.task("TASK-1", "%ignore-term\n%hang").task("TASK-2", "%hang");
    let run = open(&world, "talk", "TASK-1");
    open(&world, "talk", "TASK-2");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    for task in ["TASK-1", "TASK-2"] {
        let status = world.wait_state("talk", task, "lost");
        assert!(status["reason"].as_str().unwrap_or_default().contains("tmux"), "{status}");
        world.dispatch("wait talk").arg(task).any_stderr().fails_with(125);
    }
    // What survived its terminal is ended by the command that observes it.
    world.wait_all_quiet();
    assert_ne!(open(&world, "talk", "TASK-1"), run);
}

#[test]
fn attach_prints_the_exact_line() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    open(&world, "talk", "TASK-1");
    let line = world.dispatch("attach talk TASK-1 --print").notes().succeeds().text();
    assert!(line.contains("tmux") && line.contains("attach"), "{line}");
    // Without a terminal there is nothing to attach: the line is printed instead.
    world.dispatch("attach talk TASK-1 --here").any_stderr().ends_somehow();
    assert_eq!(world.status("talk", "TASK-1")["state"], "running");
}

#[test]
fn an_agent_that_does_not_exist_makes_no_window() {
    let world = World::with("  gone: { interactive: true, agent: gone, prompt: x }\n");
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let agents =
        "agents:\n  gone: { interactive: no-such-agent, headless: no-such-agent, prompt: arg, protocol: text }\n";
    world.write("dispatch.yaml", manifest.replace("agents:\n", agents));
    world.task("TASK-1", "x");
    world.dispatch("run --attach none gone TASK-1").stderr_has("`no-such-agent`").fails_with(127);
    assert_eq!(world.tmux_server_pid(), None);
}
