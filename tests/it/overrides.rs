//! Changes for one run only: `-e`, `--set`, `--timeout` and `--model`.

use std::fs;

use serde_json::Value;

use crate::world::World;

/// Modes that show what reaches the agent. `known` takes a model, `fake` does not.
const REST: &str = r#"  say: { agent: known, prompt: "%hang {{ vars.who }} {{ vars.must }}", timeout: 1h, stop_grace: 300ms }
  chat: { agent: known, interactive: true, prompt: "%hang {{ vars.who }}" }
  plain: { agent: fake, prompt: "%exit 0" }
  cached: { agent: fake, prompt: "%sh cat in.txt >out.txt", sources: ["in.txt"], generates: ["out.txt"] }
  after: { agent: fake, prompt: "%exit 0", needs: [whose] }
  whose: { agent: fake, prompt: "%out for {{ vars.who }}" }
vars: { who: everybody, must: ~ }
env: { CI: "1" }
"#;

fn world() -> World {
    let world = World::with(REST);
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let agent = "agents:\n  known: { interactive: [fake], headless: [fake], prompt: { headless: stdin }, protocol: text, \
                 model: \"--model={{ model }}\" }\n";
    world.write("dispatch.yaml", text.replace("agents:\n", agent));
    world.task("A", "hello").task("B", "hello");
    world
}

fn id(run: &Value) -> String {
    run["runId"].as_str().unwrap_or_else(|| panic!("no run: {run}")).to_owned()
}

/// Starts and gives the run's id once its agent runs.
fn start(world: &World, words: &str) -> String {
    let answer = world.dispatch(&format!("run -d {words}")).env("SECRET", "canary-value").notes().json();
    let run = id(&answer["runs"][0]);
    world.agent_ready(&run);
    run
}

fn spec(world: &World, run: &str) -> Value {
    serde_json::from_slice(&fs::read(world.run_folder(run).join("spec.json")).unwrap()).unwrap()
}

fn variables(world: &World, run: &str) -> Vec<String> {
    world
        .saw_words(run, "env")
        .into_iter()
        .filter(|word| ["CI=", "SECRET=", "EMPTY="].iter().any(|name| word.starts_with(name)))
        .collect()
}

