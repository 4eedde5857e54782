//! The activity of a window's agent: `working`, `waiting` (it rang the bell), `idle`, and the cases
//! without one.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::server::Ws;
use crate::waiting::{is, wait_for};
use crate::world::World;

/// Ten seconds without output are idle; a terminal's last write is known in steps of eight seconds.
const PATIENCE: Duration = Duration::from_secs(40);
/// Writes until the file is there.
const WRITES: &str = "%sh until [ -e quiet ]; do echo more; sleep 0.1; done\n";

/// Starts a window and gives its pane once its agent runs.
fn open(world: &World, mode: &str, task: &str) -> String {
    world.dispatch("run -q --attach none").arg(mode).arg(task).notes().succeeds();
    let run = world.status(mode, task)["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let rows = world.panes("#{pane_id} #{pane_start_command}");
    rows.iter().find(|row| row.contains(&run)).unwrap().split(' ').next().unwrap().to_owned()
}

#[track_caller]
fn wait_activity(world: &World, task: &str, activity: &str) -> Value {
    wait_for(PATIENCE, &format!("{task} is {activity}"), || {
        let run = world.status("talk", task);
        is(run["activity"] == activity, run.to_string()).map(|()| run)
    })
}

fn seconds(world: &World, pane: &str, format: &str) -> i64 {
    world.tmux(&["display-message", "-p", "-t", pane, format]).parse().unwrap()
}

/// A client of the user's, on the session of the runs.
struct AttachedClient(Child);

impl AttachedClient {
    fn new(world: &World) -> Self {
        let mut command = world.command("tmux");
        command.args(["-u", "-L", "w", "-C", "attach", "-t", "=world:"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(PATIENCE, "a client is there", || {
            let clients = world.tmux(&["list-clients", "-F", "#{client_pid}"]);
            is(!clients.is_empty(), clients)
        });
        Self(child)
    }
}

impl Drop for AttachedClient {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Turns to another window and back until that counts as activity later than the bell.
fn look_again(world: &World, pane: &str, other: &str) {
    let before = seconds(world, pane, "#{window_activity}") + 2;
    wait_for(PATIENCE, "the look has a time of its own", || {
        world.tmux(&["select-window", "-t", other]);
        world.tmux(&["select-window", "-t", pane]);
        let now = seconds(world, pane, "#{window_activity}");
        is(now > before, format!("{now} after {before}"))
    });
}

#[test]
fn a_bell_waits_output_works_and_silence_is_idle() {
    let world = World::new();
    world.task("A", &format!("%out hello\n%until ring\n%out which one?\n%bell\n%until on\n{WRITES}%hang\n"));
    open(&world, "talk", "A");
    assert_eq!(wait_activity(&world, "A", "working")["activitySource"], "output");
    world.write("ring", "");
    let waits = wait_activity(&world, "A", "waiting");
    assert_eq!((&waits["activityReason"], &waits["activitySource"]), (&"it rang the bell".into(), &"bell".into()));
    let at: jiff::Timestamp = waits["activityAt"].as_str().unwrap().parse().unwrap();
    assert!((0..60).contains(&(jiff::Timestamp::now().as_second() - at.as_second())), "{waits}");
    world.dispatch("status").stdout_has("running (waits for you)").succeeds();
    world.dispatch("status talk A").stdout_has("waits for you: it rang the bell").succeeds();
    // However long: what is waited for is the user.
    wait_for(PATIENCE, "it has waited for longer than makes idle", || {
        let run = world.status("talk", "A");
        assert_eq!((&run["activity"], &run["activityAt"]), (&"waiting".into(), &waits["activityAt"]), "{run}");
        is(jiff::Timestamp::now().as_second() - at.as_second() > 12, "not yet")
    });
    world.write("on", "");
    wait_activity(&world, "A", "working");
    world.write("quiet", "");
    let idle = wait_activity(&world, "A", "idle");
    assert_eq!(idle["activitySource"], "output", "{idle}");
    world.dispatch("status").stdout_has("running (idle)").succeeds();
    world.dispatch("stop talk A").notes().succeeds();
    assert!(world.status("talk", "A").get("activity").is_none(), "what ended does nothing");
}

#[test]
fn it_waits_with_and_without_an_attached_client() {
    let world = World::new();
    world.task("A", &format!("%until ring\n%bell\n%until again\n%bell\n%until on\n{WRITES}")).task("B", "%hang");
    let (a, b) = (open(&world, "talk", "A"), open(&world, "talk", "B"));
    let looker = AttachedClient::new(&world);
    world.tmux(&["select-window", "-t", &a]);
    world.write("ring", "");
    wait_activity(&world, "A", "waiting");
    look_again(&world, &a, &b);
    assert_eq!(world.status("talk", "A")["activity"], "waiting");
    drop(looker);
    // Also if no client was attached at first, and in a browser.
    world.tmux(&["select-window", "-t", &b]);
    let first = seconds(&world, &a, "#{@dispatch_bell}");
    world.write("again", "");
    wait_for(PATIENCE, "it rang again", || {
        let rung = seconds(&world, &a, "#{@dispatch_bell}");
        is(rung > first, format!("{rung} after {first}"))
    });
    let server = world.serve();
    wait_for(PATIENCE, "a page has looked at a time of its own", || {
        drop(server.ws("/api/terminal/talk/A").next());
        let now = seconds(&world, &a, "#{window_activity}");
        is(now > seconds(&world, &a, "#{@dispatch_bell}") + 1, now.to_string())
    });
    assert_eq!(server.get("/status/talk/A").json()["activity"], "waiting");
    world.write("on", "");
    wait_activity(&world, "A", "working");
}

#[test]
fn a_session_of_the_users_is_left_alone_and_its_flag_believed() {
    let world = World::new();
    world.task("A", "%until ring\n%bell\n%hang\n");
    world.tmux(&["new-session", "-d", "-s", "world", "sleep", "600"]);
    let options = |world: &World| {
        let of = |args: &[&str]| world.tmux(args);
        [of(&["show-hooks", "-t", "=world:"]), of(&["show-hooks", "-g"]), of(&["show-options", "-w", "-t", "=world:^"])]
    };
    let before = options(&world);
    let pane = open(&world, "talk", "A");
    world.write("ring", "");
    wait_activity(&world, "A", "waiting");
    world.tmux(&["select-window", "-t", &pane]);
    assert_ne!(world.status("talk", "A")["activity"], "waiting", "its state is unknown");
    assert_eq!(options(&world), before);
}

#[test]
fn a_hook_of_the_users_stays_the_users() {
    let world = World::new();
    world.task("A", "%until ring\n%bell\n%hang\n");
    world.tmux(&["new-session", "-d", "-s", "mine", "sleep", "600"]);
    world.tmux(&["set-hook", "-g", "alert-bell", "set-option -g @bell yes"]);
    open(&world, "talk", "A");
    world.write("ring", "");
    wait_activity(&world, "A", "waiting");
    assert_eq!(world.tmux(&["show-options", "-gv", "@bell"]), "yes");
}

#[test]
fn nothing_is_made_up() {
    let claude = "agents:\n  screen: { interactive: fake, headless: fake, prompt: arg, protocol: claude }\n";
    let world = World::with("  talk2: { interactive: true, agent: screen, prompt: \"{{ task.body }}\" }\n");
    let manifest = world.project().join("dispatch.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    world.write("dispatch.yaml", text.replacen("agents:\n", claude, 1));
    world.task("JOB", "%hang").task("A", "%out hello\n%until ring\n%bell\n%hang\n").task("B", "%hang");
    world.detach("job", "JOB");
    assert!(world.wait_state("job", "JOB", "running").get("activity").is_none());
    // `claude` redraws its screen while it waits: without its hooks only the bell shows that it waits.
    open(&world, "talk2", "A");
    let quiet = world.status("talk2", "A");
    assert_eq!((&quiet["activity"], &quiet["activityReason"]), (&"unknown".into(), &"it starts".into()), "{quiet}");
    world.write("ring", "");
    wait_for(PATIENCE, "its bell is received", || {
        let run = world.status("talk2", "A");
        is(run["activity"] == "waiting", run.to_string())
    });
    // The output may be of another program.
    let pane = open(&world, "talk", "B");
    world.tmux(&["split-window", "-d", "-t", &pane, "sleep", "600"]);
    let shared = wait_activity(&world, "B", "unknown");
    assert_eq!(shared["activityReason"], "its window holds other panes too");
    // A damaged record.
    world.tmux(&["set-option", "-w", "-t", &pane, "@dispatch_bell", "a\nb\tc"]);
    assert_eq!(world.status("talk", "B")["state"], "running");
}

/// The activity of each frame about this task, up to the one of `activity`.
#[track_caller]
fn frames_until(events: &mut Ws, task: &str, activity: &str) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != activity) {
        let frame = events.next_json();
        assert_ne!(frame["event"], "reset");
        if frame["run"]["task"] == task {
            seen.push(frame["run"]["activity"].as_str().unwrap_or("-").to_owned());
        }
    }
    seen
}

#[test]
fn a_change_is_an_event_and_more_output_is_none() {
    let world = World::new();
    let noise = |name: &str| format!("%sh until [ -e {name} ]; do echo more; sleep 0.02; done\n");
    world.task("A", &format!("{}%bell\n%until on\n{}%hang\n", noise("ring"), noise("quiet")));
    let server = world.serve();
    let mut events = server.ws("/api/events");
    let pane = open(&world, "talk", "A");
    frames_until(&mut events, "A", "working");
    // Output in three different seconds, under looks: each had another time.
    let first = seconds(&world, &pane, "#{window_activity}");
    wait_for(PATIENCE, "three seconds of output", || {
        server.get("/status/talk/A");
        is(seconds(&world, &pane, "#{window_activity}") > first + 3, "not yet")
    });
    world.write("ring", "");
    assert_eq!(frames_until(&mut events, "A", "waiting"), ["waiting"], "no event for output");
    world.write("on", "");
    assert_eq!(frames_until(&mut events, "A", "working"), ["working"]);
    assert_eq!(server.get("/api/runs").json()["runs"][0]["activity"], "working");
}
