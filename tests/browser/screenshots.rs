//! The pictures of the README: a made-up project with the demo's stand-in agent, at rest.
//!
//! `SCREENSHOTS=1 cargo test --test browser screenshots` writes them into `docs/`; else they are made, and
//! thrown away.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::browser::Page;
use crate::past::PastRun;
use crate::waiting::{is, wait_for};
use crate::world::World;

/// Larger ones are not for a README.
pub(crate) const LARGEST: u64 = 120_000;

const MORE_MODES: &str = r#"
  implement:
    description: Do what the task asks for, in a worktree of its own
    agent: stand-in
    prompt: "Implement {{ task.id }}: {{ task.title }}\n\n{{ task.body }}"

  release:
    description: Publish what was merged; a person says yes first
    agent: stand-in
    prompt: "Release {{ task.id }}"
    needs: [code-review]
    gate: approve

budget: { day: 6 }

runs:
  - { mode: interactive, tasks: { status: in_progress } }
  - { mode: implement, tasks: [LAN-14, LAN-16], restart: on_failure }
  - { mode: code-review, tasks: { parent: LAN-12 } }
  - { mode: release, tasks: [LAN-20] }
"#;

/// Days with earlier runs.
const DAYS: i64 = 21;

/// Folder, id, title, status, tags, body.
const TASKS: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("02-alpha", "LAN-12", "Read forecasts from the cache first", "in_progress", "core, cache", CACHE),
    (
        "02-alpha",
        "LAN-13",
        "Tell an empty answer from a missing one",
        "review",
        "core",
        "An empty list is an answer.\n",
    ),
    ("02-alpha", "LAN-14", "Retry with a backoff when the service is busy", "todo", "net", "demo: hang\n"),
    ("02-alpha", "LAN-15", "Fahrenheit for those who ask for it", "done", "cli", "`--units us`\n"),
    ("02-alpha", "LAN-16", "Colours only where a terminal takes them", "todo", "cli", "demo: fail\n"),
    ("03-beta", "LAN-20", "Publish 0.3 with packages for three systems", "blocked", "release", "After LAN-12.\n"),
    ("03-beta", "LAN-21", "A manual page that is made from the help", "todo", "docs", "One source.\n"),
    ("03-beta", "LAN-22", "Measure the start-up time in CI", "todo", "ci", "At most 20 ms.\n"),
];

const CACHE: &str = r"A forecast is good for ten minutes. Today every call asks the service, so that a prompt that shows
the weather makes **one request a second**.

- [x] agree on the folder (`$XDG_CACHE_HOME/lantern`)
- [x] write an answer by rename, so that nobody reads half of it
- [ ] read it before asking, unless `--fresh` is given
- [ ] say with `-v` where an answer came from

| Case | Today | Wanted |
|---|---|---|
| cache is fresh | 340 ms | 4 ms |
| cache is old | 340 ms | 340 ms, then cached |
| offline | an error | the old answer, with a warning |
";

fn lantern() -> World {
    let world = World::bare();
    // The project's name is its folder's.
    fs::rename(world.project(), world.root().join("lantern")).unwrap();
    std::os::unix::fs::symlink("lantern", world.project()).unwrap();
    let demo = crate::programs::repository().join("examples/demo");
    for name in ["agent.sh", "greet.sh", "templates", "dispatch.yaml"] {
        world.helper("cp", &["-r", demo.join(name).to_str().unwrap(), "."]);
    }
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let manifest = manifest.replace("session: dispatch-demo\njobs: 2", "session: lantern\nenv: { DEMO_PACE: \"0\" }");
    let manifest = manifest.replace("tasks/*.md", "tasks/**/*.md").replace("timeout: 20s", "timeout: 20m");
    // It asks as any program does; a text typed to it is not confirmed.
    let talks = "agents:\n  talker: { interactive: ./agent.sh, prompt: { interactive: arg }, protocol: text }\n";
    let manifest = manifest.replacen("agents:\n", talks, 1);
    let manifest = manifest.replace("agent: stand-in\n    prompt: \"Help", "agent: talker\n    prompt: \"Help");
    world.write("dispatch.yaml", manifest + MORE_MODES);
    for (phase, id, title, status, tags, body) in TASKS {
        let phase = phase.split_once('-').unwrap().1;
        let front = format!("title: {title}\nstatus: {status}\nphase: {phase}\ntags: [{tags}]\npriority: high\n");
        world.write(format!("tasks/{id}.md"), format!("---\n{front}---\n\n{body}"));
    }
    for (n, part) in ["The format of an entry", "Write it by rename", "Read it first"].iter().enumerate() {
        let front = format!("id: LAN-12-{}\ntitle: {part}\nparent_task: LAN-12\nstatus: todo\n", n + 1);
        world.write(format!("tasks/0{n}_part.md"), format!("---\n{front}---\n\nPart of LAN-12.\n"));
    }
    world
}

