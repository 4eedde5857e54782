//! Text typed into our pane arrives there, and nowhere else.

use crate::model::run_id::RunId;
use crate::os::tmux::tests::world::{World, wait_until};
use crate::os::tmux::{Brackets, Typed};

fn send(world: &World, pane: &str, run: &RunId, text: &str) -> Typed {
    let pasted = world.tmux.paste(pane, run, text.as_bytes(), Brackets::AsAsked, None).unwrap();
    assert_eq!(pasted, Typed::Yes);
    world.tmux.press_enter(pane, run, None).unwrap()
}

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
        assert_eq!(send(&world, &pane, &run.id, text), Typed::Yes);
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
        assert_eq!(world.tmux.paste(pane, &run.id, b"never", Brackets::AsAsked, None).unwrap(), Typed::Gone, "{pane}");
        assert_eq!(world.tmux.press_enter(pane, &run.id, None).unwrap(), Typed::Gone, "{pane}");
    }
    assert_eq!(send(&world, &pane, &run.id, "last"), Typed::Yes);
    let typed = || std::fs::read_to_string(run.folder.join("typed")).unwrap_or_default();
    wait_until("what was typed", || typed() == "last\n");
    assert_eq!(world.raw(&["list-buffers"]), "");
    assert_eq!(World::new().tmux.press_enter(&pane, &run.id, None).unwrap(), Typed::Gone, "no server");
}

#[test]
fn nothing_is_typed_while_the_screen_asks() {
    let world = World::with_conf("");
    let run = world.run(1);
    std::fs::write(run.folder.join("reads"), "").unwrap();
    let pane = world.create("user", &run).unwrap().pane_id;
    let typed = || std::fs::read_to_string(run.folder.join("typed")).unwrap_or_default();
    let asks = Some("> [0-9]+\\. ");
    assert_eq!(world.tmux.paste(&pane, &run.id, b"> 1. Yes\n", Brackets::AsAsked, asks).unwrap(), Typed::Yes);
    wait_until("it shows the choice", || typed() == "> 1. Yes\n");
    wait_until("it is withheld", || world.tmux.press_enter(&pane, &run.id, asks).unwrap() == Typed::Withheld);
    assert_eq!(world.tmux.paste(&pane, &run.id, b"x", Brackets::Always, asks).unwrap(), Typed::Withheld);
    assert_eq!(world.raw(&["list-buffers"]), "");
    assert_eq!(typed(), "> 1. Yes\n");
}

#[test]
fn somebody_who_reads_back_hinders_nothing() {
    let world = World::with_conf("");
    let run = world.run(1);
    std::fs::write(run.folder.join("reads"), "").unwrap();
    let pane = world.create("user", &run).unwrap().pane_id;
    let typed = || std::fs::read_to_string(run.folder.join("typed")).unwrap_or_default();
    world.raw(&["copy-mode", "-t", &pane]);
    assert_eq!(world.tmux.press_enter(&pane, &run.id, None).unwrap(), Typed::Yes);
    wait_until("Enter", || typed() == "\n");
    assert_eq!(send(&world, &pane, &run.id, "one\ntwo"), Typed::Yes);
    wait_until("both", || typed() == "\none\ntwo\n");
}
