//! `generates`: a run is skipped only while each file that its last success made is there.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::World;

const MODES: &str = r#"  made:
    agent: fake
    prompt: "%sh mkdir -p out/deep && touch out/a.o out/b.o out/deep/c.o"
    sources: ["src/*"]
    generates: ["out/**/*.o"]
"#;

fn world() -> World {
    let world = World::with(MODES);
    world.task("T", "x").write("src/a", "a");
    world
}

/// Whether the next run is skipped. It starts an agent where it is not.
#[track_caller]
fn is_skipped(world: &World) -> bool {
    let before = world.starts().len();
    let answer = world.dispatch("run made T").notes().json();
    let skipped = answer["state"] == "skipped";
    assert!(skipped || answer["state"] == "succeeded", "{answer}");
    assert_eq!(world.starts().len(), before + usize::from(!skipped), "{answer}");
    skipped
}

/// The record that lets the next start be skipped.
fn record(world: &World) -> std::path::PathBuf {
    world.run_folder(world.status("made", "T")["runId"].as_str().unwrap()).join("fresh.json")
}

/// What is done to the folder of the outputs.
type Edit = fn(&Path);

#[test]
fn one_output_that_is_not_where_it_was_made_has_it_run_again() {
    let world = world();
    let out = world.project().join("out");
    assert!(!is_skipped(&world), "it never ran");
    assert!(is_skipped(&world), "nothing changed");
    let edits: [(&str, Edit); 6] = [
        ("one is removed", |out| fs::remove_file(out.join("a.o")).unwrap()),
        ("one has another name", |out| fs::rename(out.join("a.o"), out.join("z.o")).unwrap()),
        ("one became a folder", |out| {
            fs::remove_file(out.join("b.o")).unwrap();
            fs::create_dir(out.join("b.o")).unwrap();
        }),
        ("one was moved deeper", |out| fs::rename(out.join("a.o"), out.join("deep/a.o")).unwrap()),
        ("a nested one is removed", |out| fs::remove_file(out.join("deep/c.o")).unwrap()),
        ("one is a link to nothing", |out| {
            fs::remove_file(out.join("a.o")).unwrap();
            std::os::unix::fs::symlink("nothing", out.join("a.o")).unwrap();
        }),
    ];
    for (what, edit) in edits {
        edit(&out);
        assert!(!is_skipped(&world), "a false skip: {what}");
        // The agent's `touch` leaves a folder or a link alone: each edit begins with clean outputs.
        fs::remove_dir_all(&out).unwrap();
        assert!(!is_skipped(&world), "all outputs are gone");
        assert!(is_skipped(&world), "not skipped after it ran: {what}");
    }
    // A file more takes nothing away, and what is in an output is not compared.
    fs::write(out.join("more.o"), "").unwrap();
    fs::write(out.join("a.o"), "by hand").unwrap();
    assert!(is_skipped(&world));
}

#[test]
fn outputs_that_cannot_be_read_are_in_doubt() {
    let world = world();
    assert!(!is_skipped(&world));
    let outside = world.root().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.project().join("out/away")).unwrap();
    assert!(!is_skipped(&world), "a folder of the outputs leads out of the project");
    assert!(!is_skipped(&world));
}

#[test]
fn a_record_without_outputs_is_trusted_only_where_the_patterns_are_names() {
    let world = world();
    // As an older program wrote it.
    let forget = || {
        let path = record(&world);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(value.as_object_mut().unwrap().remove("outputs").is_some(), "{value}");
        fs::write(path, value.to_string()).unwrap();
    };
    assert!(!is_skipped(&world));
    forget();
    assert!(!is_skipped(&world), "the number of files is recorded");
    assert!(is_skipped(&world));
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("\"out/**/*.o\"", "out/a.o, out/b.o"));
    assert!(!is_skipped(&world), "`generates` changed");
    forget();
    assert!(is_skipped(&world));
    fs::remove_file(world.project().join("out/b.o")).unwrap();
    assert!(!is_skipped(&world));
}
