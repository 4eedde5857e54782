//! What the real `claude` does in a window, as the events for a page report it: working, waiting, idle, ended.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::real_claude::{KEY, Stage};
use crate::server::{Server, Ws};
use crate::waiting::{is, rounds, wait_for};
use crate::world::World;

/// For the agent itself, which is slow to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the agent's tool does: runs until it may go on, with an agent of its own where that is asked.
const TOOL: &str = "touch began\n[ -e nest ] && claude -p nested </dev/null >nested.out 2>&1\nuntil [ -e go ]; do sleep 0.05; done\nrm -f go began nest\n";

/// The run's activity in each event that a page receives.
#[derive(Clone, Debug, Default)]
struct RunEvents(Arc<Mutex<Vec<Value>>>);

impl RunEvents {
    fn listen(server: &Server) -> Self {
        let seen = Self::default();
        let (mut events, list) = (server.ws("/api/events"), Arc::clone(&seen.0));
        std::thread::spawn(move || {
            while let Some(frame) = next(&mut events) {
                if frame["event"] == "run" {
                    list.lock().unwrap().push(frame["run"].clone());
                }
            }
        });
        seen
    }

    fn last(&self) -> Value {
        self.0.lock().unwrap().last().cloned().unwrap_or(Value::Null)
    }

    /// Waits for an event with this activity.
    #[track_caller]
    fn wait_activity(&self, activity: &str) {
        self.wait_one_of(&[activity]);
    }

