//! `defaults`, `extends`, `vars`, `x-…` keys and YAML merge keys of the manifest.

use serde_json::Value;

use crate::world::World;

const HEAD: &str = r#"version: 1
session: world
tasks: [{ files: "tasks/**/*.md" }]
agents:
  fake: { interactive: [fake], headless: [fake], prompt: { interactive: arg, headless: stdin }, protocol: text }
"#;

/// A manifest with this after its agents, and the task TASK-1.
fn world(rest: &str) -> World {
    let world = World::bare();
    world.write("dispatch.yaml", format!("{HEAD}{rest}"));
    world.task("TASK-1", "hello");
    world
}

fn rendered(world: &World, mode: &str) -> Value {
    world.dispatch(&format!("render {mode} TASK-1")).json()
}

/// 20 modes, each written out in full, and the same modes by `defaults` and `extends`.
pub(crate) fn twenty_modes() -> (String, String) {
    let mut long = format!("{HEAD}modes:\n");
    let mut short = format!("{HEAD}{SHARED}");
    for at in 0..14 {
        long.push_str(&format!(
            "  review-{at}:\n{HEADLESS}    flags: [--part, \"{at}\"]\n    description: Part {at}\n"
        ));
        short.push_str(&format!(
            "  review-{at}: {{ extends: review, flags: [--part, \"{at}\"], description: Part {at} }}\n"
        ));
    }
    for at in 0..4 {
        long.push_str(&format!("  talk-{at}:\n{INTERACTIVE}    cwd: area-{at}\n"));
        short.push_str(&format!("  talk-{at}: {{ extends: talk, cwd: area-{at} }}\n"));
    }
    long.push_str(&format!("  review:\n{HEADLESS}  talk:\n{INTERACTIVE}"));
    (long, short)
}

const HEADLESS: &str = r#"    agent: fake
    prompt: "Review {{ task.id }}"
    timeout: 30m
    stop_grace: 20s
    exit_grace: 2m
    log_max: 64MiB
    limits:
      cpu: 20m
      memory: 4GiB
    env:
      CI: "1"
      LEVEL: strict
    expect:
      non_empty: true
      files: ["{{ task.id }}.md"]
    exclusive: true
"#;

const INTERACTIVE: &str = r#"    agent: fake
    interactive: true
    prompt: "Talk about {{ task.id }}"
    stop_grace: 20s
    cleanup_on_exit: true
    env:
      CI: "1"
"#;

const SHARED: &str = r#"defaults:
  agent: fake
  timeout: 30m
  stop_grace: 20s
  exit_grace: 2m
  log_max: 64MiB
  limits: { cpu: 20m, memory: 4GiB }
  env: { CI: "1" }
  cleanup_on_exit: true
modes:
  review:
    prompt: "Review {{ task.id }}"
    env: { LEVEL: strict }
    expect: { non_empty: true, files: ["{{ task.id }}.md"] }
    exclusive: true
  talk: { interactive: true, prompt: "Talk about {{ task.id }}" }
"#;

#[test]
fn twenty_modes_shrink_to_a_third_and_are_the_same() {
    let (long, short) = twenty_modes();
    assert!(short.lines().count() * 3 < long.lines().count(), "{} {}", short.lines().count(), long.lines().count());
    let world = world("");
    for at in 0..4 {
        world.write(format!("area-{at}/x"), "");
    }
    let modes: Vec<String> = (0..14)
        .map(|at| format!("review-{at}"))
        .chain((0..4).map(|at| format!("talk-{at}")))
        .chain(["review".to_owned(), "talk".to_owned()])
        .collect();
    assert_eq!(modes.len(), 20);
    let all = |text: &str| -> Vec<Value> {
        world.write("dispatch.yaml", text);
        world.dispatch("check").notes().succeeds();
        modes.iter().map(|mode| rendered(&world, mode)).collect()
    };
    assert_eq!(all(&long), all(&short));
}