/// Runs of the last weeks, like a run of today.
fn past(world: &World) {
    let like = world.detach("code-review", "LAN-15");
    world.wait_state("code-review", "LAN-15", "succeeded");
    let now = Timestamp::now();
    let mut runs = Vec::new();
    for day in (1..=DAYS).rev() {
        for n in 0..(2 + day * 7 % 5) {
            let ended = now - SignedDuration::from_hours(24 * day - 2 * n);
            let mode = ["implement", "code-review", "code-review", "release"][usize::try_from((day + n) % 4).unwrap()];
            let task = TASKS[usize::try_from((day * 3 + n) % 8).unwrap()].1;
            let mix = u16::try_from((day * 37 + n * 91) % 97).unwrap();
            let mut run = PastRun::new(mode, task, &ended.to_string()).cost(f64::from(mix) / 80.0);
            run.millis = Some(20_000 + u64::from(mix) * 9_000);
            run.agent = "stand-in";
            run.started_by = if n % 2 == 0 { "up" } else { "web" };
            runs.push(match mix % 11 {
                3 => run.failed("exit code 3"),
                7 => run.failed("the answer was empty"),
                _ => run,
            });
        }
    }
    world.make_past(&like, &runs);
}

/// Where the pictures go.
pub(crate) fn gallery(world: &World) -> PathBuf {
    let wanted = std::env::var_os("SCREENSHOTS").is_some_and(|wanted| !wanted.is_empty());
    let folder = if wanted { crate::programs::repository().join("docs") } else { world.root().join("docs") };
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The project with runs in every state.
pub(crate) fn lantern_at_work() -> World {
    let world = lantern();
    past(&world);
    for (mode, task, state) in [
        ("implement", "LAN-15", "succeeded"),
        ("implement", "LAN-16", "failed"),
        ("code-review", "LAN-13", "succeeded"),
        ("implement", "LAN-12-1", "succeeded"),
        ("code-review", "LAN-12-1", "succeeded"),
        ("code-review", "LAN-12", "succeeded"),
        ("implement", "LAN-14", "running"),
        ("release", "LAN-20", "queued"),
        ("code-review", "LAN-20", "succeeded"),
        ("interactive", "LAN-12", "running"),
    ] {
        // A run that another one needs is under way.
        if (mode, task) != ("code-review", "LAN-20") {
            world.detach(mode, task);
        }
        world.wait_state(mode, task, state);
    }
    let pane = world.panes("#{pane_id}").pop().unwrap();
    wait_for(crate::waiting::PATIENCE, "the agent asks", || {
        let shown = world.tmux(&["capture-pane", "-p", "-t", &pane]);
        is(shown.contains("What should be greeted"), shown)
    });
    world
}

#[test]
fn the_pictures_of_the_readme_can_be_made() {
    let world = lantern_at_work();
    let folder = gallery(&world);
    let server = world.serve();
    let log = world.status("code-review", "LAN-12")["runId"].as_str().unwrap().to_owned();
    let terminal = world.status("interactive", "LAN-12")["runId"].as_str().unwrap().to_owned();
    let mut page = Page::with(&world, &json!({ "viewport": [1280, 800], "motion": "reduce" }));
    for (name, path, scheme, ready) in [
        (
            "board",
            "/",
            "light",
            "document.querySelectorAll('.row').length === 11 && document.querySelector('.is-gate')",
        ),
        (
            "board-dark",
            "/",
            "dark",
            "document.querySelectorAll('.row').length === 11 && document.querySelector('.is-gate')",
        ),
        ("task", "/tasks/LAN-12", "light", "document.querySelector('#page table') && document.querySelector('.row')"),
        ("run-log", &format!("/runs/{log}"), "light", "document.body.innerText.includes('Verdict')"),
        ("run-terminal", &format!("/runs/{terminal}"), "light", "document.querySelector('.xterm-screen')"),
        (
            "now",
            &format!("/now/{terminal}"),
            "light",
            "document.querySelector('.term-box')?.dataset.link === 'live' && document.querySelectorAll('.now-item').length > 8",
        ),
        ("history", "/history", "light", "document.querySelectorAll('.past-runs tbody tr').length > 50"),
        (
            "plan",
            "/plan",
            "light",
            "document.querySelector('.drift') && document.querySelectorAll('.step').length === 7",
        ),
    ] {
        if name == "plan" {
            let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
            world.write("dispatch.yaml", manifest.replace("Help me with", "Plan with me how to do"));
        }
        page.play(&format!("await page.emulateMedia({{ colorScheme: '{scheme}' }})"));
        page.go(&server, path);
        page.wait(&format!("{name} is ready"), ready);
        // What comes in by another way has come: fonts, the terminal's screen, what it was drawn to.
        page.play("await page.waitForLoadState('networkidle'); await page.evaluate(() => document.fonts.ready)");
        let file = folder.join(format!("{name}.png"));
        page.shot(&file);
        let size = fs::metadata(&file).unwrap().len();
        assert!((5_000..LARGEST).contains(&size), "{name} has {size} bytes");
    }
    page.assert_silent();
}
