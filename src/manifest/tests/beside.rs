//! Accompanying files: templates, the local file, subtask files, command files.

use super::*;
use crate::model::interval::Interval;

#[test]
fn template_files_are_checked_in_their_own_place() {
    let loaded = load_in(&folder(&[
        ("dispatch.yaml", "version: 1\nmodes:\n  a: { template: templates/a.md }\n  b: { template: templates/a.md }\n"),
        ("templates/a.md", "é {{ task.titel }}\n{% include \"inc/b.md\" %}{% include \"../../x\" %}{{ nope }}"),
        ("templates/inc/b.md", "{% for t in task.tgas %}{{ t }}{% endfor %}{{ mine }}"),
    ]));
    assert!(loaded.manifest.is_none());
    let found = lines(&loaded);
    assert_eq!(found.len(), 4, "{found:#?}");
    for expected in [
        "a.md:1:6:«task.titel» `task` has no field `titel` | did you mean `title`?",
        "a.md:2:51:«nope» there is no `nope` in a template",
        "a.md:2:36:«\"../../x\"» template `../../x` is outside the folder ",
        "b.md:1:13:«task.tgas» `task` has no field `tgas` | did you mean `tags`?",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}\n{found:#?}");
    }
}

#[test]
fn the_local_file_is_laid_over_the_manifest_and_its_problems_name_it() {
    let folder = folder(&[
        (
            "dispatch.yaml",
            "version: 1\nnotify: { command: tell me, every: 5s }\nbudget: { run: 1.5, day: 2 }\nenv: { A: a }\npass_env: [X]\nmodes:\n  a: { flags: [--x] }\n",
        ),
        (
            "dispatch.local.yaml",
            "version: 1\njobs: 2\nnotify: { desktop: true, on: [failed] }\nbudget: { day: 5 }\nenv: { B: b }\npass_env: [X, Y]\nterminal: none\nmodes: { a: { flags: [\"{{ env.Y }}\"] } }\n",
        ),
    ]);
    let loaded = load_in(&folder);
    assert_eq!(lines(&loaded), [""; 0]);
    let manifest = loaded.manifest.as_ref().unwrap();
    assert_eq!((manifest.jobs, &manifest.terminal, manifest.env.len()), (2, &Terminal::None, 2));
    assert_eq!((manifest.budget.run, manifest.budget.day), (Some(1.5), Some(5.0)));
    assert_eq!(manifest.pass_env, ["X", "Y"]);
    let notify = manifest.notify.as_ref().unwrap();
    assert_eq!((notify.desktop, notify.command.join("|").as_str(), notify.on.len()), (true, "tell|me", 1));
    assert_eq!(notify.every, Interval::from_secs(5));
    assert_eq!(mode(&loaded, "a").flags, ["{{ env.Y }}"]);

    let local = "version: 2\nsession: x\nmodes: { b: { flags: [x] }, a: { flags: [\"{{ tsk }}\"], prompt: p } }\n";
    fs::write(folder.path().join("dispatch.local.yaml"), local).unwrap();
    assert_eq!(
        lines(&load_in(&folder)),
        [
            "dispatch.local.yaml:1:10:«2» `version` must be 1, found `2` | this `dispatch` reads version 1; update `dispatch`, or write `version: 1`",
            "dispatch.local.yaml:2:1:«session» unknown key `session` in the local file | `session` is set in the shared manifest: write it in `dispatch.yaml`",
            "dispatch.local.yaml:3:10:«b» there is no mode `b` to set flags for",
            "dispatch.local.yaml:3:46:«tsk» there is no `tsk` in a template | did you mean `task`?",
            "dispatch.local.yaml:3:56:«prompt» unknown key `prompt` in `modes.a` | `prompt` is set in the shared manifest: write it in `dispatch.yaml`",
        ]
    );
}

