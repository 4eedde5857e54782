//! `plan` shows the executor of a run that it would start on an engine.

use crate::review::MODES;
use crate::world::World;

#[test]
fn a_plan_shows_on_which_executor_a_run_would_start() {
    let world =
        World::with(&format!("{MODES}runs:\n  - {{ mode: far, tasks: [T] }}\n  - {{ mode: job, tasks: [T] }}\n"));
    world.task("T", "%exit 0");
    let plan = world.dispatch("plan").any_stderr().succeeds();
    let text = String::from_utf8(plan.stdout).unwrap();
    assert!(text.contains("+ start far T: missing, on cluster\n"), "{text}");
    assert!(text.contains("+ start job T: missing\n"), "{text}");
    let plan = world.dispatch("plan").any_stderr().json();
    let executors: Vec<_> =
        plan["steps"].as_array().unwrap().iter().map(|step| (&step["mode"], &step["executor"])).collect();
    assert_eq!(executors, [(&"far".into(), &"cluster".into()), (&"job".into(), &serde_json::Value::Null)]);
    let page = world.serve().get("/ui/plan").text();
    assert_eq!(page.matches("on cluster</span>").count(), 1, "{page}");
}
