//! What is typed into a pane of ours arrives, and nowhere else.

use crate::system::tmux::tests::world::{World, wait_until};

#[test]
fn every_byte_arrives_as_if_typed_and_entered() {
    let world = World::with_conf("");
    let run = world.run(1);
    std::fs::write(run.folder.join("reads"), "").unwrap();
    let pane = world.create("user", &run).unwrap().pane_id;
    let mut expected = String::new();
    let long = "x".repeat(3000);
    for text in [
        "plain",
        "-t leading",
        "a 'quoted' \"word\" \\ ~ $(id) `id` ;",
        ";",
        "#{pane_id} #(id) %H {end}",
        "two\nlines\nand é 😀\u{a0}.",
        "",
        "Enter",
        &long,
    ] {
        assert!(world.tmux.send(&pane, &run.id, text.as_bytes()).unwrap());
        expected.push_str(text);
        expected.push('\n');
    }
    let typed = || std::fs::read_to_string(run.folder.join("typed")).unwrap_or_default();
    wait_until("all that was typed", || typed().len() >= expected.len());
    assert_eq!(typed(), expected);
    assert_eq!(world.raw(&["list-buffers"]), "", "no buffer stays");
}

#[test]
fn nothing_is_typed_where_the_pane_is_another_or_over() {
    let world = World::with_conf("");
    let (run, other) = (world.run(1), world.run(2));
    std::fs::write(run.folder.join("reads"), "").unwrap();
    std::fs::write(other.folder.join("exit"), "0").unwrap();
    let pane = world.create("user", &run).unwrap().pane_id;
    let over = world.create("user", &other).unwrap().pane_id;
    world.wait_dead(&other);
    for (pane, run) in [(&pane, &other), (&over, &other), (&"%99".to_owned(), &run), (&"=user:".to_owned(), &run)] {
        assert!(!world.tmux.send(pane, &run.id, b"never").unwrap(), "{pane}");
    }
    assert!(world.tmux.send(&pane, &run.id, b"last").unwrap());
    let typed = || std::fs::read_to_string(run.folder.join("typed")).unwrap_or_default();
    wait_until("what was typed", || typed() == "last\n");
    assert_eq!(world.raw(&["list-buffers"]), "");
    assert!(!World::new().tmux.send(&pane, &run.id, b"x").unwrap(), "no server");
}
