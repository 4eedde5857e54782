//! The ways of a notice: desktop, terminals of the tmux server, command. Text of tasks and agents
//! is never interpreted.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::notify::{ReceivedNotices as _, ids, with_notices};
use crate::tmux_client::Terminal;
use crate::waiting::{is, wait_for, wait_until};
use crate::world::World;

/// A `notify-send` that writes down its arguments, one a line with its line ends as `|`.
const SENDS: &str = "#!/bin/sh\nfor word; do printf '%s' \"$word\" | tr '\\n' '|'; echo; done >> \"$HOME/sent\"\n";

fn sent(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.root().join("home/sent")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn text_of_a_task_is_never_interpreted_on_the_desktop_or_in_a_command() {
    let world = World::with(
        "  hostile: { agent: fake, prompt: x, expect: { files: [\"{{ task.title }}\"] } }\n\
         notify: { desktop: true, command: [hears, \"$HOME\"] }\n",
    );
    world.shadow("notify-send", SENDS);
    world.shadow("hears", "#!/bin/sh\ncat >> \"$HOME/received\"\nprintf '%s' \"$1\" > \"$HOME/word\"\n");
    let title = r#"--help $(touch pwned) `touch pwned` <b>&\n\e]0;x\a\e[31m'"#;
    world.write("tasks/T.md", format!("---\ntitle: \"{}\"\n---\n", title.replace(r"\n", r"\\n")));
    let run = world.dispatch("run -q hostile T").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere").any_stderr();
    run.fails_with(1);
    let received = world.all_sent();
    let text = r"expected file `--help $(touch pwned) `touch pwned` <b>&\n'` is missing";
    assert_eq!((&received[0]["title"], &received[0]["text"]), (&"project: hostile T failed".into(), &text.into()));
    let body = text.replace('&', "&amp;").replace("<b>", "&lt;b&gt;").replace('\\', r"\\");
    assert_eq!(sent(&world), ["--app-name=dispatch", "--", "project: hostile T failed", &body]);
    assert_eq!(fs::read_to_string(world.root().join("home/word")).unwrap(), "$HOME", "no shell reads the command");
    assert!(!world.project().join("pwned").exists() && !world.root().join("home/pwned").exists());
    world.dispatch("doctor").any_stderr().stdout_has("notices").ends_somehow();
}

#[test]
fn without_a_desktop_the_terminals_get_the_notice_but_not_of_what_they_show() {
    let world = World::with("notify: { desktop: true, on: [waiting, failed], every: 0s }\n");
    // It must not be asked where there is no session bus.
    world.shadow("notify-send", SENDS);
    for task in ["A", "B"] {
        world.task(task, "%until ring\n%bell\n%hang");
    }
    let runs = ["A", "B"].map(|task| {
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
        world.status("talk", task)["runId"].as_str().unwrap().to_owned()
    });
    runs.iter().for_each(|run| drop(world.agent_ready(run)));
    let pane = |run: &str| {
        let rows = world.panes("#{pane_id} #{pane_start_command}");
        rows.iter().find(|row| row.contains(run)).unwrap().split(' ').next().unwrap().to_owned()
    };
    let terminal = Terminal::attach(&world, "world");
    world.tmux(&["select-window", "-t", &pane(&runs[0])]);
    world.write("ring", "");
    // No command observes the run; only tmux's bell hook sees the bell.
    wait_for(std::time::Duration::from_secs(20), "the terminal is reported", || {
        let shown = terminal.shown();
        is(shown.contains("\x1b]777;"), shown)
    });
    for run in &runs {
        wait_until("the wait is known to be reported or seen", || {
            let reported = fs::read_to_string(world.run_folder(run).join("told.json")).unwrap_or_default();
            is(reported.contains("waiting"), reported)
        });
    }
    world.all_sent();
    let shown = terminal.shown();
    let notice = "\x1b]777;notify;project: talk B waits for you;it rang the bell\x1b\\";
    assert!(shown.contains(notice), "{shown:?}");
    assert_eq!(shown.matches("\x1b]777;").count(), 1, "{shown:?}");
    assert!(sent(&world).is_empty());
    // Observing it again sends no second notice.
    world.dispatch("status").stdout_has("waits for you").succeeds();
    world.all_sent();
    assert_eq!(terminal.shown().matches("\x1b]777;").count(), 1);
}

#[test]
fn a_bell_that_is_answered_in_time_makes_no_notice() {
    let world = with_notices(", on: [waiting], every: 0s");
    world.task("A", "%until ring\n%bell\n%sh while [ ! -e again ]; do echo more; sleep 0.1; done\n%bell\n%hang");
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    world.write("ring", "");
    wait_until("the bell is received", || is(world.state().join("notify/news").exists(), "no event"));
    assert!(world.all_sent().is_empty(), "it goes on");
    world.write("again", "");
    assert_eq!(ids(&world.next_notice(0)), [run]);
    assert_eq!(world.all_sent().len(), 1);
}

#[test]
fn a_command_that_hangs_is_ended_with_all_it_started() {
    let world = World::with("notify: { command: hangs, on: [failed] }\n");
    world.shadow("hangs", "#!/bin/sh\nsetsid sleep 1001 &\nsleep 1002\n");
    world.task("A", "%exit 1");
    world.dispatch("run -q job A").any_stderr().fails_with(1);
    wait_until("it hangs", || is(world.processes().len() >= 3, format!("{:?}", world.processes())));
    wait_for(std::time::Duration::from_secs(30), "all of it is gone", || {
        is(world.processes().is_empty(), format!("{:?}", world.processes()))
    });
    world.dispatch("doctor").any_stderr().stderr_has("it took more than 10 seconds").ends_somehow();
}

#[test]
fn a_command_that_fails_is_found_by_doctor_and_forgotten_when_it_works() {
    let world = World::with("notify: { command: fails, on: [failed], every: 0s }\n");
    world.task("A", "%exit 1");
    world.dispatch("doctor").any_stderr().stderr_has("`fails` was not found").ends_somehow();
    world.shadow("fails", "#!/bin/sh\necho 'no such hook' >&2\nexit 7\n");
    world.dispatch("run -q job A").any_stderr().fails_with(1);
    world.all_sent();
    world.dispatch("doctor").any_stderr().stderr_has("exit status: 7): no such hook").ends_somehow();
    world.shadow("fails", "#!/bin/sh\n");
    world.dispatch("run -q job A").any_stderr().fails_with(1);
    world.all_sent();
    let ended = world.dispatch("doctor").any_stderr().ends_somehow();
    assert!(!ended.stderr.contains("notices"), "{}", ended.stderr);
}

#[test]
fn the_teller_is_nobodys_child_and_no_part_of_a_run() {
    let world = with_notices(", on: [failed], every: 0s");
    world.task("INNER", "%exit 5").task("OUTER", "%sh dispatch run -q talkless INNER\n%exit 0");
    // A nested job sends no notice: its caller sees the end.
    world.write(
        "dispatch.yaml",
        fs::read_to_string(world.project().join("dispatch.yaml"))
            .unwrap()
            .replace("modes:\n", "modes:\n  talkless: { agent: fake, prompt: \"{{ task.body }}\" }\n"),
    );
    world.task("FAILS", "%until go\n%exit 1").task("LOOKS", "%until gone\n%sh dispatch status -q\n%exit 0");
    world.dispatch("run -q job OUTER").any_stderr().succeeds();
    assert!(world.all_sent().is_empty());
    // Observed by a command inside a job that ends at once: the notifier must outlive that job.
    let fails = world.detach("job", "FAILS");
    let looks = world.detach("job", "LOOKS");
    [&fails, &looks].into_iter().for_each(|run| drop(world.agent_ready(run)));
    let supervisor = world.supervisor(&fails);
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    wait_until("it is gone", || is(!crate::world::alive(supervisor), "it lives"));
    world.write("gone", "");
    assert_eq!(ids(&world.next_notice(0)), [fails]);
    assert_eq!(world.all_sent().len(), 1);
}

#[test]
fn an_agent_that_asks_by_its_hook_waits_for_the_user() {
    let world = World::bare();
    crate::fake::install(&world.root().join("bin"), "claude");
    world.shadow("hears", crate::notify::RECORD_NOTICE);
    world.write(
        "dispatch.yaml",
        "version: 1\nsession: world\ntasks: [{ files: \"tasks/*.md\" }]\nnotify: { command: hears }\n\
         modes:\n  ask: { interactive: true, prompt: \"{{ task.body }}\" }\n",
    );
    world.task("T", "%until go\n%sh . ./say\n%touch said\n%hang");
    world.dispatch("run -q --attach none ask T").notes().succeeds();
    let run = world.status("ask", "T")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let settings = fs::read(world.run_folder(&run).join("settings.json")).unwrap();
    let settings: serde_json::Value = serde_json::from_slice(&settings).unwrap();
    let hook = &settings["hooks"]["PermissionRequest"].as_array().unwrap().last().unwrap()["hooks"][0]["command"];
    let asks = serde_json::json!({
        "session_id": "S-1", "hook_event_name": "PermissionRequest", "tool_name": "Bash", "cwd": "/",
    });
    world.write("input", asks.to_string());
    // One wait is one notice, however often the hook reports it.
    world.write("say", format!("exec < input; {0}; exec < input; {0}", hook.as_str().unwrap()));
    world.write("go", "");
    wait_until("it has asked", || is(world.project().join("said").exists(), "not yet"));
    let received = world.all_sent();
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!(received[0]["title"], "project: ask T waits for you", "{}", received[0]);
    assert_eq!((&received[0]["text"], ids(&received[0])), (&"permission (Bash)".into(), vec![run]));
}