#[test]
fn values_replace_mappings_merge_and_null_removes() {
    let world = world(
        r#"defaults: { agent: fake, env: { A: default, B: default, C: default }, timeout: 1h }
modes:
  first: { prompt: one, flags: [--one, --two], env: { B: first, D: first }, description: The first }
  second: { extends: first, template: second.md, flags: [--three], env: { C: ~, D: second } }
  third: { extends: second, prompt: "three in {{ mode.description }}.", flags: ~ }
  fourth: { extends: third, env: ~ }
"#,
    );
    world.write("second.md", "two");
    let values = |mode: &str| {
        let found = rendered(&world, mode);
        let argv: Vec<String> = found["argv"].as_array().unwrap().iter().skip(1).map(|word| word.to_string()).collect();
        (found["prompt"].as_str().unwrap().to_owned(), argv.join(" "))
    };
    assert_eq!(values("first"), ("one".to_owned(), "\"--one\" \"--two\"".to_owned()));
    assert_eq!(values("second"), ("two".to_owned(), "\"--three\"".to_owned()));
    // A description is not inherited.
    assert_eq!(values("third"), ("three in .".to_owned(), String::new()));
    for (mode, expected) in [
        ("first", "A=default B=first C=default D=first"),
        ("second", "A=default B=first D=second"),
        ("third", "A=default B=first D=second"),
        ("fourth", ""),
    ] {
        let run = world.dispatch("run -d").arg(mode).arg("TASK-1").notes().succeeds().text();
        let run = run.trim();
        world.wait_state(mode, "TASK-1", "succeeded");
        let environment = world.saw_words(run, "env");
        let ours = |word: &&String| ["A=", "B=", "C=", "D="].iter().any(|name| word.starts_with(name));
        let mut seen: Vec<&str> = environment.iter().filter(ours).map(String::as_str).collect();
        seen.sort_unstable();
        assert_eq!(seen.join(" "), expected, "{mode}");
    }
}

#[test]
fn a_default_that_a_kind_of_mode_cannot_honour_is_passed_over() {
    let rest = "defaults: { agent: fake, timeout: 5m, cleanup_on_exit: true }\nmodes:\n  job: { prompt: x }\n  \
                talk: { interactive: true }\n";
    let world = world(rest);
    world.dispatch("check").notes().succeeds();
    world.write("dispatch.yaml", format!("{HEAD}{rest}  own: {{ interactive: true, timeout: 1m }}\n"));
    world
        .dispatch("check")
        .stderr_has("an interactive mode cannot honour `timeout`")
        .stderr_has("dispatch.yaml:10:29")
        .fails_with(1);
}

#[test]
fn the_built_in_mode_has_no_defaults_and_modes_of_command_files_have_them() {
    let world = world("defaults: { agent: fake, flags: [--x] }\n");
    world.dispatch("check").stderr_has("unknown key `flags` in `defaults`").stderr_has("in a mode").fails_with(1);
    world.write("dispatch.yaml", format!("{HEAD}mode_files: [commands/*.md]\ndefaults: {{ agent: fake }}\n"));
    world.write("commands/tidy.md", "---\ndescription: Tidy up\n---\n");
    let modes = world.dispatch("modes").json();
    let agent = |name: &str| {
        let modes = modes["modes"].as_array().unwrap();
        modes.iter().find(|mode| mode["name"] == name).unwrap()["agent"].clone()
    };
    assert_eq!(agent("none"), "claude");
    assert_eq!(agent("tidy"), "fake");
}

#[test]
fn a_mode_can_extend_the_mode_of_a_command_file() {
    let world = world(
        "mode_files: [commands/*.md]\nmodes:\n  tidy: { agent: fake }\n  tidy-all: { extends: tidy, flags: [--all] }\n",
    );
    world.write("commands/tidy.md", "");
    let found = rendered(&world, "tidy-all");
    assert_eq!(found["prompt"], "/tidy TASK-1");
    assert_eq!(found["headless"], false);
}

#[test]
fn mistakes_in_extends_are_told_at_their_place() {
    let world = world(
        r#"modes:
  a: { agent: fake, prompt: x, extends: b }
  b: { extends: c }
  c: { extends: a }
  self: { extends: self, agent: fake, prompt: x }
  lost: { extends: revew, agent: fake, prompt: x }
  review: { agent: fake, prompt: x }
  talk: { extends: review, interactive: true }
"#,
    );
    world
        .dispatch("check")
        .stderr_has("`extends` runs in a circle: a → b → c → a")
        .stderr_has("dispatch.yaml:9:17")
        .stderr_has("`extends` runs in a circle: self → self")
        .stderr_has("there is no mode `revew`")
        .stderr_has("dispatch.yaml:11:20")
        .stderr_has("did you mean `review`?")
        .stderr_has("mode `talk` is interactive and extends a mode that is headless")
        .stderr_has("dispatch.yaml:13:20")
        .fails_with(1);
}