#[test]
fn a_terminal_is_a_name_or_words_that_hold_the_command() {
    let terminal = |text: &str| {
        let loaded = load_in(&folder(&[("dispatch.yaml", &format!("version: 1\nterminal: {text}\n"))]));
        loaded.manifest.as_ref().map(|manifest| manifest.terminal.clone()).ok_or_else(|| lines(&loaded).join("\n"))
    };
    let own = |words: &[&str]| Ok(Terminal::Own(words.iter().copied().map(str::to_owned).collect()));
    assert_eq!(terminal("auto"), Ok(Terminal::Auto));
    assert_eq!(terminal("none"), Ok(Terminal::None));
    assert_eq!(terminal("GNOME Terminal"), Ok(Terminal::Named(TerminalName::GnomeTerminal)));
    assert_eq!(terminal("wezterm"), Ok(Terminal::Named(TerminalName::WezTerm)));
    assert_eq!(terminal("foot -e {{ command }}"), own(&["foot", "-e", "{{ command }}"]));
    assert_eq!(terminal("[./t, \"x {{command}} y\"]"), own(&["./t", "x {{command}} y"]));
    for (text, problem) in [
        ("kity", "dispatch.yaml:2:11:«kity» unknown terminal `kity` | did you mean `kitty`?"),
        (
            "whatever",
            "dispatch.yaml:2:11:«whatever» unknown terminal `whatever` | there are: auto, none, windows-terminal, wezterm, iterm2, apple-terminal, kitty, gnome-terminal, konsole, alacritty, xdg-terminal-exec, x-terminal-emulator, xterm",
        ),
        (
            "[foot, -e, tmux]",
            "dispatch.yaml:2:11:«[» `terminal` does not say where `{{ command }}` goes | for example [foot, -e, \"{{ command }}\"]",
        ),
        (
            "[foot, \"{{ comand }}\"]",
            "dispatch.yaml:2:18:«\"{{ comand }}\"» there is no `{{ comand }}` in `terminal` | only `{{ command }}` is known there",
        ),
        (
            "[\"{{ command }}\"]",
            "dispatch.yaml:2:12:«\"{{ command }}\"» `{{ command }}` cannot be the terminal's program",
        ),
        (
            "foot -e {{ command }} && x",
            "dispatch.yaml:2:11:«foot -e {{ command }} && x» `&&` needs a shell, and no shell runs | write [sh, -c, \"foot -e {{ command }} && x\"]",
        ),
        (
            "3",
            "dispatch.yaml:2:11:«3» `terminal` must be a terminal's name, or a command with `{{ command }}`, found `3`",
        ),
    ] {
        assert_eq!(terminal(text), Err(problem.to_owned()));
    }
}

#[test]
fn an_editor_is_a_command_that_may_name_file_and_line() {
    let load = |manifest: &str, local: &str| {
        let loaded =
            load_in(&folder(&[("dispatch.yaml", &format!("version: 1\n{manifest}")), ("dispatch.local.yaml", local)]));
        loaded.manifest.as_ref().map(|manifest| manifest.editor.clone()).ok_or_else(|| lines(&loaded).join("\n"))
    };
    let written = |words: &[&str]| Ok(Some(EditorCommand::written(words.iter().copied().map(str::to_owned).collect())));
    assert_eq!(load("", ""), Ok(None));
    let code = written(&["code", "--goto", "{{ file }}:{{line}}"]);
    assert_eq!(load("editor: \"code --goto {{ file }}:{{line}}\"\n", ""), code);
    assert_eq!(
        load("editor: [gvim, \"{{ file }}\"]\n", "editor: \"code --goto {{ file }}:{{line}}\"\n"),
        code,
        "the user's own"
    );
    assert_eq!(load("editor: kate\n", ""), written(&["kate"]));
    for (text, problem) in [
        (
            "[code, \"{{ path }}\"]",
            "dispatch.yaml:2:16:«\"{{ path }}\"» there is no `{{ path }}` in `editor` | only `{{ file }}` and `{{ line }}` are known there",
        ),
        (
            "code {% if line %}{{ file }}{% endif %}",
            "dispatch.yaml:2:9:«code {% if line %}{{ file }}{% endif %}» there is no `{% if line %}{{ file }}` in `editor` | only `{{ file }}` and `{{ line }}` are known there",
        ),
        ("\"{{ file }}\"", "dispatch.yaml:2:9:«\"{{ file }}\"» `{{ file }}` cannot be the editor's program"),
        (
            "code {{ file }} | cat",
            "dispatch.yaml:2:9:«code {{ file }} | cat» `|` needs a shell, and no shell runs | write [sh, -c, \"code {{ file }} | cat\"]",
        ),
        ("\"\"", "dispatch.yaml:2:9:«\"\"» `editor` names no program"),
    ] {
        assert_eq!(load(&format!("editor: {text}\n"), ""), Err(problem.to_owned()));
    }
    let own = load("", "version: 1\neditor: [x, \"{{ task.id }}\"]\n").unwrap_err();
    assert!(own.starts_with("dispatch.local.yaml:2:13:"), "{own}");
}

