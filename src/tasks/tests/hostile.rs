//! Large, strange and hostile files: limits hold, and nothing panics.

use proptest::prelude::*;

use super::*;

#[test]
fn a_few_kilobytes_of_aliases_stay_small() {
    let mut text = format!("---\na: &a \"{}\"\nb: [", "x".repeat(30_000));
    text.push_str(&"*a,".repeat(10_000));
    text.push_str("]\n---\n");
    let folder = Folder::new(&[("tasks/bomb.md", &text)]);
    assert!(messages(&folder.scan()).contains("expands to more than 1 MiB"));
}

#[test]
fn front_matter_may_be_long_but_not_endless() {
    let long = format!("---\nnote: {}\ntitle: Long\n---\nbody", "é".repeat(20_000));
    let endless = format!("---\n{}---\n", "# comment\n".repeat(7_000));
    let folder = Folder::new(&[("tasks/long.md", &long), ("tasks/endless.md", &endless)]);
    let set = folder.scan();
    assert_eq!(set.get(&id("long")).unwrap().title, "Long");
    assert!(messages(&set).contains("endless.md: front matter opened with `---` is not closed within 64 KiB"));
}

#[test]
fn fences_hide_headings_and_boxes() {
    let text = "\n\n# Top\nintro\n````md\n```\n## no\n```\n- [ ] no\n````\n## A\n- [ ] one\n  * [X] two\n\
                1. [x] three\n- [y] no\n-[ ] no\n~~~\n# no\n```\n~~~\n### A1\nx\n## B ##\n    # code\n## A\nagain\n```\n# to the end\n";
    let body = body_of(text);
    assert_eq!(body.sections.keys().collect::<Vec<_>>(), ["A", "A1", "B", "Top"]);
    assert!(body.sections["A"].ends_with("### A1\nx") && body.sections["A"].starts_with("- [ ] one"));
    assert_eq!(body.sections["B"], "    # code");
    let items: Vec<_> = body.checklist.iter().map(|item| (item.done, item.text.as_str())).collect();
    assert_eq!(items, [(false, "one"), (true, "two"), (true, "three")]);
}

#[test]
fn five_thousand_files_list() {
    let folder = Folder::new(&[]);
    for i in 0..5000 {
        let text = format!("---\ntitle: Task {i}\nstatus: 🟡 To Do\ntags: [a, b]\nassignee: me\n---\n\nBody\n");
        folder.write(&format!("tasks/d{}/T-{i:04}.md", i % 10), text.as_bytes());
    }
    let set = folder.scan();
    assert_eq!((set.tasks().len(), set.problems().len()), (5000, 0));
    assert_eq!(set.get(&id("T-4321")).unwrap().title, "Task 4321");
    assert!(set.tasks().windows(2).all(|two| two[0].path < two[1].path));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), form in 0..4usize) {
        let mut text = ["", "---\n", "+++\n", "# T\n\n---\n"][form].as_bytes().to_vec();
        text.extend(bytes);
        let folder = Folder::new(&[]);
        folder.write("tasks/x.md", &text);
        let set = folder.scan();
        prop_assert_eq!(set.tasks().len() + set.problems().iter().filter(|p| p.is_error()).count(), 1);
        for task in set.tasks() {
            let _ = read_body(task);
        }
    }

    #[test]
    fn any_front_matter_text_is_read_without_panic(text in "([a-z_]{0,4}[:=#\\-\\[\\]{}\"'&*|> ]{0,3}[a-zé0-9,]{0,3}\n?){0,30}", form in 0..3usize) {
        let (open, close) = [("---\n", "\n---\n"), ("+++\n", "\n+++\n"), ("# T\n---\n", "\n---\n")][form];
        let whole = format!("{open}{text}{close}");
        if let Ok(parts) = front_matter::split(&whole)
            && let Err(error) = front_matter::read(parts.form, &whole[parts.block.clone()])
        {
            prop_assert!(error.at.is_none_or(|at| at.start <= at.end && at.end <= parts.block.len()));
        }
        let _ = body_of(&whole);
    }

    #[test]
    fn valid_fields_round_trip(
        name in "[A-Za-z_][A-Za-z0-9_-]{0,20}",
        title in "[^\\p{C}\\p{Z}]([^\\p{C}]{0,30}[^\\p{C}\\p{Z}])?",
        tags in proptest::collection::vec("[a-z]{1,8}", 0..4),
        status in 0..6usize,
        toml in any::<bool>(),
    ) {
        let status = TaskStatus::ALL[status];
        let title_json = serde_json::to_string(&title).unwrap();
        let tags_json = serde_json::to_string(&tags).unwrap();
        let text = if toml {
            format!("+++\nid = \"{name}\"\ntitle = {title_json}\ntags = {tags_json}\nstatus = \"{}\"\n+++\n", status.as_str())
        } else {
            format!("---\nid: \"{name}\"\ntitle: {title_json}\ntags: {tags_json}\nstatus: {}\n---\n", status.as_str())
        };
        let folder = Folder::new(&[("tasks/file.md", &text)]);
        let set = folder.scan();
        prop_assert_eq!(messages(&set), "");
        let task = &set.tasks()[0];
        let mut seen = std::collections::HashSet::new();
        let once: Vec<String> = tags.iter().filter(|tag| seen.insert(*tag)).cloned().collect();
        prop_assert_eq!((task.id.as_str(), &task.title, &task.tags, task.status), (name.as_str(), &title, &once, Some(status)));
    }
}
