//! `worktree.copy`: paths and globs; an entry that matches nothing is named.

use std::fs;

use crate::world::World;

fn world(copy: &str) -> World {
    let world =
        World::with(&format!("worktree: {{ path: \"../trees/{{{{ task.id }}}}\", create: true, copy: {copy} }}\n"));
    world.task("T", "%exit 0").git_init();
    world
}

#[test]
fn a_glob_copies_all_that_it_matches() {
    let world = world("[\".env*\", \"config/*.key\"]");
    for file in [".env", ".env.local", "config/a.key", "config/b.txt"] {
        world.write(file, "x");
    }
    world.dispatch("run -q job T").any_stderr().succeeds();
    let tree = world.root().join("trees/T");
    for file in [".env", ".env.local", "config/a.key"] {
        assert_eq!(fs::read_to_string(tree.join(file)).unwrap(), "x", "{file}");
    }
    assert!(!tree.join("config/b.txt").exists());
}

#[test]
fn an_entry_that_matches_nothing_is_named_by_doctor_and_by_the_set_up_log() {
    let world = world("[\".env*\", missing]");
    let doctor = world.dispatch("doctor").any_stderr().ends_somehow().text();
    for entry in [".env*", "missing"] {
        assert!(doctor.contains(&format!("`{entry}` (`worktree.copy`) matches nothing")), "{doctor}");
    }
    world.dispatch("run job T").stderr_has("warning: `.env*` (`worktree.copy`) matches nothing").succeeds();
    let log = world.dispatch("logs job T --raw").any_stderr().succeeds();
    let log = format!("{}{}", log.text(), log.stderr);
    for entry in [".env*", "missing"] {
        assert!(log.contains(&format!("copy: `{entry}` matches nothing in `")), "{log}");
    }
}
