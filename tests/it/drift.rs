//! Drift: each key of the manifest that shapes a run is compared with what the run was started with,
//! or listed here as one that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::up::ready;
use crate::wanted::{is_empty, steps};
use crate::world::World;

/// Keys of a mode: as they were when the run was started, as they are now, and the reason in `plan`.
const MODE_KEYS: &[(&str, &str, &str, &str)] = &[
    ("interactive", "interactive: false", "interactive: true", "interactive"),
    ("template", "template: one.md", "template: two.md", "prompt"),
    ("prompt", "prompt: \"{{ task.body }}\"", "prompt: \"{{ task.body }}\\nmore\"", "prompt"),
    ("flags", "flags: [--one]", "flags: [--two]", "argv"),
    ("save_to", "save_to: one.md", "save_to: two.md", "save_to"),
    ("cleanup_on_exit", "interactive: true", "interactive: true, cleanup_on_exit: true", "cleanup_on_exit"),
    ("timeout", "timeout: 1h", "timeout: 2h", "timeout"),
    ("stop_grace", "stop_grace: 1s", "stop_grace: 2s", "stop_grace"),
    ("exit_grace", "exit_grace: 1m", "exit_grace: 2m", "exit_grace"),
    ("log_max", "log_max: 1MB", "log_max: 2MB", "log_max"),
    ("limits", "limits: { cpu: 1h }", "limits: { cpu: 2h }", "limits"),
    ("retry", "retry: { max: 1 }", "retry: { max: 2 }", "retry"),
    ("gate", "save_to: out.md", "save_to: out.md, gate: approve", "gate"),
    ("exclusive", "exclusive: false", "exclusive: true", "exclusive"),
    ("sources", "sources: [one], generates: [made]", "sources: [two], generates: [made]", "sources"),
    ("generates", "sources: [one], generates: [made]", "sources: [one], generates: [other]", "sources"),
    ("expect", "expect: { non_empty: false }", "expect: { non_empty: true }", "expect"),
    ("agent", "agent: fake", "agent: other", "argv"),
    ("executor", "executor: local", "executor: cluster", "executor"),
    ("cwd", "cwd: .", "cwd: tasks", "cwd"),
    (
        "env",
        "env: { A: one, B: same, C: gone }",
        "env: { A: two, B: same, D: new }",
        "env A changed, env C removed, env D added",
    ),
];

/// Keys of a mode whose change leaves a running run as it is. `needs` is looked at before a start; of `extends`, what is
/// inherited counts.
const MODE_IGNORED: &[&str] = &["description", "extends", "needs"];

/// Keys of the manifest, as above; each changes what all its runs are started with.
const KEYS: &[(&str, &str, &str, &str)] = &[
    ("session", "session: world", "session: other", "session"),
    ("env", "env: { TOP: s3cret-one }", "env: { TOP: s3cret-two }", "env TOP changed"),
    ("pass_env", "pass_env: [ONE]", "pass_env: [ONE, TWO]", "pass_env TWO added"),
    ("budget", "budget: { day: 10 }", "budget: { day: 20 }", "budget.day"),
    (
        "worktree",
        "worktree: { path: \"../wt\", branch: b1, create: true, base: main }",
        "worktree: { path: \"../wt\", branch: b2, create: true, setup: [\"true\"], copy: [\"one.md\"], base: main }",
        "worktree.branch, worktree.copy, worktree.setup",
    ),
    (
        "agents",
        "agents: { a: { interactive: [fake], prompt: arg, protocol: text } }",
        "agents: { a: { interactive: [fake], prompt: arg, protocol: claude } }",
        "protocol",
    ),
];

/// Keys of the manifest that do not shape a run, or only through what is tested above (`modes`,
/// `defaults`, `vars`, `executors`, `mode_files`, `tasks`), or that depend on the caller (`tmux`).
const IGNORED: &[&str] = &[
    "version",
    "tmux",
    "terminal",
    "editor",
    "jobs",
    "state_dir",
    "retention",
    "notify",
    "tasks",
    "defaults",
    "modes",
    "vars",
    "executors",
    "mode_files",
    "runs",
];

