//! `render --show-origin`: where each value of a run comes from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inheritance::twenty_modes;
use crate::world::World;

/// By key: the value and its place.
type Origins = BTreeMap<String, (Value, String)>;

/// The values by key, each as (value, place): `mode dispatch.yaml:3`, `extended review dispatch.yaml:9`.
fn origins(world: &World, words: &str) -> Origins {
    let shown = world.dispatch(&format!("--json render --show-origin {words}")).succeeds();
    let answer: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let values = answer["values"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let place = |value: &Value| {
        let name = value["file"].as_str().map(|file| file.rsplit('/').next().unwrap().to_owned());
        let line = value["line"].as_u64().map(|line| format!(":{line}"));
        let words = [value["source"].as_str(), value["mode"].as_str()].into_iter().flatten().collect::<Vec<_>>();
        let place = name.map(|name| format!(" {name}{}", line.unwrap_or_default()));
        format!("{}{}", words.join(" "), place.unwrap_or_default())
    };
    let found: Origins = values
        .iter()
        .map(|value| (value["key"].as_str().unwrap().to_owned(), (value["value"].clone(), place(value))))
        .collect();
    assert_eq!(found.len(), values.len(), "each key once: {answer}");
    found
}

/// The line of the manifest, from 1, that contains a text.
fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part}")) + 1
}

