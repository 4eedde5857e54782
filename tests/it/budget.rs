//! `budget`: the agent receives the limit of a run; the limit of a day stops the queue.

use std::fs;

use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::World;

/// An agent with the protocol of `claude` that costs what its task says.
fn world(budget: &str) -> World {
    let modes = "  asked: { agent: speaks, prompt: \"{{ task.body }}\" }\n  chat: { interactive: true, agent: speaks, prompt: \"%hang\" }\n";
    let world = World::with(&format!("{modes}budget: {budget}\n"));
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { interactive: [fake], headless: [fake], prompt: { headless: stdin, interactive: arg }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    for task in ["A", "B", "C"] {
        let result = r#"{"type":"result","subtype":"success","is_error":false,"result":"words","total_cost_usd":0.75}"#;
        world.task(task, &format!("%out {result}\n"));
    }
    world
}

fn set(world: &World, from: &str, to: &str) {
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    assert!(manifest.contains(from));
    world.write("dispatch.yaml", manifest.replace(from, to));
}

fn waits(run: &Value, spent: &str) {
    assert_eq!((&run["state"], &run["waitingFor"]), (&"queued".into(), &"budget".into()), "{run}");
    let reason = run["reason"].as_str().unwrap();
    assert!(reason.contains(spent) && reason.contains("until"), "how much, and until when: {reason}");
}

#[test]
fn a_headless_agent_gets_its_budget() {
    let world = world("{ run: 1.5 }");
    let run = world.detach("asked", "A");
    let argv = world.saw_words(&run, "argv");
    is(argv.windows(2).any(|pair| pair == ["--max-budget-usd", "1.5"]), format!("{argv:?}")).unwrap();
    let typed = world.dispatch("run -d asked B --json -- --max-budget-usd 9").notes().succeeds();
    let typed: Value = serde_json::from_slice(&typed.stdout).unwrap();
    let argv = world.saw_words(typed["runs"][0]["runId"].as_str().unwrap(), "argv");
    assert_eq!(argv.iter().filter(|word| *word == "--max-budget-usd").count(), 1, "what was typed counts: {argv:?}");
    world.dispatch("run -q --attach none chat A").notes().succeeds();
    let window = world.status("chat", "A")["runId"].as_str().unwrap().to_owned();
    assert!(!world.saw_words(&window, "argv").contains(&"--max-budget-usd".to_owned()), "a window has its user");
}

#[test]
fn over_the_days_sum_jobs_stay_queued_and_windows_do_not() {
    let world = world("{ day: 1.00 }");
    world.dispatch("run -q asked A").notes().succeeds();
    world.dispatch("run -q asked B").notes().succeeds();
    let started = world.starts().len();
    assert_eq!(started, 2, "the limit was not reached when B began");
    world.detach("asked", "C");
    waits(&world.status("asked", "C"), "$1.50 of $1.00");
    world.dispatch("status asked C").stdout_has("queued (budget)").stdout_has("until").succeeds();
    world.dispatch("status").stdout_has("queued (budget)").succeeds();
    world.dispatch("run -q --attach none chat A").notes().succeeds();
    world.wait_state("chat", "A", "running");
    assert_eq!(world.starts().len(), 3, "C never started");
    world.dispatch("stop asked C").notes().succeeds();
    assert_eq!(world.status("asked", "C")["state"], "stopped");
}

#[test]
fn another_limit_counts_for_what_waits_already() {
    let world = world("{ day: 0.50 }");
    world.dispatch("run -q asked A").notes().succeeds();
    world.detach("asked", "B");
    waits(&world.status("asked", "B"), "$0.75 of $0.50");
    set(&world, "day: 0.50", "day: 0.60");
    wait_until("it waits for the new one", || {
        let run = world.status("asked", "B");
        is(run["reason"].as_str().unwrap_or("").contains("$0.75 of $0.60"), run.to_string())
    });
    set(&world, "day: 0.60", "day: 1.00");
    // Any command that looks moves the queue.
    world.wait_state("asked", "B", "succeeded");
    // Without a limit nothing waits.
    world.detach("asked", "C");
    waits(&world.status("asked", "C"), "$1.50 of $1.00");
    set(&world, "budget: { day: 1.00 }\n", "");
    world.wait_state("asked", "C", "succeeded");
}
