//! Generated folders of Backlog.md are listed completely.

use super::*;

/// A small generator, so that one seed makes one set of files.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// What a generated task is to be read as.
#[derive(Debug, Default)]
struct Expected {
    tags: Vec<String>,
    parent: Option<String>,
    depends_on: Vec<String>,
    assignee: String,
}

/// A list as one of the ways to write it, or nothing where it is empty and may be left out.
fn list(random: &mut Random, key: &str, items: &[String]) -> String {
    let quoted = |item: &String| if item.starts_with('@') { format!("'{item}'") } else { item.clone() };
    let items: Vec<String> = items.iter().map(quoted).collect();
    match (items.is_empty(), random.below(2)) {
        (true, 0) => String::new(),
        (true, _) => format!("{key}: []\n"),
        (false, 0) => format!("{key}: [{}]\n", items.join(", ")),
        (false, _) => items.iter().fold(format!("{key}:\n"), |text, item| text + &format!("  - {item}\n")),
    }
}

/// One Backlog.md file: its path, its text, and what it is to be read as.
fn generated(random: &mut Random, id: &str, earlier: &[String]) -> (String, String, Expected) {
    let mut expected =
        Expected { parent: id.rsplit_once('.').map(|(parent, _)| parent.to_owned()), ..Expected::default() };
    let spelled = |random: &mut Random, id: &str| if random.below(2) == 0 { id.to_lowercase() } else { id.to_owned() };
    let labels = ["core", "cli", "web", "bug: no", "docs"];
    for label in &labels[..3] {
        if random.below(3) == 0 {
            expected.tags.push((*label).to_owned());
        }
    }
    for _ in 0..random.below(3) {
        let on = random.one(&earlier.iter().map(String::as_str).collect::<Vec<_>>()).to_owned();
        if !expected.depends_on.contains(&on) {
            expected.depends_on.push(on);
        }
    }
    let mut meta = format!("id: {id}\n");
    if random.below(6) > 0 {
        meta +=
            &format!("title: {}\n", random.one(&["Some words", "'Quoted: words'", "\"Two\"", ">-\n  Folded\n  words"]));
    }
    meta += &format!("status: {}\n", random.one(&["To Do", "In Progress", "Done", "'To Do'"]));
    match random.below(5) {
        0 => {}
        1 => meta += "assignee: []\n",
        2 => {
            meta += "assignee: @codex\n";
            expected.assignee = "@codex".to_owned();
        }
        3 => {
            meta += "assignee: ['@ann']\n";
            expected.assignee = "@ann".to_owned();
        }
        _ => {
            meta += &list(random, "assignee", &["@ann".to_owned(), "bob".to_owned()]);
            expected.assignee = "@ann, bob".to_owned();
        }
    }
    meta += random.one(&[
        "created_date: '2025-06-01 10:00'\n",
        "created_date: 2025-06-01\n",
        "created_date: \"2025-06-01\"\n",
        "",
    ]);
    meta += random.one(&[
        "updated_date: 2025-06-02 11:30\n",
        "# a comment of a person\n",
        "priority: high\nordinal: 2000\n",
        "milestone: m-1\n",
    ]);
    meta += &list(random, "labels", &expected.tags);
    let spelled_depends: Vec<String> = expected.depends_on.iter().map(|on| spelled(random, on)).collect();
    meta += &list(random, "dependencies", &spelled_depends);
    if let Some(parent) = &expected.parent {
        let _ = writeln!(meta, "parent_task_id: {}", spelled(random, parent));
    }
    let mut text = format!(
        "---\n{meta}---\n\n## Description\n\n<!-- SECTION:DESCRIPTION:BEGIN -->\nText\n<!-- SECTION:DESCRIPTION:END -->\n"
    );
    if random.below(4) == 0 {
        text = text.replace('\n', "\r\n");
    }
    let folder = random.one(&["tasks", "tasks", "completed", "drafts", "archive/tasks"]);
    (
        format!("{folder}/{} - {}.md", id.to_lowercase(), random.one(&["A-title", "Fix-it-(now)", "Ünïcode"])),
        text,
        expected,
    )
}

#[test]
fn sixty_generated_backlog_files_list_completely() {
    for seed in [1, 20_250_601, 977] {
        let mut random = Random(seed);
        let world = backlog(&[]);
        let mut ids: Vec<String> = vec!["TASK-1".to_owned()];
        while ids.len() < 60 {
            let next = match random.below(3) {
                // Below one that is there, at most three deep.
                0 => {
                    let parent = random.one(&ids.iter().map(String::as_str).collect::<Vec<_>>()).to_owned();
                    let children =
                        ids.iter().filter(|id| id.rsplit_once('.').is_some_and(|(above, _)| above == parent)).count();
                    format!("{parent}.{}", children + 1)
                }
                _ => format!("TASK-{}", ids.len() + 1),
            };
            if next.matches('.').count() < 3 && !ids.contains(&next) {
                ids.push(next);
            }
        }
        let mut all: BTreeMap<String, Expected> = BTreeMap::new();
        for (n, id) in ids.iter().enumerate() {
            let earlier = if n == 0 { &ids[..0] } else { &ids[..n] };
            let (path, text, expected) = match n {
                0 => (
                    "tasks/task-1 - First.md".to_owned(),
                    "---\nid: TASK-1\nstatus: To Do\n---\n".to_owned(),
                    Expected::default(),
                ),
                _ => generated(&mut random, id, earlier),
            };
            world.write(format!("backlog/{path}"), text);
            all.insert(id.clone(), expected);
        }
        let listing = listing(&world);
        assert_eq!(messages(&listing), Vec::<String>::new(), "seed {seed}");
        let listed: BTreeSet<&str> =
            listing["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(listed, ids.iter().map(String::as_str).collect(), "seed {seed}");
        for (id, expected) in &all {
            let read = task(&listing, id);
            let list = |key: &str| read.get(key).cloned().unwrap_or_else(|| json!([]));
            assert_eq!(list("tags"), json!(expected.tags), "seed {seed}: {id}");
            assert_eq!(list("dependsOn"), json!(expected.depends_on), "seed {seed}: {id}");
            assert_eq!(read.get("parent").cloned(), expected.parent.clone().map(Value::String), "seed {seed}: {id}");
            let assignee = read.get("assignee").and_then(Value::as_str).unwrap_or_default();
            assert_eq!(assignee, expected.assignee, "seed {seed}: {id}");
        }
    }
}
