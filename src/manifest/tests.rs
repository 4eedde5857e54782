//! Whole files and their problems: exact messages at exact positions.

mod beside;
mod fixes;
mod refused;

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use crate::manifest::{Loaded, Origin, PromptSource, TaskChoice, TaskSelector, load, load_shape, starter_files};
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
    assert!(mode(&loaded, "interactive").interactive);
}

#[test]
fn a_manifest_needs_little() {
    let loaded = load_in(&folder(&[("dispatch.yaml", "\u{feff}version: 1\r\nmodes:\r\n")]));
    assert_eq!(lines(&loaded), [""; 0]);
    let none = mode(&loaded, "none");
    assert!(none.interactive && none.origin == Origin::BuiltIn && none.prompt == PromptSource::None);
}

#[test]
fn mistakes_in_different_blocks_are_all_told_with_their_places() {
    let text = r#"version: 2
sesion: x
jobs: many
env: { CI: 1, "A B": x, DISPATCH_X: y }
tasks:
  - files: "a/[x"
  - list: [{ id: "a b" }, { title: no id }, { id: T-1, tags: one }, { id: T-1 }]
worktree: { path: "../{{ prompt }}", create: yes }
agents:
  other: { headless: "a && b", prompt: stdni }
modes:
  review:
    interactve: true
    timeout: 30
    agent: clade
  review:
    flags: x
  -x: {}
  window:
    interactive: true
    timeout: 5m
    save_to: a.md
  job:
    cleanup_on_exit: true
    prompt: "{{ task.idd | lowr }}"
    template: x.md
    save_to: ../x
  late: { needs: [lint], retry: { max: 2, on: [rate-limit] } }
budget: { run: free, dya: 2 }
notify: { desktp: true, command: "a | b", on: [waitng], every: 10 }
"#;
    assert_eq!(
        problems(text),
        [
            "dispatch.yaml:1:10:«2» `version` must be 1, found `2` | this `dispatch` reads version 1; update `dispatch`, or write `version: 1`",
            "dispatch.yaml:2:1:«sesion» unknown key `sesion` in the manifest | did you mean `session`?",
            "dispatch.yaml:3:7:«many» `jobs` must be a whole number from 1 to 1000, found `many`",
            "dispatch.yaml:4:12:«1» `CI` must be text, found `1` | put it in quotes to make it text",
            "dispatch.yaml:4:15:«\"A B\"» `A B` is not the name of an environment variable",
            "dispatch.yaml:4:25:«DISPATCH_X» `DISPATCH_X` cannot be set: `DISPATCH_` names belong to `dispatch`",
            "dispatch.yaml:6:15:«[» `files` is not a file pattern: invalid range pattern",
            "dispatch.yaml:7:18:«\"a b\"» `id` is not a task id: `a b` holds ` `; only A-Z, a-z, 0-9, `_`, `-` and dots inside are allowed",
            "dispatch.yaml:7:27:«{» a listed task needs an `id`",
            "dispatch.yaml:7:62:«one» `tags` must be a list, found `one` | write `tags: [one]`",
            "dispatch.yaml:7:75:«T-1» two listed tasks have the id `T-1`",
            "dispatch.yaml:8:26:«prompt» `prompt` is not known here | only task, mode, project are",
            "dispatch.yaml:8:46:«yes» `create` must be `true` or `false`, found `yes` | write `true`",
            "dispatch.yaml:10:22:«\"a && b\"» `&&` needs a shell, and no shell runs | write [sh, -c, \"a && b\"]",
            "dispatch.yaml:10:40:«stdni» `prompt` must be `arg`, `stdin`, `file` or `none`, found `stdni` | did you mean `stdin`?",
            "dispatch.yaml:13:5:«interactve» unknown key `interactve` in `modes.review` | did you mean `interactive`?",
            "dispatch.yaml:14:14:«30» `timeout` must be a length of time such as `30m`, `10s` or `1h 30m`, found `30`",
            "dispatch.yaml:15:12:«clade» there is no agent `clade` | did you mean `claude`?",
            "dispatch.yaml:16:3:«review» duplicate key `review`",
            "dispatch.yaml:18:3:«-x» `-x` is not a mode name: `-x` starts with `-`, which would be read as an option",
            "dispatch.yaml:21:5:«timeout» an interactive mode cannot honour `timeout` | remove it, or make the mode headless with `interactive: false`",
            "dispatch.yaml:22:5:«save_to» an interactive mode cannot honour `save_to` | remove it, or make the mode headless with `interactive: false`",
            "dispatch.yaml:24:5:«cleanup_on_exit» a headless mode cannot honour `cleanup_on_exit` | remove it, or add `interactive: true`",
            "dispatch.yaml:25:5:«prompt» mode `job` has both `template` and `prompt` | keep one of the two",
            "dispatch.yaml:25:17:«task.idd» `task` has no field `idd` | did you mean `id`?",
            "dispatch.yaml:25:28:«lowr» there is no filter `lowr` | did you mean `lower`?",
            "dispatch.yaml:27:14:«../x» `save_to` must stay below the run's working directory, found `../x` | write a relative path without `..`",
            "dispatch.yaml:28:19:«lint» there is no mode `lint` | did you mean `late`?",
            "dispatch.yaml:28:48:«rate-limit» `on` must be `rate_limit`, `crash` or `timeout`, found `rate-limit` | did you mean `rate_limit`?",
            "dispatch.yaml:29:16:«free» `run` must be an amount of USD above 0, such as `2.50`, found `free`",
            "dispatch.yaml:29:22:«dya» unknown key `dya` in `budget` | did you mean `day`?",
            "dispatch.yaml:30:11:«desktp» unknown key `desktp` in `notify` | did you mean `desktop`?",
            "dispatch.yaml:30:34:«\"a | b\"» `|` needs a shell, and no shell runs | write [sh, -c, \"a | b\"]",
            "dispatch.yaml:30:48:«waitng» `on` must be `waiting`, `failed`, `done` or `succeeded`, found `waitng` | did you mean `waiting`?",
            "dispatch.yaml:30:64:«10» `every` must be a length of time such as `30m`, `10s` or `1h 30m`, found `10`",
        ]
    );
}

