//! `dispatch event`: the events of an agent's hooks are recorded, of the run's own agent alone; and the
//! settings that an agent in a window is given for that.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fake;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// An agent called `claude` that runs the given scripts one after the other.
struct HookedAgent {
    world: World,
    said: usize,
    run: String,
}

impl HookedAgent {
    /// With `extras` after the pair. Its state folder has a name that a shell would take apart.
    fn new(extras: &[&str]) -> Self {
        let world = World::bare();
        fake::install(&world.root().join("bin"), "claude");
        Self::over(world, extras)
    }

    fn over(world: World, extras: &[&str]) -> Self {
        world.write(
            "dispatch.yaml",
            "version: 1\nsession: world\nstate_dir: \"sta'te $(x) dir\"\ntasks: [{ files: \"tasks/*.md\" }]\nmodes:\n  tell: { interactive: true, prompt: \"{{ task.body }}\" }\n",
        );
        let steps: String = (0..12).map(|n| format!("%until go{n}\n%sh . ./say{n}\n%touch said{n}\n")).collect();
        world.task("T", &format!("{steps}%hang\n"));
        let mut call = world.dispatch("run -q --attach none tell T --");
        for extra in extras {
            call = call.arg(extra);
        }
        call.notes().succeeds();
        let run = world.status("tell", "T")["runId"].as_str().unwrap().to_owned();
        world.agent_ready(&run);
        Self { world, said: 0, run }
    }

    fn folder(&self) -> PathBuf {
        self.world.project().join("sta'te $(x) dir/runs").join(&self.run)
    }

