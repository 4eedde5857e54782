//! Rendering: results, refused templates, and hostile ones, which must neither hang nor abort.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use minijinja::{Value, context};
use proptest::prelude::*;

use crate::manifest::templates::Templates;

fn render(source: &str, context: &Value) -> Result<String, String> {
    let root = tempfile::tempdir().unwrap();
    Templates::new(root.path()).render_inline("here", source, context).map_err(|problem| problem.message)
}

#[test]
fn values_are_data_and_newlines_stay() {
    let task = context!(task => context!(id => "T-1", body => "{{ 7*7 }} <b> {% include 'x' %}", parent => ""));
    assert_eq!(render("a\n", &task).unwrap(), "a\n");
    assert_eq!(render("{{ task.id }}\n", &task).unwrap(), "T-1\n");
    assert_eq!(render("{{ task.body }}{{ task.parent }}", &task).unwrap(), "{{ 7*7 }} <b> {% include 'x' %}");
    assert_eq!(render("{{ 'é' ~ 1 }}", &task).unwrap(), "é1");
}

#[test]
fn undefined_names_fields_and_filters_are_errors_with_a_place() {
    let root = tempfile::tempdir().unwrap();
    let templates = Templates::new(root.path());
    let problem = templates.render_inline("modes.a.flags", "é\n {{ task.idd }}", &context!(task => context!(id => 1)));
    let problem = problem.unwrap_err();
    let excerpt = problem.place.unwrap().excerpt.unwrap();
    assert_eq!(excerpt.line_column(), (2, 5));
    assert_eq!(&excerpt.source[excerpt.start..excerpt.end], "task.idd");
    assert!(problem.message.contains("task.idd"), "{}", problem.message);
    for source in
        ["{{ nope }}", "{{ 'a' | nope }}", "{{ nope | e }}", "{{ env.SECRET }}", "{{ 'a' is nope }}", "{{", "{% if %}"]
    {
        assert!(render(source, &context!(env => context!())).is_err(), "{source}");
    }
    assert_eq!(render("{{ '\\u0000' }}", &context!()).unwrap_err(), "the rendered text holds a NUL character");
}

#[test]
fn files_are_taken_from_the_templates_tree_only() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    fs::write(root.path().parent().unwrap().join("dispatch-outside.md"), "outside").unwrap();
    write("secret.md", "SECRET");
    write("t/part/a.html", "<{{ prompt }}> {% include './b.md' %}");
    write("t/part/b.md", "b\n");
    write("t/macros.md", "{% macro hi(x) %}hi {{ x }}{% endmacro %}");
    write("t/main.md", "{% include 'part/a.html' %}{% from 'macros.md' import hi %}{{ hi(1) }}");
    write("t/self.md", "{% include 'self.md' %}");
    write("t/broken.md", "\n{% include 'part/bad.md' %}");
    write("t/part/bad.md", "ok\n{{ task.nope }}");
    symlink("/etc/passwd", root.path().join("t/link.md")).unwrap();
    symlink("/etc", root.path().join("t/etc")).unwrap();
    symlink("/dev/zero", root.path().join("t/zero.md")).unwrap();
    let fifo = root.path().join("t/fifo.md");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let templates = Templates::new(root.path());
    let file =
        |name: &str| templates.render_file(&root.path().join(name), &context!(prompt => "p&", task => context!()));

    let rendered = file("t/main.md").unwrap();
    assert_eq!(rendered.text, "<p&> b\nhi 1");
    assert!(rendered.used_prompt);
    assert!(!file("t/part/b.md").unwrap().used_prompt);
    for name in [
        "/etc/passwd",
        "../secret.md",
        "part/../../secret.md",
        "link.md",
        "etc/passwd",
        "zero.md",
        "fifo.md",
        "part",
        "./../secret.md",
        "",
    ] {
        write("t/try.md", &format!("{{% include {name:?} %}}"));
        let problem = file("t/try.md").unwrap_err();
        assert!(!problem.message.contains("SECRET") && problem.place.is_some(), "{name}: {problem:?}");
        write("t/try.md", &format!("{{% set n = {name:?} %}}{{% extends n %}}"));
        assert!(file("t/try.md").is_err(), "{name}");
    }
    for name in ["t/self.md", "t/link.md", "t/fifo.md", "t/part", "t/none.md", "../dispatch-outside.md"] {
        assert!(file(name).is_err(), "{name}");
    }
    let inner = file("t/broken.md").unwrap_err();
    let place = inner.place.unwrap();
    assert!(place.path.ends_with("t/part/bad.md"), "{place:?}");
    assert_eq!(place.excerpt.unwrap().line_column(), (2, 4));
    fs::remove_file(root.path().parent().unwrap().join("dispatch-outside.md")).unwrap();
}

