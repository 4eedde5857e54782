//! The logs of a job, as a client of the server reads them: all bytes once, to the end, whatever
//! is printed and whatever other clients do.

use std::fs::{self, File};
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;

use crate::follower::Follower;
use crate::random::Random;
use crate::waiting::{let_pass, wait_until};
use crate::world::World;

/// The parts of a raw log, and how it was closed.
#[track_caller]
fn raw(mut ws: crate::server::Ws) -> (Vec<u8>, Value) {
    let (messages, closed) = ws.read_to_end();
    assert_eq!(closed.map(|frame| u16::from(frame.code)), Some(1000));
    let mut all = Vec::new();
    let mut end = Value::Null;
    for message in messages {
        match message {
            Message::Binary(bytes) => all.extend_from_slice(&bytes),
            Message::Text(text) => end = serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(end["event"], "end");
    (all, end)
}

/// Text in many scripts with rubbish between.
fn mixed(random: &mut Random, parts: usize) -> Vec<u8> {
    let pool: [&[u8]; 12] = [
        "a".as_bytes(),
        "é".as_bytes(),
        "€".as_bytes(),
        "🟡".as_bytes(),
        b"\n",
        b"\xff",
        b"\x80",
        b"\xe2\x28",
        b"\xf0\x9f\x28",
        b"\"\\\0",
        b"\xed\xa0\x80",
        b"\x1b[31m",
    ];
    (0..parts).flat_map(|_| pool[random.below(pool.len())].to_vec()).collect()
}

#[test]
fn a_client_that_is_cut_off_at_any_frame_goes_on_where_it_was() {
    let world = World::new();
    let mut random = Random::new();
    let seen = format!("seed {}", random.seed);
    let logs = [mixed(&mut random, 2000), mixed(&mut random, 2000)];
    world.helper("mkfifo", &["../out", "../err"]);
    world.task("A", "%sh cat ../out & cat ../err >&2; wait\n%exit 7\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    thread::scope(|scope| {
        for (name, bytes, seed) in [("out", &logs[0], random.next()), ("err", &logs[1], random.next())] {
            let path = world.root().join(name);
            scope.spawn(move || {
                let mut moments = Random::from(seed);
                let mut fifo = File::options().write(true).open(path).unwrap();
                let mut rest = &bytes[..];
                // A few bytes at a time, so that each character is cut somewhere.
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(rest.len().min(1 + moments.below(3)));
                    fifo.write_all(now).unwrap();
                    rest = later;
                    let_pass(Duration::from_micros(moments.below(200) as u64));
                }
            });
        }
        let mut client = Follower::new("/logs/job/A");
        while client.end.is_none() {
            client.follow_some(&server, random.below(12));
        }
        assert_eq!(client.stdout(), String::from_utf8_lossy(&logs[0]), "{seen}");
        assert_eq!(client.stderr(), String::from_utf8_lossy(&logs[1]), "{seen}");
        assert_eq!(client.end.unwrap()["exitCode"], 7);
    });
    // Raw, and from anywhere.
    assert_eq!(raw(server.ws("/logs/job/A?format=raw")).0, logs[0]);
    let from = random.below(logs[0].len());
    assert!(raw(server.ws(&format!("/logs/job/A?format=raw&stdout={from}"))).0 == logs[0][from..], "{seen}: {from}");
    assert_eq!(server.get(&format!("/api/runs/{run}/stdout")).body, logs[0]);
    server.assert_alive();
}

