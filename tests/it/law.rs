//! After `up`, `plan` has nothing left to do. On a real tmux server that is left as each
//! input leaves it.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rustix::process::Signal;

use crate::waiting::{is, rounds, wait_until};
use crate::wanted::{actions, steps};
use crate::world::{BASE, World, alive, kill};

const MODES: &str = r#"  brief: { agent: fake, prompt: "{{ task.body }}", timeout: 200ms }
  lint: { agent: fake, prompt: "{{ task.body }}" }
  review: { agent: fake, prompt: "{{ task.body }}", needs: [lint] }
  asked: { agent: fake, prompt: "{{ task.body }}", gate: approve }
  gone: { interactive: true, agent: fake, prompt: "{{ task.body }}", cleanup_on_exit: true }
jobs: 2
"#;
const ALL: [&str; 7] = ["job", "talk", "brief", "lint", "review", "asked", "gone"];
const TASKS: [(&str, &str); 5] =
    [("FAILS", "%exit 3"), ("DIES", "%signal 9"), ("ENDS", "%exit 0"), ("STAYS", "%hang"), ("ALSO", "%hang")];
/// Those of which an end is no reason to start them again.
const CALM: [&str; 3] = ["ENDS", "STAYS", "ALSO"];

/// Something that happened before.
#[derive(Clone, Copy, Debug)]
enum Before {
    Run(usize, usize),
    Stop(usize, usize),
    Approve(usize, bool),
    CloseWindow(usize),
    RenameWindow(usize),
    KillAgent(usize),
    KillSupervisor(usize),
    KillServer,
    Up,
    Down,
}

/// An entry of `runs:`.
#[derive(Clone, Debug)]
enum Entry {
    Ids(usize, BTreeSet<usize>),
    Again(usize, BTreeSet<usize>),
    Selected(usize),
}