const MANIFEST: &str = r#"version: 1
session: world
jobs: 3
env: { CI: "1", SHARED: manifest, LOCAL: manifest }
vars: { who: everybody, other: x }
pass_env: [TOKEN]
tasks: [{ files: "tasks/**/*.md" }]
mode_files: [commands/*.md]
x-strict: &strict { exclusive: true }
agents:
  fake: { headless: [fake], interactive: [fake], model: [-m, "{{ model }}"], prompt: { headless: stdin } }
defaults:
  agent: fake
  timeout: 1h
  env: { SHARED: defaults }
  limits: { cpu: 5m }
modes:
  review:
    description: not inherited
    prompt: "for {{ vars.who }}"
    flags: [--one]
    limits: { memory: 1GiB }
  deep:
    <<: *strict
    extends: review
    timeout: 2h
    expect: { non_empty: true }
  tidy: { agent: fake }
"#;

fn world() -> World {
    let world = World::bare();
    world.write("dispatch.yaml", MANIFEST);
    world.write(
        "dispatch.local.yaml",
        "jobs: 9\nenv: { LOCAL: local }\npass_env: [MINE]\nmodes:\n  deep: { flags: [--mine] }\n",
    );
    world.write("commands/tidy.md", "---\ndescription: Tidy up\n---\n");
    world.task("A", "x");
    world
}

#[test]
fn each_value_names_the_strongest_place_that_has_it() {
    let found = origins(&world(), "deep A -e GIVEN=secret -e CI=2 --set who=me --model big -- --extra");
    for (key, value, place) in [
        ("description", json!(""), "builtIn"),
        ("prompt", json!("for {{ vars.who }}"), "extended review dispatch.yaml:20"),
        ("agent", json!("fake"), "defaults dispatch.yaml:13"),
        ("timeout", json!("2h"), "mode dispatch.yaml:26"),
        ("limits.cpu", json!("5m"), "defaults dispatch.yaml:16"),
        ("limits.memory", json!("1GiB"), "extended review dispatch.yaml:22"),
        ("limits.processes", Value::Null, "builtIn"),
        ("exclusive", json!(true), "mode dispatch.yaml:9"),
        ("expect.non_empty", json!(true), "mode dispatch.yaml:27"),
        ("expect.files", json!([]), "builtIn"),
        ("flags", json!(["--mine"]), "local dispatch.local.yaml:5"),
        ("stop_grace", json!("10s"), "builtIn"),
        ("log_max", json!("1GiB"), "builtIn"),
        ("retry", Value::Null, "builtIn"),
        ("session", json!("world"), "manifest dispatch.yaml:2"),
        ("jobs", json!(9), "local dispatch.local.yaml:1"),
        ("budget.day", Value::Null, "builtIn"),
        ("pass_env.TOKEN", json!("TOKEN"), "manifest dispatch.yaml:6"),
        ("pass_env.MINE", json!("MINE"), "local dispatch.local.yaml:3"),
        ("agents.fake.headless", json!(["fake"]), "manifest dispatch.yaml:11"),
        ("agents.fake.prompt", json!("stdin"), "manifest dispatch.yaml:11"),
        ("agents.fake.protocol", json!("text"), "builtIn"),
        ("vars.who", json!("me"), "commandLine"),
        ("vars.other", json!("x"), "manifest dispatch.yaml:5"),
        ("model", json!("big"), "commandLine"),
        ("extras", json!(["--extra"]), "commandLine"),
        // No value of a variable is shown.
        ("env.SHARED", Value::Null, "defaults dispatch.yaml:15"),
        ("env.LOCAL", Value::Null, "local dispatch.local.yaml:2"),
        ("env.CI", Value::Null, "commandLine"),
        ("env.GIVEN", Value::Null, "commandLine"),
    ] {
        let (shown, at) = found.get(key).unwrap_or_else(|| panic!("no {key}: {found:#?}"));
        assert_eq!((shown, at.as_str()), (&value, place), "{key}");
    }
    assert!(!found.contains_key("cleanup_on_exit") && !found.contains_key("template"), "{found:#?}");
}

#[test]
fn a_command_file_and_the_command_line_are_places_too() {
    let world = world();
    let found = origins(&world, "tidy A");
    assert_eq!(found["prompt"], (json!("/tidy {{ task.id }}"), "commandFile tidy.md".to_owned()));
    assert_eq!(found["description"], (json!("Tidy up"), "commandFile tidy.md".to_owned()));
    assert_eq!(found["interactive"], (json!(true), "commandFile tidy.md".to_owned()));
    assert_eq!(found["agents.fake.prompt"], (json!("arg"), "builtIn".to_owned()));
    assert!(!found.contains_key("timeout"), "{found:#?}");
    assert_eq!(origins(&world, "review A --timeout 5m")["timeout"], (json!("5m"), "commandLine".to_owned()));
    let none = origins(&world, "none A");
    assert_eq!(none["agent"], (json!("claude"), "builtIn".to_owned()));
    assert_eq!(none["agents.claude.model"], (json!(["--model", "{{ model }}"]), "builtIn".to_owned()));
}

#[test]
fn as_text_it_is_a_table_and_mistakes_are_refused() {
    let world = world();
    let text = world.dispatch("render deep A --show-origin").succeeds().text();
    let row = |key: &str| {
        let row = text.lines().find(|line| line.split_whitespace().next() == Some(key));
        row.unwrap_or_else(|| panic!("no {key}: {text}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("KEY"), "KEY FROM VALUE");
    assert_eq!(row("prompt"), "prompt dispatch.yaml:20 (mode review) for {{ vars.who }}");
    assert_eq!(row("timeout"), "timeout dispatch.yaml:26 (this mode) 2h");
    assert_eq!(row("agent"), "agent dispatch.yaml:13 (defaults) fake");
    assert_eq!(row("flags"), "flags dispatch.local.yaml:5 [\"--mine\"]");
    assert_eq!(row("session"), "session dispatch.yaml:2 world");
    assert_eq!(row("log_max"), "log_max built in 1GiB");
    assert_eq!(row("retry"), "retry built in -");
    assert_eq!(row("env.CI"), "env.CI dispatch.yaml:4 (not shown)");
    for (words, message) in [
        ("deep A --set whom=x", "there is no template variable `whom`"),
        ("tidy A --timeout 5m", "`--timeout` is for headless modes"),
        ("deep A --prompt x", "cannot be used with"),
        ("dep A", "did you mean `deep`?"),
        ("deep B", "unknown task `B`"),
    ] {
        world.dispatch("render --show-origin").words(words).stderr_has(message).fails_with(2);
    }
}

#[test]
fn it_explains_a_run_that_cannot_be_started() {
    let world = world();
    world.write("dispatch.yaml", MANIFEST.replace("headless: [fake]", "headless: [missing-agent]"));
    world.dispatch("render deep A").any_stderr().fails_with(127);
    assert_eq!(origins(&world, "deep A")["agents.fake.headless"].0, json!(["missing-agent"]));
}

#[test]
fn every_value_of_twenty_modes_is_explained() {
    let (long, short) = twenty_modes();
    let world = World::bare();
    world.task("TASK-1", "x");
    let modes = |text: &str| -> Vec<(String, Origins)> {
        world.write("dispatch.yaml", text);
        let answer = world.dispatch("modes").json();
        let names = answer["modes"].as_array().unwrap().iter().map(|mode| mode["name"].as_str().unwrap().to_owned());
        names
            .filter(|name| name != "none")
            .map(|name| (name.clone(), origins(&world, &format!("{name} TASK-1"))))
            .collect()
    };
    let (written, inherited) = (modes(&long), modes(&short));
    assert_eq!(written.len(), 20);
    for ((name, written), (other, inherited)) in written.into_iter().zip(inherited) {
        assert_eq!(name, other);
        // The same keys with the same values.
        let values = |found: &Origins| -> Vec<(String, Value)> {
            found.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
        };
        assert_eq!(values(&written), values(&inherited), "{name}");
        for (key, (value, place)) in &inherited {
            let is_set = written[key].1.starts_with("mode ") || written[key].1.starts_with("manifest ");
            assert_eq!(is_set, place != "builtIn", "{name} {key} {value} {place}");
        }
        let own = format!("mode dispatch.yaml:{}", line_of(&short, &format!("  {name}:")));
        let own_key = if name.starts_with("talk-") { "cwd" } else { "flags" };
        if name.contains('-') {
            assert_eq!(inherited[own_key].1, own, "{name}");
        }
        let family = name.split('-').next().unwrap();
        let prompt = &inherited["prompt"].1;
        let above = if name == family { "mode".to_owned() } else { format!("extended {family}") };
        assert!(prompt.starts_with(&format!("{above} dispatch.yaml:")), "{name} {prompt}");
        assert_eq!(inherited["agent"].1, format!("defaults dispatch.yaml:{}", line_of(&short, "  agent: fake")));
    }
}