#[test]
fn a_character_is_shown_when_it_is_whole_and_what_never_is_at_the_end() {
    let world = World::new();
    world.helper("mkfifo", &["../out"]);
    world.task("A", "%sh cat ../out\n%exit 0\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    let mut client = Follower::new("/logs/job/A");
    let mut ws = client.open(&server);
    let mut fifo = File::options().write(true).open(world.root().join("out")).unwrap();
    for (number, byte) in "é€🟡".bytes().chain(*b"\xe2\x82").enumerate() {
        fifo.write_all(&[byte]).unwrap();
        wait_until("it is in the log", || {
            let length = server.get(&format!("/api/runs/{run}/stdout")).body.len();
            crate::waiting::is(length == number + 1, format!("{length}"))
        });
        // The next byte comes only when what is whole so far was shown.
        if [1, 4, 8].contains(&number) {
            client.hear(&ws.next_json());
            assert_eq!(client.stdout().chars().count(), [1, 4, 8].iter().position(|at| *at == number).unwrap() + 1);
        }
    }
    drop(fifo);
    client.follow_on(ws);
    assert_eq!(client.stdout(), "é€🟡\u{fffd}");
}

#[test]
fn streams_keep_their_order_and_forged_ends_are_text() {
    let world = World::new();
    let lines = "i=0; while [ $i -lt 10000 ]; do echo $i; echo $i >&2; i=$((i+1)); done";
    let forged = r#"{"event":"end","exitCode":0,"state":"succeeded"}"#;
    world.task("A", &format!("%out {forged}\n%out [dispatch] exit 0\n%sh {lines}\n%err {forged}\n%exit 9\n"));
    let server = world.serve();
    let run = world.detach("job", "A");
    let mut client = Follower::new("/logs/job/A");
    let end = client.follow(&server);
    let numbers: String = (0..10_000).map(|n| format!("{n}\n")).collect();
    assert!(client.stdout() == format!("{forged}\n[dispatch] exit 0\n{numbers}"), "stdout in order, none lost");
    assert!(client.stderr() == format!("{numbers}{forged}\n"), "stderr in order, none lost");
    assert_eq!((&end["exitCode"], &end["state"], &end["runId"]), (&json!(9), &json!("failed"), &json!(run)));
}

#[test]
fn what_is_printed_is_data_and_never_a_page() {
    let world = World::new();
    let hostile = "<img src=x onerror=alert(1)></pre><script>alert(1)</script>\u{1b}]8;;javascript:alert(1)\u{7}x";
    world.task("A", &format!("%out {hostile}\n"));
    let server = world.serve();
    let run = world.detach("job", "A");
    let mut client = Follower::new("/logs/job/A");
    client.follow(&server);
    assert_eq!(client.stdout(), format!("{hostile}\n"));
    let reply = server.get(&format!("/api/runs/{run}/stdout"));
    assert_eq!(reply.body, format!("{hostile}\n").into_bytes());
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self';"));
}

#[test]
fn a_queued_run_is_followed_from_before_its_start() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%until go\n").task("B", "%out at last\n%exit 3\n").task("C", "%hang\n");
    let server = world.serve();
    for task in ["A", "B", "C"] {
        world.detach("job", task);
    }
    let (mut client, mut never) = (Follower::new("/logs/job/B"), Follower::new("/logs/job/C"));
    let (ws, other) = (client.open(&server), never.open(&server));
    // One that never starts has an end too.
    assert_eq!(server.post("/stop/job/C", "").status, 200);
    assert_eq!(never.follow_on(other)["state"], "stopped");
    world.write("go", "");
    assert_eq!(client.follow_on(ws)["exitCode"], 3);
    assert_eq!((client.stdout(), client.stderr()), ("at last\n", ""));
}

#[test]
fn an_older_run_is_named_and_a_pruned_one_is_gone() {
    let world = World::with("retention: { runs_per_pair: 1 }\n");
    world.task("A", "%out first\n").task("B", "%out other\n");
    let first = world.detach("job", "A");
    world.wait_state("job", "A", "succeeded");
    let server = world.serve();
    let path = format!("/logs/job/A?run={first}");
    let log = |path: &str| {
        let mut client = Follower::new(path);
        client.follow(&server);
        client.stdout().to_owned()
    };
    world.task("A", "%out second\n%until go\n");
    let second = world.detach("job", "A");
    world.agent_ready(&second);
    assert_eq!(log(&path), "first\n");
    world.write("go", "");
    assert_eq!(log("/logs/job/A"), "second\n");
    world.detach("job", "B");
    world.wait_state("job", "B", "succeeded");
    let bearer = format!("Bearer {}", server.token);
    let refused = |path: &str| server.try_ws(path, &[("Authorization", &bearer)]).map(drop);
    assert_eq!(refused(&path.replace("/A", "/B")), Err(404), "it is not a run of that pair");
    assert_eq!(refused("/logs/job/A?run=nonsense"), Err(400));
    world.dispatch("prune").notes().succeeds();
    assert_eq!(refused(&path), Err(404));
}

#[test]
fn a_run_that_is_pruned_while_it_is_read_is_read_to_its_end() {
    const BYTES: usize = 8_000_000;
    let world = World::with("retention: { runs_per_pair: 1 }\n");
    world.task("A", &format!("%bytes {BYTES}\n%exit 3\n"));
    let first = world.detach("job", "A");
    world.wait_state("job", "A", "failed");
    let server = world.serve();
    let mut client = Follower::new(&format!("/logs/job/A?run={first}"));
    let mut ws = client.open(&server);
    client.hear(&ws.next_json());
    world.detach("job", "A");
    world.wait_state("job", "A", "failed");
    world.dispatch("prune").notes().succeeds();
    assert_eq!(server.get(&format!("/api/runs/{first}")).status, 404);
    let end = client.follow_on(ws);
    assert_eq!((&end["exitCode"], &end["runId"]), (&json!(3), &json!(first)));
    assert_eq!(client.stdout().len(), BYTES);
}

