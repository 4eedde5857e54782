//! A server that is killed, stopped or robbed of its folder: no run notices, and its clients go on
//! where they were.

use std::time::Duration;
use std::{fs, thread};

use rustix::process::Signal;
use tungstenite::Message;

use crate::follower::Follower;
use crate::random::Random;
use crate::server::{Server, Ws};
use crate::waiting::{is, let_pass, rounds, wait_until};
use crate::world::{World, kill};

const JOBS: usize = 20;

/// Receives frames until the connection breaks.
fn hear_until_cut(client: &mut Follower, mut ws: Ws) {
    while let Ok(message) = ws.0.read() {
        if let Message::Text(text) = message {
            client.hear(&serde_json::from_str(text.as_str()).unwrap());
        }
    }
}

#[test]
fn killing_the_server_at_any_moment_loses_no_run_no_byte_and_no_client() {
    let world = World::with("jobs: 64\nretention: { runs_per_pair: 1 }\n");
    let mut random = Random::new();
    let lines: String = (0..100).map(|n| format!("{n:015}\n")).collect();
    let tasks: Vec<String> = (0..JOBS).map(|n| format!("T-{n}")).collect();
    for task in &tasks {
        world.task(task, "%out begun\n%slow 100\n%until go\n%out done\n%exit 7\n");
    }
    let mut server = world.serve();
    for round in 0..rounds(100) {
        let seen = format!("seed {} round {round}", random.seed);
        let go = world.project().join("go");
        if go.exists() {
            fs::remove_file(&go).unwrap();
        }
        let start = tasks.iter().fold(world.dispatch("run -q -d job"), |call, task| call.arg(task));
        start.notes().succeeds();
        let mut clients: Vec<Follower> = tasks.iter().map(|task| Follower::new(&format!("/logs/job/{task}"))).collect();
        thread::scope(|scope| {
            for client in clients.iter_mut().step_by(4) {
                let ws = client.open(&server);
                scope.spawn(|| hear_until_cut(client, ws));
            }
            let_pass(Duration::from_micros(random.below(40_000) as u64));
            // Some end under the old server, some under none.
            if random.below(2) == 0 {
                fs::write(&go, "").unwrap();
                let_pass(Duration::from_micros(random.below(20_000) as u64));
            }
            server.signal(Signal::KILL);
        });
        server.ended();
        if random.below(2) == 0 {
            fs::write(&go, "").unwrap();
        }
        server = world.serve();
        fs::write(&go, "").unwrap();
        for (client, task) in clients.iter_mut().zip(&tasks) {
            // A client that received the end asks for nothing more.
            if client.end.is_none() {
                client.follow(&server);
            }
            let end = client.end.as_ref().unwrap();
            assert_eq!((&end["exitCode"], &end["state"]), (&7.into(), &"failed".into()), "{seen}: {task} {end}");
            assert!(client.stdout() == format!("begun\n{lines}done\n"), "{seen}: {task} {:?}", client.stdout());
            let status = server.get(&format!("/status/job/{task}")).json();
            assert_eq!((&status["exitCode"], &status["runId"]), (&7.into(), &end["runId"]), "{seen}: {task} {status}");
        }
    }
    assert_eq!(world.starts().len(), JOBS * rounds(100), "nothing was started twice");
    server.assert_alive();
}

#[test]
fn a_server_that_slept_goes_on() {
    let world = World::new();
    world.task("A", "%out before\n%until go\n%out meanwhile\n%exit 5\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    let mut client = Follower::new("/logs/job/A");
    let mut ws = client.open(&server);
    let mut events = server.ws("/api/events");
    client.hear(&ws.next_json());
    kill(server.pid(), Signal::STOP);
    let supervisor = world.supervisor(&run);
    world.write("go", "");
    wait_until("the job ended without it", || is(!crate::world::alive(supervisor), "its supervisor is there"));
    kill(server.pid(), Signal::CONT);
    assert_eq!(client.follow_on(ws)["exitCode"], 5);
    assert_eq!(client.stdout(), "before\nmeanwhile\n");
    while events.next_json()["run"]["exitCode"] != 5 {}
    drop(events);
    server.assert_alive();
}

/// Whatever it is asked, it answers.
#[track_caller]
fn answers(server: &Server, run: &str) {
    let paths = ["/status/job/A", "/api/runs", "/api/history", "/api/tasks", "/api/plan", "/metrics", "/healthz"];
    let of_run = [format!("/api/runs/{run}"), format!("/api/runs/{run}/stdout")];
    for path in paths.into_iter().chain(of_run.iter().map(String::as_str)) {
        let reply = server.get(path);
        assert!((200..=503).contains(&reply.status), "{path}: {reply:?}");
        assert!(reply.status < 400 || !reply.code().is_empty(), "{path}: {reply:?}");
    }
    assert_eq!(server.get("/healthz").status, 200);
    for path in ["/logs/job/A", "/api/events"] {
        if let Ok(mut ws) = server.try_ws(path, &[("Authorization", &format!("Bearer {}", server.token))]) {
            // A word or an end: no silence.
            ws.next();
        }
    }
    assert!(!server.stderr().contains("panicked"), "{}", server.stderr());
}

#[test]
fn a_server_whose_state_folder_goes_still_answers() {
    let world = World::new();
    world.task("A", "%out here\n%exit 2\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    world.wait_state("job", "A", "failed");
    wait_until("the server knows its end", || {
        let status = server.get("/status/job/A").json();
        is(status["exitCode"] == 2, status.to_string())
    });
    let (runs, kept) = (world.state().join("runs"), world.root().join("kept"));

    // As a broken disk would have it: what should be a folder is none.
    fs::rename(&runs, &kept).unwrap();
    fs::write(&runs, "").unwrap();
    answers(&server, &run);
    fs::remove_file(&runs).unwrap();
    answers(&server, &run);
    fs::rename(&kept, &runs).unwrap();
    wait_until("it shows the run again", || {
        let reply = server.get(&format!("/api/runs/{run}"));
        is(reply.status == 200, format!("{reply:?}"))
    });
    assert_eq!(server.get(&format!("/api/runs/{run}/stdout")).body, b"here\n");

    fs::remove_dir_all(world.state()).unwrap();
    answers(&server, &run);
    server.post("/dispatch/job/A", "");
    answers(&server, &run);
    assert_eq!(server.end().code, 0);
}
