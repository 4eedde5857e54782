//! Each mistake is reported with its place and its fix.

use super::*;

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
            "version: 1\nenv: { <<: A }\n",
            "dispatch.yaml:2:12:«A» `<<` merges a mapping, found `A` | write `<<: *NAME`, where `&NAME` marks a mapping",
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