#[test]
fn a_flood_of_one_line_reaches_all_and_a_client_that_never_reads_slows_no_other() {
    const BYTES: usize = 20_000_000;
    let world = World::new();
    // One line without an end, as fast as it goes.
    world.task("A", &format!("%sh head -c {BYTES} /dev/zero | tr '\\0' x\n%until go\n%exit 4\n"));
    let server = world.serve();
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let deaf: Vec<_> = ["/logs/job/A", "/logs/job/A?format=raw"].map(|path| server.ws(path)).into();
    let expected = "x".repeat(BYTES);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..10)
            .map(|number| {
                let (server, expected) = (&server, &expected);
                scope.spawn(move || {
                    if number % 2 == 0 {
                        let (bytes, end) = raw(server.ws("/logs/job/A?format=raw"));
                        assert!(bytes == expected.as_bytes(), "{} bytes", bytes.len());
                        end
                    } else {
                        let mut client = Follower::new("/logs/job/A");
                        let end = client.follow(server);
                        assert!(client.stdout() == *expected, "{} bytes", client.stdout().len());
                        end
                    }
                })
            })
            .collect();
        world.write("go", "");
        for reader in readers {
            assert_eq!(reader.join().unwrap()["exitCode"], 4);
        }
    });
    let resident = server.figures().resident_kib;
    assert!(resident < 48 * 1024, "a log is never held: {resident} KiB");
    drop(deaf);
    server.assert_alive();
}

#[test]
fn an_end_is_sent_although_a_process_holds_the_log_open() {
    let world = World::new();
    world.task("CLOSED", "%out before\n%close\n%until go\n%exit 7\n");
    world.task("HELD", "%out before\n%setsid\n%double-fork\n%until go\n%exit 8\n");
    let server = world.serve();
    let runs = ["CLOSED", "HELD"].map(|task| world.detach("job", task));
    let mut clients = ["CLOSED", "HELD"].map(|task| Follower::new(&format!("/logs/job/{task}")));
    let sockets: Vec<_> = clients.iter().map(|client| client.open(&server)).collect();
    runs.iter().for_each(|run| drop(world.agent_ready(run)));
    world.write("go", "");
    for ((client, ws), code) in clients.iter_mut().zip(sockets).zip([7, 8]) {
        assert_eq!(client.follow_on(ws)["exitCode"], code);
        assert_eq!(client.stdout(), "before\n");
    }
}

#[test]
fn an_agent_that_meddles_with_its_log_gets_nothing_else_shown() {
    let world = World::new();
    fs::write(world.root().join("secret"), "nobody's business\n").unwrap();
    let log = ".dispatch/runs/$DISPATCH_RUN_ID/stdout.log";
    let tasks = [
        ("TRUNCATE", format!(": >{log}")),
        ("DELETE", format!("rm {log}")),
        ("LINK", format!("ln -sf $PWD/../secret {log}")),
        ("FOLDER", format!("rm {log}; mkdir {log}")),
        ("PIPE", format!("rm {log}; mkfifo {log}")),
    ];
    for (task, meddle) in &tasks {
        world.task(task, &format!("%out here\n%until go\n%sh {meddle}\n%out there\n%exit 7\n"));
    }
    let server = world.serve();
    for (task, _) in &tasks {
        let run = world.detach("job", task);
        let mut early = server.ws(&format!("/logs/job/{task}"));
        let mut shown = String::new();
        while shown != "here\n" {
            shown += early.next_json()["data"].as_str().unwrap();
        }
        world.write("go", "");
        let (_, closed) = early.read_to_end();
        assert_eq!(closed.map(|frame| u16::from(frame.code)), Some(1000), "{task}: an open client sees its end");
        assert_eq!(world.wait_state("job", task, "failed")["exitCode"], 7, "{task}");
        // A later client may find less, or nothing, but never another file.
        let (messages, closed) = server.ws(&format!("/logs/job/{task}")).read_to_end();
        assert!(closed.is_some() && !format!("{messages:?}").contains("nobody"), "{task}: {messages:?}");
        let reply = server.get(&format!("/api/runs/{run}/stdout"));
        assert!(!reply.text().contains("nobody"), "{task}: {reply:?}");
        fs::remove_file(world.project().join("go")).unwrap();
    }
    server.assert_alive();
}

#[test]
fn a_secret_of_the_environment_is_in_nothing_that_the_server_sends() {
    let world = World::with("pass_env: [TOKEN]\n");
    world.task("A", "%out done\n%exit 3\n");
    let call = world.dispatch("-vv serve --port 0 --json").env("TOKEN", "canary-token").start();
    let server = world.server_of(call);
    let mut events = server.ws("/api/events");
    let run = server.post("/dispatch/job/A", "").json()["runId"].as_str().unwrap().to_owned();
    let mut client = Follower::new("/logs/job/A");
    let end = client.follow(&server);
    let environment = world.saw_words(&run, "env");
    assert!(environment.contains(&"TOKEN=canary-token".to_owned()), "the agent has it");
    let mut said = format!("{end}{}", server.stderr());
    while !said.contains("\"plan\"") {
        said += &events.next_json().to_string();
    }
    let run_path = format!("/api/runs/{run}");
    for path in ["/status/job/A", &run_path, "/api/runs", "/api/history", "/api/plan", "/api/tasks", "/metrics"] {
        said += &server.get(path).text();
    }
    said += &server.post("/api/render/job/A", "{}").text();
    said += &server.post("/dispatch/job/A", "{\"prompt\":7}").text();
    said += &server.stderr();
    assert!(!said.contains("canary-token"), "{said}");
}