fn names<'a>(compared: &[(&'a str, &str, &str, &str)], ignored: &[&'a str]) -> BTreeSet<&'a str> {
    compared.iter().map(|(key, ..)| *key).chain(ignored.iter().copied()).collect()
}

fn keys(properties: &Value) -> BTreeSet<&str> {
    properties.as_object().expect("the schema lists keys").keys().map(String::as_str).collect()
}

#[test]
fn every_key_of_the_manifest_is_compared_or_listed_as_ignored() {
    let world = World::new();
    let schema: Value = serde_json::from_slice(&world.dispatch("schema").succeeds().stdout).unwrap();
    assert_eq!(keys(&schema["properties"]), names(KEYS, IGNORED));
    assert_eq!(keys(&schema["$defs"]["MODE"]["properties"]), names(MODE_KEYS, MODE_IGNORED));
}

fn modes(which: impl Fn(&(&'static str, &'static str, &'static str, &'static str)) -> &'static str) -> String {
    let mut text = format!("{}  plain: {{ agent: fake, prompt: \"{{{{ task.body }}}}\" }}\n", crate::world::BASE);
    text = text.replace(
        "agents:\n",
        "jobs: 50\nexecutors: { cluster: { engine: slurm } }\nagents:\n  other: { interactive: [fake, x], headless: [fake, x], prompt: { headless: stdin }, protocol: text }\n",
    );
    let mut runs = "  - { mode: plain, tasks: [A] }\n".to_owned();
    for row in MODE_KEYS {
        let (key, words) = (row.0, which(row));
        let agent = if key == "agent" { "" } else { "agent: fake, " };
        let prompt = if matches!(key, "prompt" | "template") { "" } else { "prompt: \"{{ task.body }}\", " };
        text.push_str(&format!("  k-{key}: {{ {agent}{prompt}{words} }}\n"));
        runs.push_str(&format!("  - {{ mode: k-{key}, tasks: [A] }}\n"));
    }
    format!("{text}runs:\n{runs}")
}

#[test]
fn a_changed_key_of_a_mode_is_drift_and_says_which() {
    let world = World::bare();
    world.task("A", "%hang").write("one.md", "%hang\n");
    world.write("two.md", "%hang\n%out more\n");
    // An engine that starts each job at once and knows none: the run shows by itself that it lives.
    world.shadow("sbatch", "#!/bin/sh\njob=$0.$$\ncat >$job\nsh $job </dev/null >/dev/null 2>&1 &\necho 1\n");
    world.shadow("squeue", "#!/bin/sh\n");
    world.shadow("scancel", "#!/bin/sh\n");
    world.write("dispatch.yaml", modes(|row| row.1));
    world.dispatch("up").notes().succeeds();
    let running: BTreeMap<&str, String> =
        MODE_KEYS.iter().map(|row| (row.0, ready(&world, &format!("k-{}", row.0), "A"))).collect();
    is_empty(&world);
    world.write("dispatch.yaml", modes(|row| row.2));
    let plan = steps(&world, "plan");
    for (key, _, _, fields) in MODE_KEYS {
        let said = &plan[&format!("k-{key} A")];
        let listed = said.strip_prefix("drifted: drifted: ").unwrap_or_else(|| panic!("{key}: {said}"));
        assert!(listed.contains(fields), "{key}: {said}");
    }
    assert_eq!(plan["plain A"], "keep: running");
    world.dispatch("up --recreate").notes().succeeds();
    for (key, before) in running {
        let state = if key == "gate" { "queued" } else { "running" };
        let run = world.wait_state(&format!("k-{key}"), "A", state);
        assert_ne!(run["runId"], before.as_str(), "{key} was not made anew");
    }
    is_empty(&world);
}

#[test]
fn a_changed_key_for_all_modes_is_drift_and_says_which() {
    for (key, before, after, fields) in KEYS {
        let world = World::bare();
        let manifest = |words: &str| {
            let mut text = crate::world::BASE.replace("session: world\n", "");
            match words.strip_prefix("agents: { ").and_then(|rest| rest.strip_suffix(" }")) {
                Some(agent) => {
                    text = text.replace("agents:\n", &format!("agents:\n  {agent}\n")).replace(
                        "interactive: true, agent: fake, prompt: \"{{ task.body }}\"",
                        "interactive: true, agent: a, prompt: \"{{ task.body }}\"",
                    );
                }
                None => text.push_str(&format!("{words}\n")),
            }
            if *key != "session" {
                text.push_str("session: world\n");
            }
            format!("{text}runs:\n  - {{ mode: talk, tasks: [A] }}\n")
        };
        world.task("A", "%hang").write("one.md", "");
        world.write("dispatch.yaml", manifest(before));
        world.git_init();
        world.dispatch("up").notes().succeeds();
        let run = world.wait_state("talk", "A", "running")["runId"].as_str().unwrap().to_owned();
        is_empty(&world);
        let record = fs::read_to_string(world.run_folder(&run).join("spec.json")).unwrap();
        assert!(!record.contains("s3cret"), "a value is on record: {record}");
        world.write("dispatch.yaml", manifest(after));
        let said = steps(&world, "plan")["talk A"].clone();
        assert!(said.starts_with("drifted: ") && said.contains(fields), "{key}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
        world.dispatch("up --recreate").notes().succeeds();
        let again = world.wait_state("talk", "A", "running");
        assert_ne!(again["runId"], run.as_str(), "{key} was not made anew");
        is_empty(&world);
    }
}

#[test]
fn the_value_of_a_passed_variable_and_a_record_of_an_older_version_are_no_drift() {
    let world = World::with("pass_env: [TOKEN]\nenv: { A: one }\nruns:\n  - { mode: job, tasks: [A] }\n");
    world.task("A", "%hang");
    world.dispatch("up").env("TOKEN", "s3cret").notes().succeeds();
    let run = ready(&world, "job", "A");
    let plan = world.dispatch("plan").env("TOKEN", "other").notes().json();
    assert_eq!(plan["changes"], 0, "{plan}");
    let path = world.run_folder(&run).join("spec.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let mut spec: Value = serde_json::from_str(&text).unwrap();
    let spec = spec.as_object_mut().unwrap();
    assert!(spec.remove("declared").is_some(), "{text}");
    spec.remove("basis");
    fs::write(&path, serde_json::to_vec(&spec).unwrap()).unwrap();
    // Another version prepares from something else: the fields themselves are compared.
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("# a comment\n{manifest}"));
    assert_eq!(steps(&world, "plan --recreate")["job A"], "keep: running");
}