#[test]
fn single_mistakes() {
    for (text, expected) in [
        ("", "dispatch.yaml:1:1:«» `version` is missing | write `version: 1` in the first line"),
        (
            "version: \"1\"\n",
            "dispatch.yaml:1:10:«\"1\"» `version` must be 1, found the text `\"1\"` | remove the quotes: `version: 1`",
        ),
        ("- a\n", "dispatch.yaml:1:1:«- a» the manifest must be a mapping, found a list"),
        ("version: 1\nsession: a.b\n", "dispatch.yaml:2:10:«a.b» `session` cannot hold `.` | write `a_b`"),
        (
            "version: 1\nsession: \"@x\"\n",
            "dispatch.yaml:2:10:«\"@x\"» `session` cannot start with `@`, which tmux reads as an option or id",
        ),
        ("version: 1\nterminal: kity\n", "dispatch.yaml:2:11:«kity» unknown terminal `kity` | did you mean `kitty`?"),
        (
            "version: 1\nmodes:\n  a: { needs: [b] }\n  b: { needs: [c] }\n  c: { needs: [a, none] }\n",
            "dispatch.yaml:5:15:«[» `needs` run in a circle: a → b → c → a | remove one of the steps",
        ),
        (
            "version: 1\nmodes:\n  a: { needs: [a] }\n",
            "dispatch.yaml:3:15:«[» `needs` run in a circle: a → a | remove one of the steps",
        ),
        (
            "version: 1\nmodes:\n  a: { interactive: true, retry: { max: 1 } }\n",
            "dispatch.yaml:3:27:«retry» an interactive mode cannot honour `retry` | remove it,",
        ),
        (
            "version: 1\nmodes:\n  a: { retry: { backoff: 1s } }\n",
            "dispatch.yaml:3:15:«{» `retry` does not say how often | add `max: 2`",
        ),
        (
            "version: 1\nmodes:\n  a: { gate: aprove }\n",
            "dispatch.yaml:3:14:«aprove» `gate` must be `approve`, found `aprove` | did you mean `approve`?",
        ),
        (
            "version: 1\nmodes:\n  a: { sources: [x] }\n",
            "dispatch.yaml:3:8:«sources» `sources` without `generates` decides nothing | add `generates`, or remove `sources`",
        ),
        (
            "version: 1\nmodes:\n  a: { sources: [../x], generates: [y] }\n",
            "dispatch.yaml:3:18:«../x» `sources` must stay below the run's working directory, found `../x`",
        ),
        (
            "version: 1\nmodes:\n  a: { sources: [x], generates: [\"a/[y\"] }\n",
            "dispatch.yaml:3:34:«\"a/[y\"» `generates` holds `a/[y`, which is not a file pattern: invalid range pattern",
        ),
        (
            "version: 1\nmodes:\n  a: { sources: [\"{{ tsk.id }}\"], generates: [y] }\n",
            "dispatch.yaml:3:22:«tsk.id» there is no `tsk` in a template | did you mean `task`?",
        ),
        (
            "version: 1\nmodes:\n  job: {}\nruns:\n  - { mode: jbo, tasks: [T] }\n",
            "dispatch.yaml:5:13:«jbo» there is no mode `jbo` | did you mean `job`?",
        ),
        (
            "version: 1\nmodes:\n  job: {}\nruns:\n  - { mode: job, tasks: [T], restart: always }\n",
            "dispatch.yaml:5:39:«always» `restart: always` is for interactive modes, and `job` is headless | write `on_failure`, or `never`",
        ),
        (
            "version: 1\nruns:\n  - { mode: none, tasks: [T], restart: on-failure }\n",
            "dispatch.yaml:3:40:«on-failure» `restart` must be `never`, `on_failure` or `always`, found `on-failure` | did you mean `on_failure`?",
        ),
        (
            "version: 1\nruns:\n  - { mode: none, tasks: [A, B] }\n  - { mode: none, tasks: [A, B, B], restart: always }\n  - { mode: none, tasks: [C] }\n  - { mode: none, tasks: [C, C] }\n",
            "dispatch.yaml:4:27:«A» `none A` is wanted twice, with `restart: never` before | name it in one entry only",
        ),
        (
            "version: 1\nruns:\n  - { mode: none, tasks: { status: inprogres } }\n",
            "dispatch.yaml:3:36:«inprogres» `status` must be a status, found `inprogres` | did you mean `in_progress`?",
        ),
        (
            "version: 1\nruns:\n  - { mode: none, tasks: {} }\n",
            "dispatch.yaml:3:26:«{» an empty selector would choose every task | name one of status, tag, type, parent",
        ),
        (
            "version: 1\nruns:\n  - { mode: none }\n",
            "dispatch.yaml:3:5:«{» an entry of `runs` does not say which `tasks` |",
        ),
        (
            "version: 1\ntasks:\n  - subtasks: ../x.yml\n",
            "dispatch.yaml:3:15:«../x.yml» `../x.yml` is not a path below the project",
        ),
        (
            "version: 1\ntasks:\n  - { subtasks: x.yml, files: y }\n",
            "dispatch.yaml:3:17:«x.yml» one entry of `tasks` cannot hold both `files` and `subtasks` | start another entry with `- subtasks:`",
        ),
        (
            "version: 1\nzzzzzz: &x {}\n",
            "dispatch.yaml:2:1:«zzzzzz» unknown key `zzzzzz` in the manifest | known keys: version, ",
        ),
        (
            "version: 1\nenv: { <<: {A: b} }\n",
            "dispatch.yaml:2:8:«<<» merge keys (`<<`) are not supported | write the fields out",
        ),
        ("version: 1\njobs: !!int 4\n", "dispatch.yaml:2:7:«!!int 4» YAML tags (`!…`) are not supported"),
        ("version: 1\njobs: 0\n", "dispatch.yaml:2:7:«0» `jobs` must be a whole number from 1 to 1000, found `0`"),
        (
            "version: 1\njobs: .nan\n",
            "dispatch.yaml:2:7:«.nan» `jobs` must be a whole number from 1 to 1000, found the number `NaN`",
        ),
        (
            "version: 1\njobs: 1_000\n",
            "dispatch.yaml:2:7:«1_000» `jobs` must be a whole number from 1 to 1000, found `1_000`",
        ),
        (
            "version: 1\njobs: 100000000000000000000000000000000000000000000\n",
            "dispatch.yaml:2:7:«100000000000000000000000000000000000000000000» `jobs` must be a whole number from 1 to 1000, found the number `100000000000000000000000000000000000000000000`",
        ),
        (
            "version: 1\n---\nversion: 1\n",
            "dispatch.yaml:2:1:«-» the file holds more than one YAML document | keep one document; remove the `---` line",
        ),
        (
            "version: 1\nenv:\n\tA: b\n",
            "dispatch.yaml:3:1:«\t» found character that cannot start any token | indent with spaces; YAML does not allow tabs",
        ),
        ("version: 1\nmodes:\n  a:\n    prompt: ~\n", "dispatch.yaml:4:13:«~» `prompt` must be text, found nothing"),
        (
            "version: 1\nmodes:\n  a:\n    prompt: {{ task.id }}\n",
            "dispatch.yaml:4:13:«{» `prompt` must be text, found a mapping | text that starts with `{` needs quotes",
        ),
        (
            "version: 1\nmodes:\n  a:\n    template: no.md\n",
            "dispatch.yaml:4:15:«no.md» cannot read the template: there is no such file",
        ),
        (
            "version: 1\nmodes:\n  a:\n    prompt: |\n      one\n      two {{ worktree.pth }}\n",
            "dispatch.yaml:6:14:«worktree.pth» `worktree` has no field `pth` | did you mean `path`?",
        ),
        (
            "version: 1\nmodes:\n  a:\n    prompt: x {{ env.HOME }}\n",
            "dispatch.yaml:4:18:«env.HOME» `env.HOME` is not passed on | add `HOME` to `pass_env`",
        ),
        (
            "version: 1\nmodes:\n  a:\n    prompt: x {% include 'no.md' %}\n",
            "dispatch.yaml:4:26:«'no.md'» there is no template `no.md` | it is looked for below ",
        ),
        ("version: 1\nmodes:\n  a:\n    prompt: x {% if %}\n", "dispatch.yaml:4:21:«%}» unexpected end of block"),
        (
            "version: 1\nmodes:\n  a:\n    interactive: true\n    agent: b\nagents:\n  b: { headless: x }\n",
            "dispatch.yaml:5:12:«b» mode `a` is interactive, but agent `b` has no `interactive` command | add `interactive:` to `agents.b`, or set `interactive: false`",
        ),
        (
            "version: 1\nagents:\n  b: {}\n",
            "dispatch.yaml:3:3:«b» agent `b` has no command | give it `interactive:`, `headless:` or both",
        ),
        (
            "version: 1\nagents:\n  b: { interactive: x, prompt: stdin }\n",
            "dispatch.yaml:3:32:«stdin» an interactive agent's standard input is its terminal; it cannot carry the prompt | write `prompt: { interactive: arg, headless: stdin }`",
        ),
        (
            "version: 1\nagents:\n  b: { headless: \"a\\0b\" }\n",
            "dispatch.yaml:3:18:«\"a\\0b\"» `headless` holds a NUL character",
        ),
        (
            "version: 1\nmode_files: [.claude/commands/x.md]\n",
            "dispatch.yaml:2:14:«.claude/commands/x.md» there is no command file `.claude/commands/x.md` | it is looked for in the manifest's folder and its parents",
        ),
        ("version: 1\nstate_dir: ./x/..\n", "dispatch.yaml:2:12:«./x/..» `state_dir` must be a folder of its own"),
        ("version: 1\n1: x\n", "dispatch.yaml:2:1:«1» a key must be text, found `1`"),
        (
            "version: 1\nfoo: [a\n",
            "dispatch.yaml:3:1:«» did not find expected ',' or ']' | check the indentation, and quote text that holds `: `, `{`, `[`, `#` or `*`",
        ),
        ("version: 1\njobs: *x\n", "dispatch.yaml:2:7:«*» unknown anchor"),
        (
            "%YAML 1.1\n---\nversion: 1\n",
            "dispatch.yaml:1:1:«%» YAML directives (`%…`) are not supported | remove the line",
        ),
    ] {
        let found = problems(text);
        let more = if text.contains("[A, B, B]") { 3 } else { 1 };
        assert!(
            found.len() == more && found[0].starts_with(expected),
            "{text}\nfound:    {found:#?}\nexpected: {expected}"
        );
    }
}
