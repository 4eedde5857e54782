//! `history`, `prune`, retention, and the tables that people read.

use crate::world::World;

fn ran(times: usize) -> World {
    let world = World::with("retention: { runs_per_pair: 3 }\n");
    world.task("TASK-1", "%exit 0").task("TASK-2", "%exit 7");
    for _ in 0..times {
        world.dispatch("run -q job TASK-1").notes().succeeds();
    }
    world.dispatch("run -q job TASK-2").any_stderr().fails_with(7);
    world
}

#[test]
fn history_lists_the_newest_first_and_filters() {
    let world = ran(2);
    let runs = world.history();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[0]["task"], "TASK-2");
    let filtered = world.dispatch("history --task TASK-1 --mode job --limit 1").json();
    assert_eq!(filtered["runs"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["runs"][0]["task"], "TASK-1");
    assert_eq!(world.dispatch("history --since 1h").json()["runs"].as_array().unwrap().len(), 3);
    world.dispatch("history").stdout_has("TASK-1").stdout_has("TASK-2").stdout_has("7").succeeds();
}

#[test]
fn history_adds_up_by_day_mode_task_and_agent() {
    let world = World::new();
    world.dispatch("history --by mode").stdout_is("").stderr_has("no run has ended yet").succeeds();
    world.task("A", "%exit 0").task("B", "%exit 7");
    for _ in 0..2 {
        world.dispatch("run -q job A").notes().succeeds();
    }
    world.dispatch("run -q job B").any_stderr().fails_with(7);
    world.detach("job", "A");
    world.dispatch("wait job A").notes().succeeds();
    let rows = |by: &str| {
        let text = world.dispatch(&format!("history --by {by}")).succeeds().text();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        text.lines().map(words).collect::<Vec<_>>()
    };
    let tasks = rows("task");
    assert_eq!(tasks[0], ["TASK", "RUNS", "SUCCESS", "TIME", "COST"]);
    assert_eq!((tasks[1][..4].join(" "), tasks[2][..4].join(" ")), ("A 3 100 %".to_owned(), "B 1 0 %".to_owned()));
    assert_eq!(rows("mode")[1][..4].join(" "), "job 4 75 %");
    assert_eq!(rows("agent")[1][..4].join(" "), "fake 4 75 %");
    let day = world.status("job", "A")["endedAt"].as_str().unwrap()[..10].to_owned();
    world.dispatch("history --by day").env("TZ", "UTC0").stdout_has(&day).succeeds();
    let reported = world.dispatch("history --by task --task B").json();
    let group = &reported["groups"][0];
    assert_eq!((&reported["by"], &group["name"], &group["runs"]), (&"task".into(), &"B".into(), &1.into()));
    assert_eq!((&group["outcomes"]["failed"], &group["successRate"]), (&1.into(), &0.0.into()));
    let all: u64 = world.history().iter().filter_map(|run| run["durationMs"].as_u64()).sum();
    assert_eq!(world.dispatch("history --by mode").json()["groups"][0]["durationMs"], all);
    world
        .dispatch("history --by week")
        .stdout_is("")
        .stderr_has("[possible values: day, mode, task, agent]")
        .fails_with(2);
    world.dispatch("history --by day --limit 3").stdout_is("").stderr_has("--limit").fails_with(2);
}

#[test]
fn retention_is_applied_after_each_ended_run() {
    let world = ran(6);
    let kept = world.history().iter().filter(|run| run["task"] == "TASK-1").count();
    assert_eq!(kept, 3);
    let folders = std::fs::read_dir(world.state().join("runs")).unwrap().count();
    assert_eq!(folders, 4);
}

#[test]
fn prune_deletes_by_the_policy_and_n_only_says_what() {
    let world = ran(3);
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("runs_per_pair: 3", "runs_per_pair: 1"));
    world.dispatch("prune -n").notes().succeeds();
    assert_eq!(world.history().len(), 4);
    world.dispatch("prune").notes().succeeds();
    assert_eq!(world.history().len(), 2);
    assert_eq!(std::fs::read_dir(world.state().join("runs")).unwrap().count(), 2);
}

