//! Whole files and their problems: exact messages at exact positions.

mod beside;
mod fixes;
mod mistakes;
mod refused;

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use crate::manifest::{Loaded, Origin, PromptSource, TaskChoice, TaskSelector, load, load_shape, starter_files};
use crate::model::editor::EditorCommand;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;
use crate::model::protocol::{PromptDelivery, Protocol};
use crate::model::restart::Restart;
use crate::model::retry::{Retry, RetryOn};
use crate::model::task_source::{RunInstructions, SubtaskFile, TaskSource};
use crate::model::task_status::TaskStatus;
use crate::model::terminal::{Terminal, TerminalName};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load_in(folder: &tempfile::TempDir) -> Loaded {
    load(&folder.path().join("dispatch.yaml"), None)
}

/// `file:line:col: message | hint`, the underlined text in «».
fn line(problem: &Problem) -> String {
    let place = problem.place.as_ref();
    let file = place.map_or("?".into(), |place| place.path.file_name().unwrap().to_string_lossy().into_owned());
    let at = place.and_then(|place| place.excerpt.as_ref()).map_or(String::new(), |excerpt| {
        let (line, column) = excerpt.line_column();
        format!(":{line}:{column}:«{}»", &excerpt.source[excerpt.start..excerpt.end])
    });
    let hints: String = problem.hints.iter().map(|hint| format!(" | {hint}")).collect();
    format!("{file}{at} {}{hints}", problem.message)
}

fn lines(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(line).collect()
}

fn problems(text: &str) -> Vec<String> {
    lines(&load_in(&folder(&[("dispatch.yaml", text)])))
}

fn mode<'a>(loaded: &'a Loaded, name: &str) -> &'a crate::manifest::Mode {
    &loaded.manifest.as_ref().unwrap().modes[&ModeName::parse(name).unwrap()]
}

const COMPLETE: &str = r##"# yaml-language-server: $schema=./dispatch.schema.json
version: 1
session: scopecraft            # tmux session; default: the manifest folder's name, `.` and `:` as `_`
tmux: { socket: default }      # a -L name; default: the user's own server (DISPATCH_TMUX_SOCKET overrides)
terminal: auto                 # the name of a terminal, or argv with {{ command }}
jobs: 4                        # headless jobs at once in this project
state_dir: .dispatch           # 0700; ignores itself in git
env: { CI: "1" }               # for every run
pass_env: [ANTHROPIC_API_KEY]  # from the caller, beside PATH HOME LANG LC_* TERM SHELL USER TMPDIR XDG_*
retention: { runs_per_pair: 20, max_age: 30d }   # applied after each ended run of the pair
budget: { run: 2.00, day: 20.00 }                # USD; over the day's sum headless runs stay queued

tasks:
  - files: "tasks/**/*.md"     # TOML +++ or YAML --- front matter, or "# Title" first and --- after it
  - list: [{ id: TASK-42, title: Tidy the parser }]

worktree:
  path: "../{{ project.name }}.worktrees/{{ task.id }}"
  create: false                # true: `git worktree add`
  branch: "task/{{ task.id | lower }}"
  base: main
  copy: [.env]                 # into a new worktree
  setup: "npm ci"              # part of the first run, its log kept

agents:
  claude:                      # built in; shown as it is
    interactive: claude        # a string is split as a shell would (no shell runs); a list is argv
    headless: [claude, -p, --output-format, stream-json, --verbose]
    prompt: { interactive: arg, headless: stdin }   # arg | stdin | file | none; one word means both
    protocol: claude           # how its output and state are read

modes:
  none: { interactive: true }  # built in: the agent alone, no prompt
  interactive:
    interactive: true
    template: templates/interactive.md
    cleanup_on_exit: true                   # interactive: close the window when the agent ends
  code-review:
    description: Review the task's change
    template: templates/code-review.md      # or prompt: "inline {{ task.id }}"
    flags: [--permission-mode, plan]
    save_to: "reviews/{{ task.id }}.md"     # the final answer
    timeout: 30m                            # wall clock of one attempt
    stop_grace: 10s
    log_max: 1GiB                           # over it the run fails (log limit)
    limits: { cpu: 20m, memory: 4GiB, processes: 512 }   # of the whole tree, by cgroup
    retry: { max: 2, backoff: 30s, on: [rate_limit, crash, timeout] }
    needs: [lint]                           # modes that run first on the same task
    gate: approve                           # waits for a person before it starts
    exclusive: true                         # no other exclusive run in the same folder at once
    sources: ["src/**/*.rs"]                # with generates: skip when nothing changed
    generates: ["reviews/{{ task.id }}.md"]
    expect: { non_empty: true, files: ["reviews/{{ task.id }}.md"], command: "test -s …" }
    agent: claude
    cwd: "{{ worktree.path }}"
    env: {}
  lint: { prompt: x, retry: { max: 1 } }