    fn record(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.folder().join("agent.json")).ok()?).ok()
    }

    /// The agent runs `script` in a shell; `exec` makes a program its own child.
    fn does(&mut self, script: &str) {
        let n = self.said;
        self.said += 1;
        self.world.write(format!("say{n}"), script);
        self.world.write(format!("go{n}"), "");
        let said = self.world.project().join(format!("said{n}"));
        wait_until("the agent did it", || is(said.exists(), script));
    }

    fn hook(&self) -> String {
        let settings: Value = serde_json::from_slice(&fs::read(self.folder().join("settings.json")).unwrap()).unwrap();
        settings["hooks"]["Stop"].as_array().unwrap().last().unwrap()["hooks"][0]["command"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Runs the agent's hook with `input` on stdin; gives its output.
    fn sends_event(&mut self, input: impl AsRef<[u8]>) -> String {
        let _ = fs::remove_file(self.world.project().join("printed"));
        self.world.write("input", input);
        let hook = self.hook();
        self.does(&format!("exec < input > printed 2>&1; {hook}"));
        fs::read_to_string(self.world.project().join("printed")).unwrap()
    }
}

fn event(name: &str, more: Value) -> String {
    let mut event = json!({ "session_id": "S-1", "transcript_path": "/t.jsonl", "cwd": "/", "hook_event_name": name });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string()
}

#[test]
fn a_hook_records_the_agents_event() {
    let mut agent = HookedAgent::new(&[]);
    let settings = agent.folder().join("settings.json");
    assert_eq!(fs::metadata(&settings).unwrap().permissions().mode() & 0o777, 0o600);
    let words = agent.world.saw_words(&agent.run, "argv");
    assert!(words.windows(2).any(|pair| pair[0] == "--settings" && pair[1] == settings.to_str().unwrap()), "{words:?}");
    assert_eq!(agent.record(), None);
    let printed = agent.sends_event(event("PermissionRequest", json!({ "tool_name": "Bash" })));
    assert_eq!(printed, "");
    let record = agent.record().unwrap();
    assert_eq!((&record["state"], &record["reason"]), (&"waiting".into(), &"permission (Bash)".into()), "{record}");
    assert_eq!((&record["sessionId"], &record["transcript"]), (&"S-1".into(), &"/t.jsonl".into()), "{record}");
    assert_eq!(record["pid"], agent.world.status("tell", "T")["pid"], "{record}");
    // As much as a tool may be given.
    let large = event("PreToolUse", json!({ "tool_input": "x".repeat(8 << 20), "tool_name": "Write" }));
    assert_eq!(agent.sends_event(large), "");
    assert_eq!(agent.record().unwrap()["reason"], "it uses Write");
}

#[test]
fn a_script_in_the_window_may_have_started_the_agent() {
    let world = World::bare();
    world.shadow("claude", "#!/bin/sh\nfake \"$@\"\n");
    let mut agent = HookedAgent::over(world, &[]);
    agent.sends_event(event("Stop", json!({})));
    let record = agent.record().unwrap();
    let window = agent.world.status("tell", "T")["pid"].clone();
    assert_eq!(record["state"], "idle");
    assert_ne!(record["pid"], window, "it is the script's child");
    assert_eq!(agent.world.status("tell", "T")["activity"], "idle");
}

#[test]
fn what_is_no_event_of_the_runs_own_agent_changes_nothing() {
    let mut agent = HookedAgent::new(&[]);
    agent.sends_event(event("Stop", json!({})));
    let before = agent.record().unwrap();
    assert_eq!(before["state"], "idle");
    let asks = event("PermissionRequest", json!({ "tool_name": "Bash" }));
    let deep = format!("{}1", "[".repeat(200_000));
    let cut = &asks[..asks.len() - 1];
    for garbage in [&b"\xff\xfe\0garbage"[..], b"", b"[]", deep.as_bytes(), cut.as_bytes()] {
        assert_eq!(agent.sends_event(garbage), "");
    }
    // A stranger, and what the agent itself started: a tool, or an agent with settings of its own.
    let folder = agent.folder();
    let call = || agent.world.dispatch("event").stdin(asks.clone());
    call().arg(&folder).stdout_is("").succeeds();
    call().arg(&folder).env("CLAUDE_PID", before["pid"].to_string()).stdout_is("").succeeds();
    call().arg(folder.with_file_name("01ARZ3NDEKTSV4RRFFQ69G5FAV")).stdout_is("").succeeds();
    call().arg("/nowhere/at/all").stdout_is("").succeeds();
    agent.world.write("input", &asks);
    agent.world.write("hook", agent.hook());
    let nested = "CLAUDE_PID=$$; export CLAUDE_PID; (exec < input; . ./hook); touch tried";
    let settings = agent.folder().join("settings.json");
    for words in ["", "--settings", settings.to_str().unwrap()] {
        let tried = agent.world.project().join("tried");
        let _ = fs::remove_file(&tried);
        agent.world.write("nested", nested);
        agent.does(&format!("sh ./nested --settings \"{words}\""));
        assert!(tried.exists());
    }
    assert_eq!(agent.record().unwrap(), before);
    // It is no command that anybody is shown, and no task has such a name.
    agent.world.dispatch("event T").any_stderr().fails_with(2);
    assert!(!agent.world.dispatch("--help").succeeds().text().contains("event"));
    assert!(!folder.with_file_name("01ARZ3NDEKTSV4RRFFQ69G5FAV").exists());
}

#[test]
fn the_users_own_settings_hold_beside_the_hooks_and_broken_ones_are_left_alone() {
    let own = r#"{"model":"m","hooks":{"Stop":[{"hooks":[{"type":"command","command":"mine"}]}]}}"#;
    let agent = HookedAgent::new(&["--settings", own]);
    let settings: Value = serde_json::from_slice(&fs::read(agent.folder().join("settings.json")).unwrap()).unwrap();
    assert_eq!(
        (&settings["model"], &settings["hooks"]["Stop"][0]["hooks"][0]["command"]),
        (&"m".into(), &"mine".into())
    );
    let words = agent.world.saw_words(&agent.run, "argv");
    assert_eq!(words.iter().filter(|word| word.starts_with("--settings")).count(), 1, "{words:?}");
    assert!(!words.iter().any(|word| word.contains("mine")), "{words:?}");
    agent.world.dispatch("stop tell T").notes().succeeds();
    assert!(!agent.folder().join("settings.json").exists(), "they may hold secrets");

    let agent = HookedAgent::new(&["--settings=no-such.json"]);
    let words = agent.world.saw_words(&agent.run, "argv");
    assert!(words.contains(&"--settings=no-such.json".to_owned()), "{words:?}");
    assert!(!agent.folder().join("settings.json").exists());
    agent.world.dispatch("status tell T --explain").stdout_has("none: its own settings cannot be read").succeeds();
    let shown = agent.world.dispatch("render tell T -- --settings=no-such.json").succeeds().text();
    assert!(shown.contains("--settings=no-such.json") && !shown.contains("<settings"), "{shown}");
    let shown = agent.world.dispatch("render tell T").succeeds().text();
    assert!(shown.contains("'<settings file>'"), "{shown}");
}

#[test]
fn another_kind_of_run_is_given_no_hooks() {
    let world = World::bare();
    fake::install(&world.root().join("bin"), "claude");
    let text = "agents:\n  plain: { interactive: [claude], protocol: text }\n  wrapped: { interactive: [env, claude], protocol: claude }\n";
    let modes = "modes:\n  plain: { agent: plain, interactive: true, prompt: x }\n  wrapped: { agent: wrapped, interactive: true, prompt: x }\n  job: { prompt: x }\n";
    world.write(
        "dispatch.yaml",
        format!("version: 1\nsession: world\ntasks: [{{ list: [{{ id: T }}] }}]\n{text}{modes}"),
    );
    for mode in ["plain", "wrapped", "job"] {
        let shown = world.dispatch("render").arg(mode).arg("T").succeeds().text();
        assert!(!shown.contains("--settings"), "{shown}");
    }
    world.dispatch("run -q --attach none wrapped T").notes().succeeds();
    let run = world.wait_state("wrapped", "T", "succeeded")["runId"].as_str().unwrap().to_owned();
    assert!(!world.saw_words(&run, "argv").iter().any(|word| word == "--settings"));
    assert!(!world.run_folder(&run).join("settings.json").exists());
}