#[test]
fn a_mistake_that_many_modes_inherit_is_told_once() {
    let world = world(
        "defaults: { timeout: soon, agent: fake, cwd: \"{{ task.idd }}\" }\nmodes:\n  a: { prompt: x }\n  b: { extends: a }\n  \
         c: { extends: b }\n",
    );
    let said = world.dispatch("check").any_stderr().fails_with(1).stderr;
    assert_eq!(said.matches("`timeout` must be").count(), 1, "{said}");
    assert_eq!(said.matches("no field `idd`").count(), 1, "{said}");
}

#[test]
fn merge_keys_and_ignored_keys() {
    let world = world(
        r#"x-common: &common { agent: fake, prompt: common, flags: [--common] }
x-more: &more { prompt: more, <<: *common, flags: [--more] }
modes:
  one: { <<: *common, prompt: "one" }
  two:
    <<: [*more, *common]
  three: { <<: *common, timeut: 3m }
"#,
    );
    world.dispatch("check").stderr_has("unknown key `timeut` in `modes.three`").fails_with(1);
    let text = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", text.replace("timeut", "timeout"));
    for (mode, prompt, flag) in [("one", "one", "--common"), ("two", "more", "--more"), ("three", "common", "--common")]
    {
        let found = rendered(&world, mode);
        assert_eq!((found["prompt"].as_str(), found["argv"][1].as_str()), (Some(prompt), Some(flag)), "{mode}");
    }
    world.write("dispatch.yaml", "version: 1\nx-a: &a { jobs: 3 }\n<<: *a\n<<: [*a]\nenv: { <<: word }\n");
    world
        .dispatch("check")
        .stderr_has("duplicate key `<<`")
        .stderr_has("`<<` merges a mapping, found `word`")
        .stderr_has("dispatch.yaml:5:12")
        .fails_with(1);
}

#[test]
fn templates_use_only_declared_variables() {
    let world = world(
        "vars: { reviewer: strict, must: ~ }\nmodes:\n  fine: { agent: fake, prompt: \"be {{ vars.reviewer }}\" }\n  \
         open: { agent: fake, prompt: \"be {{ vars.must }}\" }\n",
    );
    assert_eq!(rendered(&world, "fine")["prompt"], "be strict");
    world
        .dispatch("render open TASK-1")
        .stderr_has("`vars.must` has no value: give it by `--set must=VALUE`")
        .fails_with(2);
    world.write("dispatch.yaml", format!("{HEAD}vars: {{ reviewer: x, a-b: y, n: 3 }}\nmodes:\n  m: {{ agent: fake, prompt: \"{{{{ vars.reviewr }}}} {{{{ vars.zzz }}}}\" }}\n"));
    world
        .dispatch("check")
        .stderr_has("`a-b` is not the name of a template variable")
        .stderr_has("`n` must be text, found `3`")
        .stderr_has("there is no template variable `reviewr`")
        .stderr_has("did you mean `reviewer`?")
        .stderr_has("there is no template variable `zzz`")
        .stderr_has("write it under `vars:`: `zzz: VALUE`")
        .fails_with(1);
}

#[test]
fn the_schema_has_the_keys() {
    let world = World::bare();
    let schema = world.dispatch("schema").json();
    let defaults = &schema["$defs"]["DEFAULTS"]["properties"];
    assert!(defaults["timeout"].is_object());
    for own in ["flags", "prompt", "template", "interactive", "extends"] {
        assert!(defaults[own].is_null(), "{own}");
    }
    assert!(schema["$defs"]["MODE"]["properties"]["extends"].is_object());
    assert!(schema["properties"]["vars"]["additionalProperties"]["type"].as_array().unwrap().contains(&"null".into()));
    assert!(schema["patternProperties"]["^x-"].is_object());
}