mode_files: [".claude/commands/*.md"]       # each file an interactive mode; a block of its name overrides field by field

runs:                                       # the wanted set, applied only by `up`
  - mode: interactive
    tasks: { status: in_progress, tag: core }   # a selector, or a list of ids
    restart: never                              # never | on_failure | always (interactive only)

  # a comment
  - { mode: code-review, tasks: [TASK-42] }
"##;

#[test]
fn the_complete_example_loads() {
    let folder = folder(&[
        ("dispatch.yaml", COMPLETE),
        ("templates/interactive.md", "{{ task.title }}"),
        ("templates/code-review.md", "{{ task.body }} {{ prompt }}\n"),
    ]);
    let loaded = load_in(&folder);
    assert_eq!(lines(&loaded), [""; 0]);
    let manifest = loaded.manifest.as_ref().unwrap();
    assert_eq!(manifest.session, "scopecraft");
    assert_eq!(manifest.tmux_socket.as_deref(), Some("default"));
    assert_eq!((manifest.jobs, &manifest.terminal), (4, &Terminal::Auto));
    assert_eq!(manifest.state_dir, manifest.root.join(".dispatch"));
    assert_eq!(manifest.retention.max_age.unwrap().to_string(), "30d");
    assert!(
        matches!(&manifest.tasks[..], [TaskSource::Files(_), TaskSource::List(list)] if list[0].title == "Tidy the parser")
    );
    assert_eq!(manifest.worktree.as_ref().unwrap().setup, ["npm", "ci"]);
    let claude = &manifest.agents["claude"];
    assert_eq!((claude.prompt_interactive, claude.prompt_headless), (PromptDelivery::Arg, PromptDelivery::Stdin));
    assert_eq!(claude.protocol, Protocol::Claude);
    let review = mode(&loaded, "code-review");
    assert_eq!(review.prompt, PromptSource::Template(manifest.root.join("templates/code-review.md")));
    assert_eq!(review.origin, Origin::Manifest { line: 38 });
    assert_eq!(review.expect.command, ["test", "-s", "…"]);
    assert_eq!(review.limits.processes, Some(512));
    assert!(review.gate && review.exclusive);
    assert_eq!(review.needs, [ModeName::parse("lint").unwrap()]);
    assert_eq!((&review.sources[..], review.generates.len()), (&["src/**/*.rs".to_owned()][..], 1));
    let thirty = Interval::from_secs(30);
    assert_eq!(review.retry, Some(Retry { max: 2, backoff: thirty, on: RetryOn::ALL.into() }));
    let lint = mode(&loaded, "lint").retry.as_ref().unwrap();
    assert_eq!((lint.max, lint.backoff, lint.on.len()), (1, thirty, 1));
    assert_eq!((manifest.budget.run, manifest.budget.day), (Some(2.0), Some(20.0)));
    let [first, second] = &manifest.runs[..] else { panic!("{:?}", manifest.runs) };
    let selector =
        TaskSelector { status: vec![TaskStatus::InProgress], tag: vec!["core".to_owned()], ..TaskSelector::default() };
    assert_eq!((&first.tasks, first.restart), (&TaskChoice::Selected(selector), Restart::Never));
    assert_eq!(second.tasks, TaskChoice::Ids(vec![TaskId::parse("TASK-42").unwrap()]));
    let line = |n: usize| COMPLETE.lines().nth(n - 1).unwrap();
    assert_eq!(line(first.line), "  - mode: interactive");
    assert!(line(second.line).contains("code-review"));
    assert!(mode(&loaded, "interactive").cleanup_on_exit);
    assert_eq!(load_shape(&folder.path().join("dispatch.yaml"), None).manifest, loaded.manifest);
}

#[test]
fn the_starter_loads_without_a_word() {
    let loaded = load_in(&folder(starter_files()));
    assert_eq!(lines(&loaded), [""; 0]);
    assert!(mode(&loaded, "interactive").form.has_window());
}

#[test]
fn a_manifest_needs_little() {
    let loaded = load_in(&folder(&[("dispatch.yaml", "\u{feff}version: 1\r\nmodes:\r\n")]));
    assert_eq!(lines(&loaded), [""; 0]);
    let none = mode(&loaded, "none");
    assert!(none.form.has_window() && none.origin == Origin::BuiltIn && none.prompt == PromptSource::None);
}