/// The first subtask file of a folder whose manifest must load.
fn subtasks(file: &str) -> SubtaskFile {
    let manifest = "version: 1\ntasks: [{ subtasks: .claude/sub.yml }]\nmodes: { job: {} }\n";
    let loaded = load_in(&folder(&[("dispatch.yaml", manifest), (".claude/sub.yml", file)]));
    assert_eq!(lines(&loaded), [""; 0]);
    let Some(TaskSource::Subtasks(file)) = loaded.manifest.unwrap().tasks.pop() else { panic!("no subtasks") };
    file
}

#[test]
fn a_subtask_file_is_a_list_of_tasks_that_say_how_they_run() {
    let file = subtasks(
        "- id: S-1\n  title: One\n  parent: T-1\n  depends_on: [T-2]\n  mode: job\n  prompt: \"{{ x }}\"\n  gate: approve\n- { id: S-2 }\n",
    );
    assert_eq!(file.problems, []);
    let [one, two] = &file.tasks[..] else { panic!("{file:?}") };
    let id = |text| TaskId::parse(text).unwrap();
    let job = ModeName::parse("job").ok();
    let declared = RunInstructions { mode: job, prompt: Some("{{ x }}".to_owned()), gate: true };
    assert_eq!(
        (&one.declared, &one.parent, &one.depends_on[..]),
        (&Some(declared), &Some(id("T-1")), &[id("T-2")][..])
    );
    assert_eq!((&two.id, &two.declared), (&id("S-2"), &Some(RunInstructions::default())));
    assert_eq!(subtasks("").problems, []);
}