    #[track_caller]
    fn wait_one_of(&self, activities: &[&str]) {
        wait_for(PATIENCE, &format!("a page receives one of {activities:?}"), || {
            let run = self.last();
            let is_so = activities.iter().any(|activity| run["activity"] == *activity);
            is(is_so, format!("{run}\n{:?}", self.short()))
        });
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// All but the first `count`, as words.
    fn after(&self, count: usize) -> Vec<String> {
        let list = self.0.lock().unwrap();
        list[count..].iter().map(|run| run["activity"].as_str().unwrap_or("-").to_owned()).collect()
    }

    fn short(&self) -> Vec<String> {
        let list = self.0.lock().unwrap();
        let text = |run: &Value| format!("{} {} {}", run["activity"], run["activityReason"], run["activitySource"]);
        list.iter().rev().take(12).map(text).collect()
    }
}

fn next(events: &mut Ws) -> Option<Value> {
    loop {
        match events.0.read().ok()? {
            tungstenite::Message::Text(text) => return serde_json::from_str(&text).ok(),
            tungstenite::Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// The agent in its window.
struct Seat {
    stage: Stage,
    pane: String,
}

impl Seat {
    fn new(stage: Stage, scenario: &str, extras: &str) -> Self {
        stage.dispatch(scenario, &format!("run -q --attach none interactive TASK-1 {extras}")).notes().succeeds();
        let pane = stage.world.panes("#{pane_id}").pop().unwrap();
        Self { stage, pane }
    }

    fn world(&self) -> &World {
        &self.stage.world
    }

    fn screen(&self) -> String {
        self.world().tmux_or_none(&["capture-pane", "-p", "-t", &self.pane]).unwrap_or_default()
    }

    /// When the screen showed it.
    #[track_caller]
    fn shows(&self, text: &str) {
        wait_for(PATIENCE, &format!("the screen shows {text:?}"), || {
            let screen = self.screen();
            is(screen.contains(text), screen)
        });
    }

    #[track_caller]
    fn hides(&self, text: &str) {
        wait_for(PATIENCE, &format!("the screen has no {text:?} any more"), || {
            let screen = self.screen();
            is(!screen.contains(text), screen)
        });
    }

    fn key(&self, key: &str) {
        self.world().tmux(&["send-keys", "-t", &self.pane, key]);
    }

    /// Types a line, and Enter once it stands there.
    fn says(&self, text: &str) {
        self.world().tmux(&["send-keys", "-t", &self.pane, "-l", text]);
        self.shows(text);
        self.key("Enter");
    }

    fn run(&self) -> Value {
        self.stage.status("interactive")
    }

    fn folder(&self) -> PathBuf {
        self.world().run_folder(self.run()["runId"].as_str().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world().project().join(name)
    }

    /// When the tool runs.
    #[track_caller]
    fn tool_began(&self) {
        wait_for(PATIENCE, "the tool runs", || is(self.file("began").exists(), self.screen()));
    }

    fn lets_go(&self) {
        self.world().write("go", "");
    }

    /// Another conversation; gives its id.
    #[track_caller]
    fn clears(&self) -> String {
        let before = self.run()["sessionId"].clone();
        self.says("/clear");
        wait_for(PATIENCE, "there is another conversation", || {
            let run = self.run();
            is(run["sessionId"] != before, run.to_string()).map(|()| run["sessionId"].as_str().unwrap().to_owned())
        })
    }
}

/// One turn with a tool that asks: from the prompt to its end, in one of the ways it may go.
fn turn(seat: &Seat, seen: &RunEvents, round: usize) {
    seat.shows("Do you want to proceed?");
    seen.wait_activity("waiting");
    // Its hook or, where that was lost, its file.
    let run = seen.last();
    let reason = run["activityReason"].as_str().unwrap();
    assert!(["permission (Bash)", "permission"].contains(&reason), "{run}");
    match round % 4 {
        1 => {
            seat.key("Escape");
            seen.wait_activity("idle");
            seat.hides("Do you want to proceed?");
            return;
        }
        3 => _ = seat.world().write("nest", ""),
        _ => {}
    }
    seat.key("Enter");
    seat.tool_began();
    seen.wait_activity("working");
    let began = seen.count();
    if round % 4 == 2 {
        seat.key("Escape");
        seen.wait_activity("idle");
        seat.lets_go();
        wait_for(PATIENCE, "the tool is gone", || {
            let left = seat.world().processes_with("tool.sh");
            is(left.is_empty(), format!("{left:?}"))
        });
        let _ = (fs::remove_file(seat.file("began")), fs::remove_file(seat.file("go")));
        return;
    }
    if round % 4 == 3 {
        let session = seat.run()["sessionId"].clone();
        wait_for(PATIENCE, "the nested agent is done", || {
            let text = fs::read_to_string(seat.file("nested.out")).unwrap_or_default();
            is(text.contains("Hello"), text)
        });
        assert!(seen.after(began).iter().all(|activity| activity == "working"), "{:?}", seen.after(began));
        assert_eq!(seat.run()["sessionId"], session, "the nested one is another");
    }
    seat.lets_go();
    seat.shows("Hello from the stub.");
    seen.wait_activity("idle");
}

#[test]
fn each_change_is_sent_and_none_gets_stuck() {
    let stage = Stage::new();
    stage.world.write("tool.sh", TOOL);
    let server = stage.world.serve();
    let seen = RunEvents::listen(&server);
    let seat = Seat::new(stage, "tool,cmd=sh%20tool.sh", "");
    for round in 0..rounds(50) {
        if round > 0 {
            seat.clears();
            assert_eq!(seen.last()["activity"], "idle", "nothing goes on: {:?}", seen.short());
            seat.says(&format!("round {round}"));
            // It may ask before anybody has seen that it works.
            seen.wait_one_of(&["working", "waiting"]);
        }
        turn(&seat, &seen, round);
        assert_eq!(seat.run()["activity"], "idle");
    }

    // Its hooks are lost from here on: what the last one said must not stand.
    let record = seat.folder().join("agent.json");
    let _ = fs::remove_file(&record);
    fs::create_dir(&record).unwrap();
    let conversation = seat.clears();
    seat.says("once more");
    turn(&seat, &seen, 0);
    assert_eq!(seat.run()["activitySource"], "session");
    let explained = seat.world().dispatch("status interactive TASK-1 --explain").succeeds().text();
    assert!(explained.contains("agent.json") && explained.contains("by session"), "{explained}");
    fs::remove_dir(&record).unwrap();

    // Once more with hooks, and to the end.
    seat.says("and again");
    wait_for(PATIENCE, "the hooks are received again", || {
        let run = seat.run();
        is(run["activity"] == "idle" && run["activitySource"] == "hook", run.to_string())
    });
    seat.says("/exit");
    let ended = seat.world().wait_state("interactive", "TASK-1", "succeeded");
    assert!(ended.get("activity").is_none(), "{ended}");
    assert_eq!(ended["sessionId"], conversation.as_str(), "the newest");
    let resumes = seat.stage.dispatch("text", "run -n --resume interactive TASK-1").succeeds().text();
    assert!(resumes.contains(&format!("--resume {conversation}")), "{resumes}");
    drop(server);
}

#[test]
fn without_hooks_the_session_file_tells() {
    let stage = Stage::new();
    stage.world.write("tool.sh", TOOL);
    let server = stage.world.serve();
    let seen = RunEvents::listen(&server);
    let seat = Seat::new(stage, "tool,cmd=sh%20tool.sh", "-- --settings '{\"disableAllHooks\":true}'");
    turn(&seat, &seen, 0);
    assert_eq!(seat.run()["activitySource"], "session");
    assert!(!seat.folder().join("agent.json").exists());
    let explained = seat.world().dispatch("status interactive TASK-1 --explain").succeeds().text();
    assert!(explained.contains("none has fired yet"), "{explained}");
    drop(server);
}

#[test]
fn a_question_before_the_first_session_is_reported_and_not_answered() {
    let trusted =
        |world: &World| serde_json::json!({ world.project().to_str().unwrap(): { "hasTrustDialogAccepted": true } });
    let approved = serde_json::json!({ "approved": [KEY], "rejected": [] });
    for (dialog, has_trust, has_key) in [("trust dialog", false, true), ("API key dialog", true, false)] {
        let stage = Stage::new();
        let mut config = serde_json::json!({ "hasCompletedOnboarding": true });
        if has_trust {
            config["projects"] = trusted(&stage.world);
        }
        if has_key {
            config["customApiKeyResponses"] = approved.clone();
        }
        fs::write(stage.world.root().join("home/.claude.json"), config.to_string()).unwrap();
        let seat = Seat::new(stage, "text", "");
        let run = wait_for(PATIENCE, dialog, || {
            let run = seat.run();
            is(run["activity"] == "waiting", format!("{run}\n{}", seat.screen())).map(|()| run)
        });
        assert_eq!((&run["activityReason"], &run["activitySource"]), (&dialog.into(), &"screen".into()), "{run}");
        let status = seat.world().dispatch("status interactive TASK-1").succeeds().text();
        assert!(status.contains(&format!("waits for you: {dialog}")) && status.contains("  cure "), "{status}");
        seat.world().dispatch("status").stdout_has(dialog).succeeds();
        let explained = seat.world().dispatch("status interactive TASK-1 --explain").succeeds().text();
        assert!(explained.contains("none has fired yet") && explained.contains("screen"), "{explained}");
        // A person answers.
        let screen = seat.screen();
        let on = screen.lines().find(|line| line.contains('❯')).unwrap_or_default();
        if !on.contains("Yes") {
            let (no, yes) = (screen.find('❯').unwrap(), screen.find("Yes").unwrap());
            seat.key(if yes > no { "Down" } else { "Up" });
            wait_for(PATIENCE, "yes is chosen", || {
                let screen = seat.screen();
                is(screen.lines().any(|line| line.contains('❯') && line.contains("Yes")), screen)
            });
        }
        seat.key("Enter");
        wait_for(PATIENCE, "it has done its first turn", || {
            let run = seat.run();
            is(run["activity"] == "idle", format!("{run}\n{}", seat.screen()))
        });
        seat.world().dispatch("stop interactive TASK-1").notes().succeeds();
        assert_eq!(seat.run()["state"], "stopped");
    }
}
