//! Worlds whose manifest has `runs:`, and the steps of `plan` for them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::World;

const MODES: &str = r#"  old: { interactive: true, agent: fake, prompt: "{{ task.body }}" }
  mine: { interactive: true, agent: fake, prompt: "{{ task.body }}" }
  lint: { agent: fake, prompt: "{{ task.body }}" }
  review: { agent: fake, prompt: "{{ task.body }}", needs: [lint] }
"#;

/// A world with these modes beside the usual ones, whose `runs:` are `entries`, a line each.
pub fn wanting(entries: &str) -> World {
    let world = World::with("");
    want(&world, entries);
    world
}

/// Writes the manifest anew with other entries.
pub fn want(world: &World, entries: &str) {
    world.write("dispatch.yaml", manifest(entries));
}

pub fn manifest(entries: &str) -> String {
    let runs: String = entries.lines().map(|entry| format!("  - {}\n", entry.trim())).collect();
    let runs = if runs.is_empty() { "runs: []\n".to_owned() } else { format!("runs:\n{runs}") };
    format!("{}{MODES}{runs}", crate::world::BASE)
}

/// A task with a tag that selectors may name.
pub fn tagged(world: &World, id: &str, tag: &str, body: &str) {
    world.write(format!("tasks/{id}.md"), format!("---\nstatus: todo\ntags: [{tag}]\n---\n\n{body}"));
}

/// `MODE TASK` → `ACTION: REASON`, of the JSON that `words` (a `plan` or an `up`) prints.
pub fn steps(world: &World, words: &str) -> BTreeMap<String, String> {
    actions(&world.dispatch(words).notes().json())
}

pub fn actions(answer: &Value) -> BTreeMap<String, String> {
    let steps = answer["steps"].as_array().unwrap_or_else(|| panic!("no steps in {answer}"));
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    steps
        .iter()
        .map(|step| {
            let pair = format!("{} {}", text(step, "mode"), text(step, "task"));
            (pair, format!("{}: {}", text(step, "action"), text(step, "reason")))
        })
        .collect()
}

/// `plan` has nothing to do.
#[track_caller]
pub fn is_empty(world: &World) {
    let plan = world.dispatch("plan").notes().json();
    assert_eq!(plan["changes"], 0, "{:#?}", actions(&plan));
    world.dispatch("plan --exit-code").notes().fails_with(0);
}