#[test]
fn a_prompt_is_used_where_it_is_spoken_of() {
    let templates = Templates::new(Path::new("/"));
    assert!(templates.uses_prompt("{% if task %}{{ prompt | upper }}{% endif %}"));
    assert!(!templates.uses_prompt("prompt {{ task.prompt }}"));
    assert!(!templates.uses_prompt("{{ prompt"));
}

/// The sizes are chosen so that abandoned work soon ends by itself.
#[test]
fn hostile_templates_end_in_an_error() {
    let double = "{% set x = 'aaaaaaaaaaaaaaaa' %}".to_owned() + &"{% set x = x ~ x %}".repeat(26) + "{{ x|length }}";
    let macros = "{% set a %}0123456789{% endset %}".to_owned()
        + &"{% set a %}{{ a }}{{ a }}{{ a }}{{ a }}{% endset %}".repeat(13)
        + "{{ a|length }}";
    for (what, source) in [
        ("loop", "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}".to_owned()),
        ("range", "{{ range(1000000000)|length }}".to_owned()),
        ("repeat", "{{ 'x' * 1000000000 }}".to_owned()),
        ("repeat allowed by the engine", "{{ 'x' * 100000000 }}".to_owned()),
        ("list", "{{ (([1] * 30000000) | list) | length }}".to_owned()),
        ("format", "{{ '%01000000000d' | format(1) }}".to_owned()),
        ("format star", "{{ '%*d' | format(1000000000, 1) }}".to_owned()),
        ("format precision", "{{ '%.1000000000f' | format(1.0) }}".to_owned()),
        ("indent", "{{ 'a' | indent(1000000000, true) }}".to_owned()),
        ("replace", "{% set x = 'a' * 1000000 %}{{ x | replace('a', x) }}".to_owned()),
        ("join", "{{ range(100000) | join('a' * 1000000) }}".to_owned()),
        ("doubling", double),
        ("captures", macros),
        ("minus", format!("{{{{ {}1 }}}}", "-".repeat(60_000))),
        ("not", format!("{{{{ {}1 }}}}", "not ".repeat(16_000))),
        ("brackets", format!("{{{{ {} }}}}", "[".repeat(60_000))),
        ("attributes", format!("{{{{ a{} }}}}", ".a".repeat(30_000))),
        ("filters", format!("{{{{ a{} }}}}", "|upper".repeat(10_000))),
        ("calls", format!("{{{{ a{} }}}}", "()".repeat(30_000))),
        ("plus", format!("{{{{ a{} }}}}", "+a".repeat(30_000))),
        ("power", format!("{{{{ 2{} }}}}", "**a".repeat(20_000))),
        ("tilde", format!("{{{{ a{} }}}}", "~a".repeat(30_000))),
        ("elif", format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(5_000))),
        ("nested ifs", "{% if 1 %}".repeat(6_000)),
        ("inline ifs", format!("{{{{ {}1 }}}}", "1 if 0 else ".repeat(5_000))),
        ("recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".to_owned()),
        (
            "nested values",
            "{% set n = namespace(a=[]) %}{% for i in range(40000) %}{% set n.a = [n.a] %}{% endfor %}{{ n.a }}"
                .to_owned(),
        ),
        ("size", "x{{ 1 }}".repeat(10_000)),
    ] {
        let result = render(&source, &context!(prompt => ""));
        let cause = result.map(|text| format!("{} bytes", text.len()));
        // These succeed on a deep stack; they must only not abort.
        let may_work = ["minus", "not", "inline ifs", "nested values"].contains(&what);
        assert!(cause.is_err() || may_work, "{what}: {cause:?}");
    }
}

proptest! {
    #[test]
    fn no_template_text_panics(source in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}| if | for a in |endif|task|\\.|\\||[a-z\"' é\n-]){0,25}") {
        let root = tempfile::tempdir().unwrap();
        let templates = Templates::new(root.path());
        templates.uses_prompt(&source);
        let problem = templates.render_inline("here", &source, &context!(task => context!())).err();
        if let Some(excerpt) = problem.and_then(|problem| problem.place).and_then(|place| place.excerpt) {
            prop_assert!(excerpt.source.get(excerpt.start..excerpt.end).is_some());
        }
    }
}