fn before() -> impl Strategy<Value = Before> {
    let pair = || (0..ALL.len(), 0..TASKS.len());
    prop_oneof![
        6 => pair().prop_map(|(mode, task)| Before::Run(mode, task)),
        2 => pair().prop_map(|(mode, task)| Before::Stop(mode, task)),
        1 => (0..TASKS.len(), any::<bool>()).prop_map(|(task, yes)| Before::Approve(task, yes)),
        2 => any::<usize>().prop_map(Before::CloseWindow),
        1 => any::<usize>().prop_map(Before::RenameWindow),
        2 => any::<usize>().prop_map(Before::KillAgent),
        2 => any::<usize>().prop_map(Before::KillSupervisor),
        1 => Just(Before::KillServer),
        2 => Just(Before::Up),
        1 => Just(Before::Down),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let some = |count| proptest::collection::btree_set(0..count, 0..4);
    prop_oneof![
        (0..ALL.len(), some(TASKS.len())).prop_map(|(mode, tasks)| Entry::Ids(mode, tasks)),
        (0..ALL.len(), some(CALM.len())).prop_map(|(mode, tasks)| Entry::Again(mode, tasks)),
        (0..ALL.len()).prop_map(Entry::Selected),
    ]
}

/// The manifest. A pair that two entries would name goes to the first.
fn manifest(entries: &[Entry]) -> String {
    let mut text = format!("{BASE}{MODES}runs:\n");
    let mut named = BTreeSet::new();
    for entry in entries {
        let (mode, tasks, restart) = match entry {
            Entry::Ids(mode, tasks) => (ALL[*mode], tasks.iter().map(|task| TASKS[*task].0).collect(), "never"),
            Entry::Again(mode, tasks) => {
                let tasks: Vec<&str> = tasks.iter().map(|task| CALM[*task]).collect();
                // What a timeout ends would fail again and again; of windows only what stays.
                match ALL[*mode] {
                    "brief" => (ALL[*mode], tasks, "never"),
                    "talk" | "gone" => {
                        (ALL[*mode], tasks.into_iter().filter(|task| *task != "ENDS").collect(), "always")
                    }
                    mode => (mode, tasks, "on_failure"),
                }
            }
            Entry::Selected(mode) => {
                text.push_str(&format!("  - {{ mode: {}, tasks: {{ tag: core }} }}\n", ALL[*mode]));
                continue;
            }
        };
        let tasks: Vec<&str> = tasks.into_iter().filter(|task| named.insert((mode, *task))).collect();
        text.push_str(&format!("  - {{ mode: {mode}, tasks: [{}], restart: {restart} }}\n", tasks.join(", ")));
    }
    if entries.is_empty() { text.replace("runs:\n", "runs: []\n") } else { text }
}

fn happen(world: &World, before: Before) {
    let any = |words: String| drop(world.dispatch(&words).ends_somehow());
    match before {
        Before::Run(mode, task) => any(format!("run -d -q --attach none {} {}", ALL[mode], TASKS[task].0)),
        Before::Stop(mode, task) => any(format!("stop {} {}", ALL[mode], TASKS[task].0)),
        Before::Approve(task, true) => any(format!("approve asked {}", TASKS[task].0)),
        Before::Approve(task, false) => any(format!("approve --reject asked {}", TASKS[task].0)),
        Before::Up => any("up --prune".to_owned()),
        Before::Down => any("down".to_owned()),
        Before::CloseWindow(n) => on_pane(world, n, &["kill-pane"]),
        Before::RenameWindow(n) => on_pane(world, n, &["rename-window", "mine now"]),
        Before::KillAgent(n) => {
            let living: Vec<i32> =
                world.starts().iter().map(|note| note.pid).filter(|pid| is_agent(world, *pid)).collect();
            if !living.is_empty() {
                kill_and_see(living[n % living.len()]);
            }
        }
        Before::KillSupervisor(n) => {
            let supervisors: Vec<i32> = world
                .processes()
                .iter()
                .filter(|(_, line)| line.contains("__supervise"))
                .map(|(pid, _)| *pid)
                .collect();
            if !supervisors.is_empty() {
                kill_and_see(supervisors[n % supervisors.len()]);
            }
        }
        Before::KillServer => {
            if let Some(pid) = world.tmux_server_pid() {
                kill_and_see(pid);
            }
        }
    }
}

/// Numbers come again: it must still be an agent of this world.
fn is_agent(world: &World, pid: i32) -> bool {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe"));
    exe.is_ok_and(|exe| exe.starts_with(world.root())) && alive(pid)
}

fn kill_and_see(pid: i32) {
    kill(pid, Signal::KILL);
    wait_until("what was killed is dead", || is(!alive(pid), pid.to_string()));
}

fn on_pane(world: &World, n: usize, command: &[&str]) {
    let panes = world.panes("#{pane_id} #{pane_start_command}");
    let ours: Vec<&str> =
        panes.iter().filter(|row| row.contains("__exec")).filter_map(|row| row.split(' ').next()).collect();
    if ours.is_empty() {
        return;
    }
    let mut words = vec![command[0], "-t", ours[n % ours.len()]];
    words.extend(&command[1..]);
    // It may have gone meanwhile.
    let _ = world.tmux_or_none(&words);
}

fn input() -> impl Strategy<Value = (Vec<Before>, Vec<Entry>, bool, bool)> {
    let befores = proptest::collection::vec(before(), 0..8);
    let entries = proptest::collection::vec(entry(), 0..5);
    (befores, entries, any::<bool>(), any::<bool>())
}

#[test]
fn after_up_nothing_is_left_to_do() {
    let world = World::with("");
    for (n, (task, body)) in TASKS.iter().enumerate() {
        let tag = if n % 2 == 0 { "core" } else { "other" };
        world.write(format!("tasks/{task}.md"), format!("---\nstatus: todo\ntags: [{tag}]\n---\n\n{body}"));
    }
    let config = Config {
        cases: u32::try_from(rounds(200)).unwrap(),
        // What an input meets is what those before it left: alone it would be another.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    // A law that was never put to the test would hold as well.
    let (acted, looked) = (Cell::new(0), Cell::new(0));
    let result = TestRunner::new(config).run(&input(), |(befores, entries, prune, recreate)| {
        world.write("dispatch.yaml", manifest(&entries));
        // Tasks come and go: else all that is ever wanted has been run after a few inputs.
        let n: usize = looked.get();
        world.write(format!("tasks/NEW-{n}.md"), "---\nstatus: todo\ntags: [core]\n---\n\n%exit 0");
        if let Some(old) = n.checked_sub(2) {
            std::fs::remove_file(world.project().join(format!("tasks/NEW-{old}.md"))).unwrap();
        }
        for before in &befores {
            happen(&world, *before);
        }
        let words = format!("{}{}", if prune { " --prune" } else { "" }, if recreate { " --recreate" } else { "" });
        let planned = world.dispatch(&format!("plan{words} --json")).ends_somehow();
        let up = world.dispatch(&format!("up{words} --json")).ends_somehow();
        let after = world.dispatch(&format!("plan{words} --json")).ends_somehow();
        let shown = || {
            format!(
                "entries {entries:?}\nbefore {befores:?}\nplan {}{}\nup {}{}\nplan {}{}",
                planned.text(),
                planned.stderr,
                up.text(),
                up.stderr,
                after.text(),
                after.stderr
            )
        };
        let changes: serde_json::Value = serde_json::from_slice(&up.stdout).unwrap_or_default();
        looked.set(looked.get() + 1);
        acted.set(acted.get() + usize::from(changes["changes"] != 0));
        let left: serde_json::Value = serde_json::from_slice(&after.stdout).unwrap_or_default();
        if planned.code != 0 || up.code != 0 || after.code != 0 || left["changes"] != 0 {
            return Err(TestCaseError::fail(shown()));
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (acted, looked) = (acted.get(), looked.get());
    assert!(acted * 3 > looked, "only {acted} of {looked} inputs had something to do");
    world.dispatch("stop --all").within(std::time::Duration::from_secs(120)).any_stderr().ends_somehow();
}

#[test]
fn a_tmux_that_does_not_answer_leads_to_no_action() {
    let world = World::with("jobs: 2\nruns:\n  - { mode: talk, tasks: [A, B, C], restart: always }\n");
    for task in ["A", "B", "C"] {
        world.task(task, "%hang");
    }
    world.dispatch("up").notes().succeeds();
    world.dispatch("stop talk C").notes().succeeds();
    wait_until("three agents began", || is(world.starts().len() == 3, format!("{:?}", world.starts())));
    // Wanted no more, and B drifts: still nothing may be done about what is not seen.
    let text = format!("{BASE}runs:\n  - {{ mode: talk, tasks: [B], restart: always }}\n");
    world.write("dispatch.yaml", text);
    world.task("B", "%hang\nmore");
    let panes = world.panes("#{pane_id} #{pane_pid}");
    let server = world.tmux_server_pid().unwrap();
    kill(server, Signal::STOP);
    let ups = ["up --json", "up --prune --json", "up --recreate --prune --json"];
    let calls = ups.map(|words| world.dispatch(words).any_stderr().start());
    let answers = calls.map(crate::command::Started::ends);
    kill(server, Signal::CONT);
    for answer in answers {
        let report: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!(report["changes"], 0, "{report}\n{}", answer.stderr);
        let said = actions(&report);
        assert!(said.len() == 2 && said.values().all(|said| said.starts_with("unknown")), "{said:?}");
    }
    assert_eq!(world.starts().len(), 3);
    assert_eq!(panes, world.panes("#{pane_id} #{pane_pid}"));
    wait_until("they are seen again", || {
        let said = steps(&world, "plan");
        is(said["talk B"].starts_with("drifted") && said["talk A"].starts_with("orphan"), format!("{said:?}"))
    });
}

/// Damage to a text: at which character, what.
fn damage() -> impl Strategy<Value = (usize, Option<char>)> {
    let other = proptest::option::of(prop_oneof![
        any::<char>(),
        proptest::sample::select(vec!['{', '[', ':', '\n', ' ', '-', '"'])
    ]);
    (any::<usize>(), other)
}

#[test]
fn plan_never_panics_whatever_the_manifest_and_the_tasks_say() {
    let world = World::with("");
    let whole = manifest(&[Entry::Ids(1, [0, 1].into()), Entry::Again(4, [0, 1].into()), Entry::Selected(0)]);
    let task = "---\nstatus: todo\ntags: [core]\ndepends_on: [STAYS]\n---\n\n%hang";
    world.task("STAYS", "%hang").task("FAILS", "%exit 3");
    let config = Config { cases: u32::try_from(rounds(200)).unwrap(), failure_persistence: None, ..Config::default() };
    let damages = || proptest::collection::vec(damage(), 0..4);
    let result = TestRunner::new(config).run(&(damages(), damages()), |(of_manifest, of_task)| {
        world.write("dispatch.yaml", damaged(&whole, &of_manifest));
        world.write("tasks/ENDS.md", damaged(task, &of_task));
        let plan = world.dispatch("plan").ends_somehow();
        prop_assert!(matches!(plan.code, 0 | 2), "exit code {}\n{}", plan.code, plan.stderr);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(!world.state().exists() && world.starts().is_empty());
}

fn damaged(text: &str, damages: &[(usize, Option<char>)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (at, what) in damages {
        let at = at % text.len();
        match what {
            Some(what) => text[at] = *what,
            None => drop(text.drain(at..(at + 5).min(text.len()))),
        }
    }
    text.into_iter().collect()
}
