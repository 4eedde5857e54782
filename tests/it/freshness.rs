//! `sources` and `generates`: a run that would do the same again is skipped, and no other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::random::Random;
use crate::waiting::rounds;
use crate::world::World;

const MODES: &str = r#"  made:
    agent: own
    template: made.md
    sources: ["src/**/*.txt", "src/{{ task.id }}/extra"]
    generates: ["out.txt"]
  user: { agent: fake, prompt: "%out user", needs: [made] }
  report: { agent: fake, prompt: "%sh cat out.txt >report", needs: [made], sources: [out.txt], generates: [report] }
"#;

/// An agent that is a program of its own, so that it can be another one.
fn world() -> World {
    let world = World::with(MODES);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let own = "agents:\n  own: { headless: [./agent.sh], prompt: { headless: stdin }, protocol: text }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", own, 1));
    agent(&world, "");
    world.write("src/a.txt", "a");
    world.write("src/deep/b.txt", "b");
    world.write("src/not-a-source", "x");
    world.write("made.md", "%sh cat src/*.txt >out.txt\n%sh test ! -e bad || kill -KILL $PPID\n");
    world.task("T", "x");
    world
}

fn agent(world: &World, more: &str) {
    let path = world.write("agent.sh.new", format!("#!/bin/sh\n{more}exec fake \"$@\"\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(path, world.project().join("agent.sh")).unwrap();
}

/// Whether `run` skipped it; it prints the reason and starts nothing.
fn skips(world: &World, words: &str) -> bool {
    let before = world.starts().len();
    let ended = world.dispatch("--json").words(words).notes().succeeds();
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let skipped = answer["state"] == "skipped";
    assert_eq!(world.starts().len(), before + usize::from(!skipped), "{answer}");
    assert!(skipped || answer["state"] == "succeeded", "{answer}");
    skipped
}

fn runs_once_then_skips(world: &World, why: &str) {
    assert!(!skips(world, "run made T"), "a false skip: {why}");
    assert!(skips(world, "run made T"), "not skipped after it ran: {why}");
}

#[test]
fn nothing_changed_is_skipped_and_says_why() {
    let world = world();
    world.dispatch("run -q made T").notes().succeeds();
    let first = world.status("made", "T")["runId"].as_str().unwrap().to_owned();
    world.dispatch("run made T").stderr_has("skipped: up to date").stderr_has(&first).fails_with(0);
    let answer = world.dispatch("run made T").notes().json();
    assert_eq!((&answer["state"], &answer["lastRun"]), (&"skipped".into(), &first.as_str().into()), "{answer}");
    assert_eq!(answer["reason"], "up to date");
    assert_eq!(world.history().len(), 1, "a skip makes no run");
    world.dispatch("run -d made T").stderr_has("up to date").fails_with(0);
    assert_eq!(world.starts().len(), 1);
    world.dispatch("run -q -B made T").notes().succeeds();
    assert_eq!(world.starts().len(), 2);
    assert!(skips(&world, "run made T"));
}

#[test]
fn whatever_decides_it_has_it_run_again() {
    let world = world();
    runs_once_then_skips(&world, "never run");
    world.write("src/a.txt", "b");
    runs_once_then_skips(&world, "one byte of a source");
    world.write("src/deep/more/c.txt", "");
    runs_once_then_skips(&world, "a new source");
    fs::remove_file(world.project().join("src/deep/b.txt")).unwrap();
    runs_once_then_skips(&world, "a source is gone");
    fs::rename(world.project().join("src/a.txt"), world.project().join("src/z.txt")).unwrap();
    runs_once_then_skips(&world, "a source has another name");
    world.write("src/T/extra", "");
    runs_once_then_skips(&world, "a source by the task's id");
    fs::remove_file(world.project().join("out.txt")).unwrap();
    runs_once_then_skips(&world, "an output is gone");
    let template = fs::read_to_string(world.project().join("made.md")).unwrap();
    world.write("made.md", format!("{template}."));
    runs_once_then_skips(&world, "one byte of the template");
    agent(&world, "# changed\n");
    runs_once_then_skips(&world, "the agent's program");
    assert!(!skips(&world, "run made T -- --extra"), "an argument");
    assert!(skips(&world, "run made T -- --extra"));
    assert!(!skips(&world, "run made T"), "no argument any more");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("template: made.md", "template: made.md\n    flags: [--flag]"));
    runs_once_then_skips(&world, "a flag of the mode");
    assert!(!skips(&world, "run made T --prompt 'and more'"), "a prompt");
    assert!(!skips(&world, "run made T"), "no prompt any more");
    // None of these decides anything.
    world.write("src/not-a-source", "y");
    world.write("out.txt", "by hand");
    world.helper("touch", &["-d", "2001-01-01", "src/z.txt"]);
    assert!(skips(&world, "run made T"));
}

#[test]
fn sources_that_the_agent_itself_changed_are_never_a_skip() {
    let world = world();
    for script in ["echo x >>src/a.txt", "echo x >src/new.txt", "rm -f src/deep/b.txt"] {
        let world = self::world();
        world.write("made.md", format!("%sh {script}\n%touch out.txt\n"));
        assert!(!skips(&world, "run made T"));
        assert!(!skips(&world, "run made T"), "a false skip after `{script}`");
    }
    // A source that another program changes while the agent runs.
    world.write("made.md", "%touch here\n%until go\n%touch out.txt\n");
    let call = world.dispatch("run -q made T").start();
    crate::waiting::wait_until("it runs", || crate::waiting::is(world.project().join("here").exists(), "no"));
    world.write("src/a.txt", "meanwhile");
    world.write("go", "");
    call.ends_with(0);
    assert!(!skips(&world, "run made T"));
    assert!(skips(&world, "run made T"));
}

#[test]
fn a_failure_after_a_success_runs_again() {
    let world = world();
    runs_once_then_skips(&world, "never run");
    world.write("bad", "");
    world.dispatch("run -q -B made T").any_stderr().fails_with(137);
    fs::remove_file(world.project().join("bad")).unwrap();
    runs_once_then_skips(&world, "its last run failed");
    // A success that is not recorded as such counts for nothing.
    let run = world.status("made", "T")["runId"].as_str().unwrap().to_owned();
    fs::write(world.run_folder(&run).join("fresh.json"), "{").unwrap();
    runs_once_then_skips(&world, "its record is damaged");
}

#[test]
fn a_need_that_is_stale_runs_and_one_that_is_fresh_does_not() {
    let world = world();
    let tasks = || world.starts().len();
    world.dispatch("run -q user T").notes().succeeds();
    assert_eq!(tasks(), 2);
    world.dispatch("run -q user T").notes().succeeds();
    assert_eq!(tasks(), 3);
    world.write("src/a.txt", "changed");
    world.dispatch("run -q user T").notes().succeeds();
    assert_eq!(tasks(), 5);
}

#[test]
fn sources_that_match_nothing_are_in_doubt() {
    let world = world();
    fs::remove_dir_all(world.project().join("src")).unwrap();
    world.write("made.md", "%touch out.txt\n");
    for _ in 0..2 {
        assert!(!skips(&world, "run made T"));
    }
}

/// What decides the run, as the test knows it.
type Inputs = BTreeMap<String, String>;

#[test]
fn after_random_edits_it_is_skipped_exactly_when_all_is_as_it_was() {
    let world = world();
    // The output is made whatever the sources are.
    let template = |word: &str| world.write("made.md", format!("%touch out.txt\n{word}\n"));
    let mut random = Random::new();
    let mut now = Inputs::new();
    for (name, text) in [("src/a.txt", "a"), ("src/deep/b.txt", "b")] {
        now.insert(name.to_owned(), text.to_owned());
    }
    now.insert("template".to_owned(), "0".to_owned());
    template("0");
    let mut last: Option<Inputs> = None;
    let (mut skipped, all) = (0, rounds(300));
    for round in 0..all {
        for _ in 0..random.below(3) {
            let name = ["src/a.txt", "src/deep/b.txt", "src/c.txt", "template", "out"][random.below(5)];
            let text = ["0", "1"][random.below(2)];
            match name {
                "template" => {
                    template(text);
                    now.insert(name.to_owned(), text.to_owned());
                }
                "out" => {
                    let _ = fs::remove_file(world.project().join("out.txt"));
                }
                _ if random.below(3) == 0 => {
                    let _ = fs::remove_file(world.project().join(name));
                    now.remove(name);
                }
                _ => {
                    world.write(name, text);
                    now.insert(name.to_owned(), text.to_owned());
                }
            }
        }
        let same = last.as_ref() == Some(&now) && world.project().join("out.txt").exists() && now.len() > 1;
        assert_eq!(skips(&world, "run made T"), same, "seed {}, round {round}: {now:?} after {last:?}", random.seed);
        skipped += usize::from(same);
        last = Some(now.clone());
    }
    assert!(skipped > 0 && skipped < all, "{skipped} of {all}");
}

#[test]
fn what_a_need_is_about_to_make_is_not_taken_for_unchanged() {
    let world = world();
    world.dispatch("run report T").any_stderr().succeeds();
    assert!(skips(&world, "run report T"));
    world.write("src/a.txt", "changed");
    world.dispatch("run report T").any_stderr().succeeds();
    let report = fs::read_to_string(world.project().join("report")).unwrap();
    assert!(report.contains("changed"), "{report}");
}