#[test]
fn prune_never_takes_what_runs_or_waits() {
    let world = World::with("jobs: 1\nretention: { runs_per_pair: 1, max_age: 0s }\n");
    world.task("TASK-1", "%hang").task("TASK-2", "%exit 0");
    let running = world.detach("job", "TASK-1");
    let waiting = world.detach("job", "TASK-2");
    world.dispatch("prune").notes().succeeds();
    assert_eq!(world.status("job", "TASK-1")["runId"], running.as_str());
    assert_eq!(world.status("job", "TASK-2")["runId"], waiting.as_str());
    assert!(world.run_folder(&running).join("spec.json").exists());
}

#[test]
fn prune_never_follows_a_link_out_of_the_state_folder() {
    let world = ran(1);
    let outside = world.root().join("precious");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), "x").unwrap();
    std::os::unix::fs::symlink(&outside, world.state().join("runs/01ARZ3NDEKTSV4RRFFQ69G5FAV")).unwrap();
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("runs_per_pair: 3", "runs_per_pair: 1, max_age: 0s"));
    world.dispatch("prune").any_stderr().ends_somehow();
    assert!(outside.join("file").exists());
}

#[test]
fn status_shows_what_is_active_and_what_ended_last() {
    let world = ran(1);
    world.task("LIVE", "%hang");
    world.detach("job", "LIVE");
    world.wait_state("job", "LIVE", "running");
    world.dispatch("status").stdout_has("LIVE").stdout_has("running").stdout_has("TASK-2").succeeds();
    for alias in ["list", "ls"] {
        world.dispatch(alias).stdout_has("LIVE").succeeds();
    }
    let active = world.dispatch("status").json();
    assert!(active["runs"].as_array().unwrap().iter().any(|run| run["task"] == "LIVE"), "{active}");
}

#[test]
fn terminal_codes_in_a_title_or_log_do_not_reach_the_tables() {
    let world = World::new();
    world.write(
        "tasks/EVIL.md",
        "---\ntitle: \"\\e]0;owned\\a\\e[31mred\"\n---\n\n%out \u{1b}]52;c;b3duZWQ=\u{7}text\n",
    );
    world.dispatch("run -q job EVIL").notes().succeeds();
    for words in ["tasks", "status", "history", "task EVIL"] {
        let ended = world.dispatch(words).succeeds();
        assert!(!ended.stdout.contains(&0x1b), "{words}: {:?}", ended.text());
    }
    let raw = world.dispatch("logs job EVIL --raw").succeeds().stdout;
    assert!(raw.contains(&0x1b), "--raw is exact");
}

#[test]
fn completions_know_modes_and_tasks() {
    let world = World::new();
    world.task("TASK-1", "x");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.dispatch("completions").arg(shell).succeeds();
        assert!(!script.stdout.is_empty(), "{shell}");
    }
}

#[test]
fn doctor_names_what_is_there() {
    let world = World::new();
    world.dispatch("doctor").any_stderr().stdout_has("tmux").stdout_has("git").ends_somehow();
}

#[test]
fn help_and_version_need_no_manifest() {
    let world = World::bare();
    world.dispatch("--version").stdout_has(env!("CARGO_PKG_VERSION")).succeeds();
    world.dispatch("--help").stdout_has("run").stdout_has("status").succeeds();
    world.dispatch("run --help").stdout_has("--detach").succeeds();
    world.dispatch("--no-such-flag").any_stderr().fails_with(2);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let world = ran(1);
    assert!(!world.dispatch("history").succeeds().stdout.contains(&0x1b));
    assert!(world.dispatch("--color always history").succeeds().stdout.contains(&0x1b));
    assert!(!world.dispatch("history").env("NO_COLOR", "1").succeeds().stdout.contains(&0x1b));
}
