//! `run --resume`: another run goes on in the conversation of the pair's last one.

use rustix::process::Signal;
use serde_json::Value;

use crate::world::{World, kill};

const MODES: &str = r#"  talks: { agent: speaks, interactive: true, prompt: "%hang" }
  asks: { agent: speaks, prompt: "{{ task.body }}" }
  deep: { agent: speaks, cwd: deep, prompt: "%until go" }
"#;

/// An agent that is started as `claude` is.
fn world() -> World {
    let world = World::with(MODES);
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { interactive: [fake], headless: [fake], prompt: { interactive: arg, headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world.task("T", "%hang\n");
    world
}

/// The word after `flag` in what the run's agent was started with.
fn given(world: &World, run: &str, flag: &str) -> Option<String> {
    let words = world.saw_words(run, "argv");
    words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone())
}

fn id(run: &Value) -> String {
    run["runId"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

#[test]
fn it_goes_on_where_the_last_run_that_started_was() {
    let world = world();
    let first = world.detach("talks", "T");
    let session = given(&world, &first, "--session-id").unwrap();
    world.dispatch("stop talks T").notes().succeeds();
    world.dispatch("status talks T").stdout_has("dispatch run --resume talks T").succeeds();
    world.dispatch("run --resume -q --attach none talks T").notes().succeeds();
    // Without a prompt the stand-in has nothing to do.
    let second = id(&world.wait_state("talks", "T", "succeeded"));
    assert_eq!(given(&world, &second, "--resume").as_ref(), Some(&session));
    assert_eq!(given(&world, &second, "--session-id"), None);
    let words = world.saw_words(&second, "argv");
    assert!(!words.iter().any(|word| word.contains("%hang")), "the prompt is not said again: {words:?}");
    assert_eq!(world.status("talks", "T")["sessionId"], session.as_str());
    // Again, from one that resumed itself, and with something to say.
    world.dispatch("run --resume -q --attach none talks T --prompt '%hang now'").notes().succeeds();
    let third = id(&world.wait_state("talks", "T", "running"));
    assert_eq!(given(&world, &third, "--resume").as_ref(), Some(&session));
    assert!(world.saw_words(&third, "argv").contains(&"%hang now".to_owned()));
    assert_ne!(second, third);
}

#[test]
fn it_is_offered_for_a_window_that_was_cut_off_and_joins_one_that_is_open() {
    let world = world();
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("{manifest}runs: [{{ mode: talks, tasks: [T] }}]\n"));
    world.dispatch("up").notes().succeeds();
    let run = world.status("talks", "T")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    world.dispatch("run --resume --attach none talks T").stderr_has(&run).fails_with(0);
    world.dispatch("plan").notes().succeeds();
    let offer = "dispatch run --resume talks T";
    assert!(!world.dispatch("plan").notes().succeeds().stderr.contains(offer), "it is open");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    world.dispatch("plan").stderr_has(offer).fails_with(0);
    world.dispatch("up").stderr_has(offer).fails_with(0);
    assert_eq!(world.status("talks", "T")["state"], "lost", "`restart: never` leaves it to a person");
    // A job that was stopped is no window, and one that ended well needs no offer.
    let job = world.detach("asks", "T");
    world.agent_ready(&job);
    world.dispatch("stop asks T").notes().succeeds();
    assert!(!world.dispatch("status asks T").succeeds().text().contains("--resume"));
}

#[test]
fn what_never_started_has_no_conversation() {
    let world = world();
    world
        .dispatch("run --resume asks T")
        .stderr_has("`asks T` has no conversation to resume")
        .stderr_has("hint:")
        .fails_with(1);
    let first = world.detach("asks", "T");
    let session = given(&world, &first, "--session-id").unwrap();
    world.dispatch("stop asks T").notes().succeeds();
    // One that was taken out of the queue is no conversation either.
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("{manifest}jobs: 1\n"));
    world.task("BUSY", "%until go\n");
    world.detach("job", "BUSY");
    world.detach("asks", "T");
    world.dispatch("stop asks T").notes().succeeds();
    world.write("go", "");
    world.dispatch("wait job BUSY").notes().succeeds();
    let again = world.dispatch("run -d --resume asks T --prompt '%hang'").notes().json();
    let run = id(&again["runs"][0]);
    assert_eq!(given(&world, &run, "--resume"), Some(session));
    assert_eq!(String::from_utf8(world.saw(&run, "stdin")).unwrap().trim_end(), "%hang");
}

#[test]
fn a_conversation_whose_worktree_was_removed_names_the_command_that_makes_it_again() {
    let world = world();
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let worktree = "worktree: { path: \"../trees/{{ task.id }}\", create: true }\n";
    world.write("dispatch.yaml", format!("{manifest}{worktree}"));
    world.task("T", "%exit 0").git_init();
    let first = world.detach("asks", "T");
    world.dispatch("wait asks T").any_stderr().ends_somehow();
    world.dispatch("clean T").stdout_has("deleted branch").succeeds();
    let resume = format!("run --resume={first} -q --attach none talks T");
    let new = "hint: to begin a new conversation: dispatch run talks T";
    let ended = world.dispatch(&resume).stderr_has(&first).stderr_has(new).fails_with(2);
    let make = ended.stderr.lines().find_map(|line| line.strip_prefix("hint: to go on, make the folder again: "));
    world.helper("sh", &["-c", make.unwrap_or_else(|| panic!("{}", ended.stderr))]);
    world.dispatch(&resume).words("--prompt %hang").notes().succeeds();
    let second = id(&world.wait_state("talks", "T", "running"));
    assert_eq!(given(&world, &second, "--resume"), given(&world, &first, "--session-id"));
}

#[test]
fn any_ended_runs_conversation_goes_on_in_its_own_folder() {
    let world = world();
    world.write("deep/file", "");
    world.task("U", "");
    let first = world.detach("deep", "T");
    let session = given(&world, &first, "--session-id").unwrap();
    let resume = format!("run --resume={first} -q --attach none talks");
    let words = "is still active, so its conversation cannot be resumed";
    world.dispatch(&resume).arg("T").stderr_has(&first).stderr_has(words).fails_with(1);
    world.write("deep/go", "");
    world.dispatch("wait deep T").any_stderr().fails_with(1);
    world.dispatch(&resume).words("T U").stderr_has("only one run").fails_with(2);
    // Into a mode, and onto a task, that it was not of.
    world.dispatch(&resume).words("U --prompt %hang").notes().succeeds();
    let second = id(&world.wait_state("talks", "U", "running"));
    assert_eq!(given(&world, &second, "--resume"), Some(session));
    let cwd = String::from_utf8(world.saw(&second, "cwd")).unwrap();
    assert_eq!(cwd, world.project().join("deep").to_str().unwrap());
    // Again: it is joined. Plain `--resume` means its own last one.
    world.dispatch(&resume).arg("U").notes().succeeds();
    world.dispatch("run --resume -q --attach none talks U").notes().succeeds();
}

#[test]
fn an_agent_without_conversations_is_reported() {
    let world = World::new();
    world.task("T", "%out x\n");
    world.dispatch("run -q job T").notes().succeeds();
    world.dispatch("run --resume job T").stderr_has("job").any_stderr().ends_somehow();
    assert_eq!(world.starts().len(), 1);
}