#[test]
fn mistakes_of_a_subtask_file_have_their_places_and_leave_the_manifest_alone() {
    let found: Vec<String> = subtasks(
        "- { id: S-1, mode: jbo }\n- { id: S-1 }\n- { title: x }\n- { id: a b, gate: yes }\n- { id: S-2, promt: x }\n",
    )
    .problems
    .iter()
    .map(line)
    .collect();
    assert_eq!(
        found,
        [
            "sub.yml:1:20:«jbo» there is no mode `jbo` | did you mean `job`?",
            "sub.yml:2:9:«S-1» two subtasks have the id `S-1`",
            "sub.yml:3:3:«{» a subtask needs an `id`",
            "sub.yml:4:9:«a b» `id` is not a task id: `a b` holds ` `; only A-Z, a-z, 0-9, `_`, `-` and dots inside are allowed",
            "sub.yml:4:20:«yes» `gate` must be `approve`, found `yes`",
            "sub.yml:5:14:«promt» unknown key `promt` in the subtask | did you mean `prompt`?",
        ]
    );
    for (text, expected) in
        [("a: 1\n", "sub.yml:1:1:«a» the subtask file must be a list, found a mapping"), ("- [\n", "sub.yml:2:1:")]
    {
        let found: Vec<String> = subtasks(text).problems.iter().map(line).collect();
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(subtasks(&deep).problems.len(), 1);
    let missing = load_in(&folder(&[("dispatch.yaml", "version: 1\ntasks: [{ subtasks: x.yml }]\n")]));
    let Some(TaskSource::Subtasks(file)) = missing.manifest.unwrap().tasks.pop() else { panic!("no subtasks") };
    assert!(!file.problems[0].is_error() && line(&file.problems[0]) == "x.yml there is no such subtask file");
}

#[test]
fn command_files_become_modes_the_nearest_first() {
    let top = folder(&[
        (".claude/commands/review.md", "far"),
        (".claude/commands/odd.md", "---\nargument-hint: [a] [b]\ndescription: Odd one\n---\n"),
        (".claude/commands/plan.md", "---\ndescription: >\n  Plan\n  it\n---\ntext"),
        ("sub/.claude/commands/review.md", "near"),
        ("sub/.claude/commands/deep/er.md", "x"),
        ("sub/.claude/commands/bad name.md", "x"),
        (
            "sub/dispatch.yaml",
            "version: 1\nmode_files: [\".claude/commands/**/*.md\"]\nmodes:\n  review: { interactive: false, flags: [-x] }\n",
        ),
    ]);
    let loaded = load(&top.path().join("sub/dispatch.yaml"), None);
    assert_eq!(
        lines(&loaded),
        [
            "bad name.md this command file's name cannot be a mode's, so it is not offered | use letters, digits, `_` and `-` only"
        ]
    );
    let root = top.path().canonicalize().unwrap();
    let command = |name: &str, path: &str| PromptSource::Command { name: name.to_owned(), path: root.join(path) };
    let review = mode(&loaded, "review");
    assert_eq!(review.prompt, command("review", "sub/.claude/commands/review.md"));
    assert!(review.form.is_job() && review.flags == ["-x"]);
    assert_eq!(mode(&loaded, "deep-er").prompt, command("deep:er", "sub/.claude/commands/deep/er.md"));
    assert_eq!(mode(&loaded, "plan").description, "Plan it");
    assert_eq!(mode(&loaded, "odd").description, "Odd one");
    assert!(mode(&loaded, "plan").form.has_window());
}

#[test]
fn each_template_may_include_a_hundred_files_and_more_are_reported() {
    let load_with = |templates: &[(&str, std::ops::Range<usize>)]| {
        let mut manifest = "version: 1\nmodes:\n".to_owned();
        let mut files: Vec<(String, String)> =
            (0..120).map(|n| (format!("templates/{n}.md"), "x".to_owned())).collect();
        files[119].1 = "{{ task.nope }}".to_owned();
        for (name, included) in templates {
            manifest += &format!("  {name}: {{ template: templates/{name}.md }}\n");
            let text = included.clone().map(|n| format!("{{% include \"{n}.md\" %}}\n")).collect();
            files.push((format!("templates/{name}.md"), text));
        }
        files.push(("dispatch.yaml".to_owned(), manifest));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        load_in(&folder(&files))
    };
    let loaded = load_with(&[("a", 0..60), ("b", 60..120)]);
    let found = lines(&loaded);
    assert!(found.len() == 1 && found[0].starts_with("119.md:1:4:«task.nope»"), "{found:#?}");
    let loaded = load_with(&[("a", 0..100)]);
    assert_eq!(lines(&loaded), [""; 0]);
    let loaded = load_with(&[("a", 0..120)]);
    let found = lines(&loaded);
    assert!(found.len() == 1 && found[0].starts_with("a.md:101:"), "{found:#?}");
    assert!(found[0].contains("this template includes more than 100 files"), "{found:#?}");
    assert!(loaded.manifest.is_some(), "a warning");
}