#[test]
fn variables_reach_the_agent_and_no_record() {
    let world = world();
    for mode in ["say", "chat"] {
        let run = start(&world, &format!("-e SECRET --env CI=2 -e EMPTY= --set must=x {mode} A"));
        let mut seen = variables(&world, &run);
        seen.sort();
        assert_eq!(seen, ["CI=2", "EMPTY=", "SECRET=canary-value"], "{mode}");
        assert_eq!(spec(&world, &run)["overrides"]["env"], serde_json::json!(["CI", "EMPTY", "SECRET"]));
    }
    let found = world.command("grep").args(["-rla", "canary-value", ".", "../home", "../calls"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let lines: Vec<String> = world.processes().into_iter().map(|(_, line)| line).collect();
    assert!(!lines.join("\n").contains("canary-value"), "{lines:?}");
    world.dispatch("render plain A -e SECRET=x").stdout_has(" SECRET ").succeeds();
}

#[test]
fn variables_that_cannot_be_given_are_wrong_usage() {
    let world = world();
    for (given, message) in [
        ("ABSENT", "`ABSENT` is not set here"),
        ("2X=1", "`2X` is not the name of an environment variable"),
        ("DISPATCH_RUN_ID=1", "`DISPATCH_` names belong to `dispatch`"),
        ("=1", "`` is not the name of an environment variable"),
    ] {
        world.dispatch("run plain A -e").arg(given).stderr_has(message).fails_with(2);
    }
    assert!(world.starts().is_empty() && !world.state().exists());
}

#[test]
fn a_template_variable_is_replaced_for_one_run() {
    let world = world();
    world.dispatch("render say A --set who=me --set must=a=b").stdout_has("%hang me a=b\n").succeeds();
    world.dispatch("run -n say A").stderr_has("`vars.must` has no value: give it by `--set must=VALUE`").fails_with(2);
    for (given, message, hint) in [
        ("whom=x", "there is no template variable `whom`", "did you mean `who`?"),
        ("zzzzzz=x", "there is no template variable `zzzzzz`", "there are: must, who"),
        ("who", "write KEY=VALUE", "--help"),
    ] {
        world.dispatch("run say A --set").arg(given).stderr_has(message).stderr_has(hint).fails_with(2);
    }
    // What is only needed takes the manifest's value.
    world.dispatch("run -n after A --set who=me").stdout_has("%out for everybody").succeeds();
    // All tasks of the command get it.
    let both = world.dispatch("run -n whose A B --set who=me").succeeds().text();
    assert_eq!(both.matches("%out for me").count(), 2, "{both}");
}

#[test]
fn a_model_is_named_as_its_agent_says() {
    let world = world();
    let run =
        world.dispatch("run -d say A --model big --set must=x -- --last").notes().succeeds().text().trim().to_owned();
    world.agent_ready(&run);
    assert_eq!(world.saw_words(&run, "argv")[1..], ["--model=big", "--last"]);
    world
        .dispatch("run plain A --model big")
        .stderr_has("agent `fake` of mode `plain` takes no model: it has no `model:`")
        .stderr_has("agents: { fake: { model: [--model, \"{{ model }}\"] } }")
        .fails_with(2);
    world.dispatch("run say A --set must=x --model ''").stderr_has("`--model` needs the name of a model").fails_with(2);
    // Built in for claude.
    let claude = "version: 1\nagents: { claude: { headless: [fake] } }\nmodes: { m: { prompt: x } }\ntasks: [{ files: \"tasks/*.md\" }]\n";
    world.write("dispatch.yaml", claude);
    let rendered = world.dispatch("render m A --model opus").json();
    let argv: Vec<&str> = rendered["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(argv.windows(2).any(|pair| pair == ["--model", "opus"]), "{argv:?}");
    for (model, message) in [
        ("[--model]", "`model` does not say where the model's name goes"),
        ("\"{{ task.id }}\"", "there is no `{{ task.id }}` in `model`"),
        ("3", "`model` must be a command"),
    ] {
        world.write("dispatch.yaml", claude.replace("[fake]", &format!("[fake], model: {model}")));
        world.dispatch("check").stderr_has(message).stderr_has("dispatch.yaml:2:").fails_with(1);
    }
}

#[test]
fn a_time_limit_counts_for_one_run() {
    let world = world();
    world.dispatch("run say A --set must=x --timeout 200ms").notes().fails_with(124);
    assert_eq!(world.status("say", "A")["state"], "timed_out");
    let run = start(&world, "say A --set must=x");
    assert_eq!(spec(&world, &run)["kind"]["headless"]["timeout"], "1h");
    assert!(spec(&world, &run)["overrides"]["timeout"].is_null());
    world
        .dispatch("run chat A --timeout 5m")
        .stderr_has("`--timeout` is for headless modes, and `chat` is interactive")
        .fails_with(2);
    world.dispatch("run say A --timeout 5").stderr_has("write a length of time").fails_with(2);
}

#[test]
fn an_active_run_is_joined_only_with_the_values_that_it_has() {
    let world = world();
    let all = "say A --set must=x -e SECRET -e CI=2 --timeout 7m --model big";
    let run = start(&world, all);
    for joins in
        [all, "say A", "say A --set must=x", "say A --timeout 7m", "say A --model big", "say A -e CI=2 -e SECRET"]
    {
        let words = format!("run -d {joins}{}", if joins.contains("must") { "" } else { " --set must=x" });
        world.dispatch(&words).env("SECRET", "canary-value").notes().stdout_is(format!("{run}\n")).succeeds();
    }
    for (given, difference) in [
        ("--set must=y", "other template variables (`--set`)"),
        ("--set must=x --set who=me", "other template variables (`--set`)"),
        ("--set must=x --timeout 8m", "another `--timeout`"),
        ("--set must=x --model small", "another `--model`"),
        ("--set must=x -e CI=3 -e SECRET", "other variables (`-e`)"),
        ("--set must=x -e CI=2", "other variables (`-e`)"),
    ] {
        let said = format!("`say A` runs already, with {difference}");
        world
            .dispatch(&format!("run -d say A {given}"))
            .env("SECRET", "canary-value")
            .stderr_has(said)
            .stderr_has("dispatch stop say A")
            .fails_with(1);
    }
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn http_takes_all_but_variables_of_the_environment() {
    let world = world();
    let server = world.serve();
    let body = r#"{"vars":{"must":"x","who":"me"},"timeout":"7m","model":"big"}"#;
    let reply = server.post("/dispatch/say/A", body);
    assert_eq!(reply.status, 201, "{reply:?}");
    let run = id(&reply.json());
    assert_eq!(world.saw(&run, "stdin"), b"%hang me x");
    assert_eq!(world.saw_words(&run, "argv")[1..], ["--model=big"]);
    assert_eq!(spec(&world, &run)["kind"]["headless"]["timeout"], "7m");
    assert_eq!(server.post("/dispatch/say/A", body).status, 200);
    for (path, body, status) in [
        ("say/A", r#"{"vars":{"must":"y"}}"#, 409),
        ("say/A", r#"{"vars":{"must":"x","who":"me"},"timeout":"8m"}"#, 409),
        ("say/A", r#"{"vars":{"must":"x","who":"me"},"model":"small"}"#, 409),
        ("say/B", r#"{"vars":{"whom":"y"}}"#, 422),
        ("chat/B", r#"{"timeout":"5m"}"#, 422),
        ("plain/B", r#"{"model":"big"}"#, 422),
        ("plain/B", r#"{"timeout":"5"}"#, 400),
        ("plain/B", r#"{"timeout":5}"#, 400),
        ("plain/B", r#"{"vars":{"who":1}}"#, 400),
        ("plain/B", r#"{"vars":{"who":"a\u0000"}}"#, 400),
        ("plain/B", r#"{"env":{"CI":"2"}}"#, 400),
    ] {
        let reply = server.post(&format!("/dispatch/{path}"), body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    assert_eq!(world.starts().len(), 1);
    let rendered = server.post("/api/render/say/B", r#"{"vars":{"must":"z"}}"#).json();
    assert_eq!(rendered["prompt"], "%hang everybody z");
}

#[test]
fn a_restart_keeps_them_and_needs_the_variables_again() {
    let world = world();
    let server = world.serve();
    let run = start(&world, "say A --set must=x -e SECRET -e CI=2 --timeout 7m --model big");
    for words in ["restart -d say A", "restart -n say A", "restart -d say A -e CI"] {
        world
            .dispatch(words)
            .env("CI", "3")
            .stderr_has(format!("run {run} was given "))
            .stderr_has("give it again: dispatch restart say A -e CI -e SECRET")
            .fails_with(2);
    }
    assert_eq!(server.post("/api/restart/say/A", "").status, 422);
    assert_eq!(world.status("say", "A")["runId"], run.as_str());
    let answer = world.dispatch("restart -d say A -e CI=2 -e SECRET").env("SECRET", "new-value").notes().json();
    // Only what differs is a change; a value is not shown.
    let changes = answer["changes"].to_string();
    assert!(changes.contains("SECRET") && !changes.contains("new-value") && !changes.contains("CI"), "{changes}");
    let again = id(&answer);
    world.agent_ready(&again);
    let mut seen = variables(&world, &again);
    seen.sort();
    assert_eq!(seen, ["CI=2", "SECRET=new-value"]);
    assert_eq!(world.saw(&again, "stdin"), b"%hang everybody x");
    assert_eq!(world.saw_words(&again, "argv")[1..], ["--model=big"]);
    assert_eq!(spec(&world, &again)["kind"]["headless"]["timeout"], "7m");
}

#[test]
fn a_run_with_variables_of_its_own_is_neither_skipped_nor_a_reason_to_skip() {
    let world = world();
    world.write("in.txt", "x");
    for (words, runs) in [
        ("run -q cached A", 1),
        ("run -q cached A", 1),
        ("run -q cached A -e CI=2", 2),
        ("run -q cached A", 3),
        ("run -q cached A", 3),
    ] {
        world.dispatch(words).notes().succeeds();
        assert_eq!(world.starts().len(), runs, "{words}");
    }
}
