//! The history of `serve`: pages by cursor, filters, totals, CSV, and how they hold with many runs.

use std::time::Instant;

use serde_json::{Value, json};

use crate::past::PastRun;
use crate::server::Server;
use crate::world::World;

/// Ids and the cursor of the next page.
#[track_caller]
fn page(server: &Server, query: &str) -> (Vec<String>, Option<String>, Value) {
    let reply = server.get(&format!("/api/history?{query}"));
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    let page = reply.json();
    let runs = page["runs"].as_array().unwrap();
    let ids = runs.iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect();
    (ids, page["next"].as_str().map(str::to_owned), page["totals"].clone())
}

/// The tasks of what a query finds, the last to end first.
#[track_caller]
fn tasks(server: &Server, query: &str) -> Vec<String> {
    let reply = server.get(&format!("/api/history?{query}"));
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    let page = reply.json();
    assert_eq!(page["totals"]["runs"], page["runs"].as_array().unwrap().len(), "{query}: {page}");
    page["runs"].as_array().unwrap().iter().map(|run| run["task"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cursor_leads_to_the_end_without_gap_or_repeat_while_runs_end() {
    let world = World::with("retention: { runs_per_pair: 1000 }\n");
    world.task("A", "%out x\n");
    let like = world.ended_run("A");
    // Many ended in the same millisecond.
    let runs: Vec<PastRun> =
        (0..60).map(|n| PastRun::new("job", "A", &format!("2026-01-{:02}T10:00:00Z", 1 + n % 4))).collect();
    let ids = world.make_past(&like, &runs);
    let mut expected: Vec<(i64, &String)> = runs.iter().map(|run| run.ended_ms).zip(&ids).collect();
    expected.sort();
    let expected: Vec<&String> = std::iter::once(&like).chain(expected.into_iter().rev().map(|(_, id)| id)).collect();
    let server = world.serve();
    for limit in [1, 7, 61, 100] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        let before: Vec<String> = world.history().iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect();
        let newer = before.iter().position(|id| *id == like).unwrap();
        loop {
            let (ids, next, _) = page(&server, &format!("limit={limit}{cursor}"));
            assert!(ids.len() <= limit, "{limit}");
            found.extend(ids);
            pages += 1;
            if pages < 4 {
                world.dispatch("run -q job A").notes().succeeds();
            }
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(&found[newer..], expected.iter().map(|id| (*id).clone()).collect::<Vec<_>>(), "{limit}");
        assert_eq!(&found[..newer], &before[..newer], "{limit}");
    }
    server.assert_alive();
}

#[test]
fn filters_select_and_totals_are_of_all_that_is_selected() {
    let world = World::with("  lint: { agent: fake, prompt: \"%out x\" }\n");
    for (task, title) in [("A-1", "First thing"), ("A-10", "Second thing"), ("B", "The Größe of it")] {
        world.write(format!("tasks/{task}.md"), format!("---\ntitle: {title}\n---\n%out x\n"));
    }
    let like = world.ended_run("B");
    world.make_past(
        &like,
        &[
            PastRun::new("job", "A-1", "2026-01-01T23:30:00Z").failed("Überlauf of the STACK").cost(0.25),
            PastRun { agent: "other", ..PastRun::new("lint", "A-1", "2026-01-02T12:00:00Z").cost(0.5) },
            PastRun { state: "stopped", millis: None, ..PastRun::new("lint", "A-10", "2026-01-03T00:00:00Z") },
        ],
    );
    // Two hours east of Greenwich.
    let server = world.serve_with("serve --port 0 --json", &[("TZ", "EET-2")]);
    for (query, expected) in [
        ("", &["B", "A-10", "A-1", "A-1"][..]),
        ("task=A-1", &["A-1", "A-1"]),
        ("task=A-2", &[]),
        ("task=A-1*", &["A-10", "A-1", "A-1"]),
        ("task=*-10", &["A-10"]),
        ("task=*GR%C3%96%C3%9FE*", &["B"]),
        ("task=*second*", &["A-10"]),
        ("task=*%25*", &[]),
        ("mode=lint", &["A-10", "A-1"]),
        ("mode=gone", &[]),
        ("outcome=failed", &["A-1"]),
        ("outcome=lost", &[]),
        ("agent=other", &["A-1"]),
        ("agent=fake&mode=lint", &["A-10"]),
        ("q=stack", &["A-1"]),
        ("q=STACK+%C3%BCber", &["A-1"]),
        ("q=stack+heap", &[]),
        ("q=%25", &[]),
        ("q=&mode=&task=&outcome=&since=&from=&to=&agent=", &["B", "A-10", "A-1", "A-1"]),
        ("to=2026-01-01", &[]),
        ("to=2026-01-02", &["A-1", "A-1"]),
        ("from=2026-01-02&to=2026-01-02", &["A-1", "A-1"]),
        ("from=2026-01-03&to=2026-01-03", &["A-10"]),
        ("from=2026-01-02T12:00:00Z&to=2026-01-03T00:00:00Z", &["A-1"]),
        ("from=2026-01-02T14:00:00.001%2B02:00&to=2026-01-03T00:00:00.001Z", &["A-10"]),
        ("from=2026-01-03&to=2026-01-02", &[]),
        ("since=1h", &["B"]),
    ] {
        assert_eq!(tasks(&server, query), expected, "{query}");
    }
    let (ids, next, totals) = page(&server, "limit=1&task=A*");
    assert_eq!((ids.len(), next.is_some()), (1, true));
    let outcomes =
        json!({ "succeeded": 1, "failed": 1, "timed_out": 0, "stopped": 1, "lost": 0, "dependency_failed": 0 });
    assert_eq!(totals, json!({ "runs": 3, "outcomes": outcomes, "durationMs": 1000, "costUsd": 0.75 }));
    assert_eq!(page(&server, "limit=0").0.len(), 0);
    assert_eq!(page(&server, "limit=0").1, None);
    // The command line has the same document.
    let told = world.dispatch("history --limit 2 --task A-1").json();
    assert_eq!(told, server.get("/api/history?limit=2&task=A-1").json());
    assert_eq!(
        world.dispatch("history --limit 1 --task A-1").json()["next"],
        page(&server, "limit=1&task=A-1").1.unwrap()
    );
}

#[test]
fn a_value_that_cannot_be_read_is_refused_with_a_hint() {
    let world = World::new();
    world.task("A", "%out x\n");
    world.ended_run("A");
    let server = world.serve();
    for path in ["/api/history", "/api/history.csv", "/ui/history"] {
        for (query, hint) in [
            ("cursor=x", "next"),
            ("cursor=", "next"),
            ("cursor=5-01ARZ3NDEKTSV4RRFFQ69G5FA", "next"),
            ("cursor=1e9-01ARZ3NDEKTSV4RRFFQ69G5FAV", "next"),
            ("cursor=%27%20OR%201=1--01ARZ3NDEKTSV4RRFFQ69G5FAV", "next"),
            ("from=yesterday", "2026-11-22"),
            ("from=2026-02-30", "2026-11-22"),
            ("to=2026-01-01T00:00:00", "2026-11-22"),
            ("to=2026-01-01T00:00:00+02:00", "%2B"),
            ("outcome=odd", "succeeded"),
            ("since=soon", "30m"),
        ] {
            let reply = server.get(&format!("{path}?{query}"));
            assert_eq!((reply.status, reply.code().as_str()), (400, "bad_value"), "{path} {query}");
            assert!(reply.json()["error"]["hint"].as_str().unwrap().contains(hint), "{path} {query}: {}", reply.text());
        }
        for query in ["limit=-1", "limit=x", "cursor=1-x&cursor=1-x", "other=1"] {
            assert_eq!(server.get(&format!("{path}?{query}")).status, 400, "{path} {query}");
        }
    }
    // A good cursor of no run is a position like any other.
    assert_eq!(page(&server, "cursor=0-01ARZ3NDEKTSV4RRFFQ69G5FAV").0.len(), 0);
    let many = "x+".repeat(7000);
    assert_eq!(page(&server, &format!("q={many}")).0.len(), 0, "as many words as a head can hold");
    assert_eq!(page(&server, "task=A").0.len(), 1, "and the index is whole");
}

#[test]
fn the_csv_has_every_run_and_no_formula() {
    let world = World::with("retention: { runs_per_pair: 10000 }\n");
    world.write("tasks/A.md", "---\ntitle: \"=HYPERLINK(1)\"\n---\n%out x\n");
    let like = world.ended_run("A");
    let evil = "=cmd|' /C calc'!A0, \"quoted\"\nand <script>";
    let mut runs = vec![PastRun::new("job", "A", "2026-01-01T10:00:00Z").failed(evil).cost(0.0123)];
    // More than the server holds at once.
    runs.extend((0..1200).map(|n| PastRun::new("job", "B", &format!("2025-01-01T10:{:02}:{:02}Z", n / 60, n % 60))));
    world.make_past(&like, &runs);
    let server = world.serve();
    let reply = server.get("/api/history.csv");
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"history.csv\""));
    let text = reply.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "\"runId\",\"task\",\"title\",\"mode\",\"outcome\",\"reason\",\"exitCode\",\"signal\",\"createdAt\",\
         \"startedAt\",\"endedAt\",\"durationMs\",\"attempts\",\"costUsd\",\"agent\",\"startedBy\""
    );
    assert_eq!((lines.len(), lines[1203]), (1204, ""), "the header, each run, and the end of the last line");
    assert!(
        lines[1].starts_with(&format!("\"{like}\",\"A\",\"'=HYPERLINK(1)\",\"job\",\"succeeded\",")),
        "{}",
        lines[1]
    );
    let cell = "\"'=cmd|' /C calc'!A0, \"\"quoted\"\"\nand <script>\"";
    assert!(lines[2].contains(cell), "{}", lines[2]);
    assert!(lines[2].ends_with("\"2026-01-01T10:00:00Z\",500,1,0.0123,\"fake\",\"cli\""), "{}", lines[2]);
    for line in &lines[..1203] {
        assert!(line.split(',').all(|cell| !cell.trim_start_matches('"').starts_with(['=', '+', '-', '@'])), "{line}");
    }
    let rows = |query: &str| server.get(&format!("/api/history.csv?{query}")).text().matches("\r\n").count() - 1;
    assert_eq!(rows("task=B"), 1200);
    assert_eq!(rows("task=B&limit=700"), 700);
    assert_eq!((rows("outcome=failed"), rows("q=calc"), rows("outcome=lost"), rows("limit=0")), (1, 1, 0, 0));
    let (_, next, _) = page(&server, "limit=2");
    assert_eq!(rows(&format!("cursor={}", next.unwrap())), 1200);
    let head = server.ask("HEAD", "/api/history.csv", &["Connection: close"]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(server.bare("GET", "/api/history.csv", &[]).status, 401);
    let old = server.say(format!(
        "GET /api/history.csv?limit=1 HTTP/1.0\r\nHost: {}\r\n{}\r\n\r\n",
        server.host,
        server.bearer()
    ));
    assert_eq!(old.text().matches("\r\n").count(), 2);
    server.assert_alive();
}

#[test]
fn ten_thousand_runs_are_counted_and_walked() {
    const RUNS: usize = 10_000;
    let world = World::with("budget: { day: 20 }\n");
    world.task("A", "%out x\n");
    for n in 0..200 {
        world.task(&format!("T-{n}"), "x\n");
    }
    let like = world.ended_run("A");
    let runs: Vec<PastRun> = (0..RUNS)
        .map(|n| {
            let time = format!("2026-{:02}-{:02}T{:02}:{:02}:00Z", 1 + n % 3, 1 + n % 28, n % 24, n % 60);
            let run = PastRun::new(["job", "lint", "review", "plan"][n % 4], &format!("T-{}", n % 200), &time);
            let run = if n % 5 == 0 { run.failed(&format!("exit code {}", n % 7)) } else { run };
            run.cost(n as f64 / 1e5)
        })
        .collect();
    world.make_past(&like, &runs);
    let timed = |what: &str, ask: &dyn Fn() -> String| {
        let start = Instant::now();
        let answer = ask();
        eprintln!("{what}: {:.1} ms, {} bytes", start.elapsed().as_secs_f64() * 1e3, answer.len());
        answer
    };
    timed("history --limit 1, which makes the index", &|| world.dispatch("history --limit 1").json().to_string());
    let server = world.serve();
    let get = |path: &str| server.get(path).text();
    get("/ui/history");
    let html = timed("page with charts", &|| get("/ui/history"));
    assert!(html.contains(&format!("<strong>{} runs</strong>", RUNS + 1)) && html.contains("<svg"), "{html}");
    timed("page of a reason", &|| get("/ui/history?q=code+3"));
    timed("page of a part of a task's name", &|| get("/ui/history?task=T-1"));
    timed("API, one page", &|| get("/api/history?limit=100"));
    let all = timed("API, all at once", &|| get("/api/history?limit=10000"));
    assert_eq!(serde_json::from_str::<Value>(&all).unwrap()["runs"].as_array().unwrap().len(), RUNS);
    let csv = timed("CSV, all", &|| get("/api/history.csv"));
    assert_eq!(csv.matches("\r\n").count(), RUNS + 2);
    let mut ids = std::collections::HashSet::new();
    let start = Instant::now();
    let mut cursor = String::new();
    loop {
        let (found, next, totals) = page(&server, &format!("limit=1000{cursor}"));
        assert_eq!(totals["runs"], RUNS + 1);
        assert!(found.into_iter().all(|id| ids.insert(id)), "no run comes twice");
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    eprintln!("API, walked by thousands: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    assert_eq!(ids.len(), RUNS + 1);
    server.assert_alive();
}
