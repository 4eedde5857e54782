//! `render` and `-n`: what would be started, without starting or making anything.

use std::fs;

use crate::world::World;

#[test]
fn render_shows_prompt_argv_and_folder_and_makes_nothing() {
    let world = World::with(
        "  flagged: { agent: fake, prompt: \"Do {{ task.id }} of {{ project.name }}\", flags: [--fast] }\n",
    );
    world.task("TASK-1", "hello");
    world
        .dispatch("render flagged TASK-1 -- --extra")
        .stdout_has("Do TASK-1 of project")
        .stdout_has("--fast")
        .stdout_has("--extra")
        .stdout_has(world.project().to_str().unwrap())
        .succeeds();
    assert!(!world.state().exists());
}

#[test]
fn a_dry_run_touches_nothing() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    for mode in ["job", "talk"] {
        world.dispatch("run -n").arg(mode).arg("TASK-1").stdout_has("TASK-1").notes().succeeds();
    }
    assert!(world.starts().is_empty());
    assert!(!world.state().exists());
    assert_eq!(world.tmux_server_pid(), None);
}

#[test]
fn task_text_is_never_rendered_again() {
    let world = World::new();
    world.task("TASK-1", "{{ 7 * 7 }} {% include '/etc/passwd' %} {# gone #} ${HOME}");
    let text = world.dispatch("render job TASK-1").succeeds().text();
    assert!(text.contains("{{ 7 * 7 }} {% include '/etc/passwd' %} {# gone #} ${HOME}"), "{text}");
}

#[test]
fn includes_stay_inside_the_templates_folder() {
    let world = World::with("  inc: { agent: fake, template: templates/main.md }\n");
    world.task("TASK-1", "hello");
    world.write("templates/part.md", "the part of {{ task.id }}");
    world.write("templates/main.md", "{% include \"part.md\" %}");
    world.dispatch("render inc TASK-1").stdout_has("the part of TASK-1").succeeds();

    fs::write(world.root().join("outside.md"), "SECRET").unwrap();
    std::os::unix::fs::symlink(world.root().join("outside.md"), world.project().join("templates/link.md")).unwrap();
    for path in ["/etc/passwd", "../dispatch.yaml", "../../outside.md", "link.md", "main.md", "gone.md"] {
        world.write("templates/main.md", format!("{{% include \"{path}\" %}}"));
        let ended = world.dispatch("render inc TASK-1").ends_somehow();
        assert!(ended.code != 0 && !ended.text().contains("SECRET"), "{path}: {} {}", ended.text(), ended.stderr);
    }
}

#[test]
fn an_undefined_name_is_an_error_with_file_and_line() {
    let world = World::with("  bad: { agent: fake, template: templates/bad.md }\n");
    world.task("TASK-1", "hello");
    world.write("templates/bad.md", "fine\n{{ task.titel }}\n");
    world.dispatch("run bad TASK-1").stderr_has("templates/bad.md").stderr_has("titel").fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn a_field_that_the_task_lacks_is_empty() {
    let world = World::with("  f: { agent: fake, prompt: \"[{{ task.priority }}{{ task.tags | join(',') }}]\" }\n");
    world.task("TASK-1", "hello");
    world.dispatch("render f TASK-1").stdout_has("[]").succeeds();
}

#[test]
fn a_given_prompt_is_appended_where_the_template_does_not_use_it() {
    let world = World::with(
        "  plain: { agent: fake, prompt: \"Template.\" }\n  uses: { agent: fake, prompt: \"<{{ prompt }}>\" }\n",
    );
    world.task("TASK-1", "hello");
    world.dispatch("run -q plain TASK-1 --prompt Given").notes().succeeds();
    let run = world.starts()[0].run.clone();
    assert_eq!(String::from_utf8(world.saw(&run, "stdin")).unwrap(), "Template.\n\nGiven");
    world.dispatch("run -q uses TASK-1 --prompt -").stdin("From stdin").notes().succeeds();
    let run = world.starts()[1].run.clone();
    assert_eq!(String::from_utf8(world.saw(&run, "stdin")).unwrap(), "<From stdin>");
}

#[test]
fn templates_that_explode_end_in_an_error() {
    for bomb in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ 'x' * 100000000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ] {
        let world = World::with("  bomb: { agent: fake, template: templates/bomb.md }\n");
        world.task("TASK-1", "hello");
        world.write("templates/bomb.md", bomb);
        let ended = world.dispatch("render bomb TASK-1").ends_somehow();
        assert!(ended.code == 1 || ended.code == 2, "{bomb}: {} {}", ended.code, ended.stderr);
    }
}

#[test]
fn the_environment_is_closed_to_templates_but_for_pass_env() {
    let world = World::with("  env: { agent: fake, prompt: \"{{ env.SECRET }}\" }\n");
    world.task("TASK-1", "hello");
    world.dispatch("render env TASK-1").env("SECRET", "s3cret").stderr_has("SECRET").fails_with(2);
}

#[test]
fn the_short_form_takes_one_task_and_hands_the_rest_to_the_agent() {
    let world = World::new();
    world.task("TASK-1", "%exit 4");
    world.dispatch("job TASK-1 --verbose -n").notes().fails_with(4);
    let run = world.starts()[0].run.clone();
    assert_eq!(world.saw_words(&run, "argv"), ["fake", "--verbose", "-n"]);
}
