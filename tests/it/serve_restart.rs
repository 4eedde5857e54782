//! `POST /api/restart`: as `restart -d --json`.

use serde_json::Value;

use crate::restart::{active, agents, id, open};
use crate::world::{BASE, World, alive};

#[test]
fn over_http_it_answers_as_the_command_and_opens_no_terminal() {
    let world = World::with("  never: { agent: fake, prompt: \"%hang\" }\n");
    world.task("A", "%hang");
    let server = world.serve();
    let (job, talk) = (world.detach("job", "A"), open(&world, "A"));
    let agent = world.agent_ready(&job).pid;
    for (mode, before) in [("job", &job), ("talk", &talk)] {
        let reply = server.post(&format!("/api/restart/{mode}/A"), "");
        let run = reply.json();
        assert_eq!(
            (reply.status, &run["replaces"], &run["changes"]),
            (201, &before.as_str().into(), &Value::Array(vec![]))
        );
        assert_eq!((&run["startedBy"], run.get("attached")), (&"web".into(), None), "{run}");
        world.agent_ready(&id(&run));
        assert_eq!(server.get(&format!("/status/{mode}/A")).json()["runId"], run["runId"]);
    }
    assert!(!alive(agent));
    let runs = active(&world);
    let refused = |path: &str, body: &str, status: u16, code: &str| {
        let reply = server.post(path, body);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path} {reply:?}");
    };
    refused("/api/restart/never/A", "", 404, "never_run");
    refused("/api/restart/jab/A", "", 404, "unknown_mode");
    refused("/api/restart/job/B", "", 404, "unknown_task");
    refused("/api/restart/job/A", r#"{"force":true}"#, 400, "bad_value");
    world.write("dispatch.yaml", BASE.replace("  job: {", "  job: { interactive: true,"));
    refused("/api/restart/job/A", "", 422, "usage");
    world.write("dispatch.yaml", "version: [");
    refused("/api/restart/job/A", "", 422, "bad_manifest");
    world.write("dispatch.yaml", BASE);
    assert_eq!(active(&world), runs);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..8).map(|_| scope.spawn(|| server.post("/api/restart/job/A", "").status)).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert!(statuses.contains(&201) && statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert_eq!(active(&world).len(), 2);
    assert_eq!(agents(&world).len(), 2);
}
