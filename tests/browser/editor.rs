//! What the tests of the editor share: a project with the editor open, and words for its parts.

use std::fs;

use serde_json::Value;

use crate::browser::Page;
use crate::server::Server;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// The text field is in a shadow root, which Playwright's selectors reach into.
const STAGE: &str = r#"
const SHOWN = "[...document.querySelector('.edit-pane .edit-host')?.shadowRoot?.querySelectorAll('.cm-line') ?? []].map((line) => line.textContent).join('\\n')";
const content = page.locator(".edit-pane .cm-content");
const hostOf = "document.querySelector('.edit-pane .edit-host').shadowRoot";
const shown = () => page.evaluate(SHOWN);
const has = (text) => until(`the text has ${text}`, `(${SHOWN}).includes(${JSON.stringify(text)})`);
const state = (text) => until(`the state is ${text}`, `document.querySelector('.edit-state')?.textContent === ${JSON.stringify(text)}`);
const note = (text) => until(`a note says ${text}`, `document.querySelector('.edit-notes')?.textContent.includes(${JSON.stringify(text)})`);
const problems = (text) => until(`the problems are ${text}`, `document.querySelector('.edit-part [role=status]')?.textContent === ${JSON.stringify(text)}`);
const clean = () => problems("No problems");
const kept = (text) => until("the draft is kept", `Object.values(localStorage).some((value) => value.includes(${JSON.stringify(text)}))`);
const atStart = async (text) => { await content.focus(); await page.keyboard.press("Control+Home"); await page.keyboard.insertText(text); };
const press = (name) => page.getByRole("button", { name }).click();
"#;

#[track_caller]
pub(crate) fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

pub(crate) fn manifest(world: &World) -> String {
    fs::read_to_string(world.project().join("dispatch.yaml")).unwrap()
}

#[track_caller]
pub(crate) fn wait_for_file(world: &World, part: &str) {
    wait_until("the file is written", || is(manifest(world).contains(part), manifest(world)));
}

/// A project with one task, and the editor with its manifest.
pub(crate) fn opened() -> (World, Server, Page) {
    let world = World::new();
    world.task("T", "x");
    let server = world.serve();
    let page = Page::at(&world, &server, "/edit/dispatch.yaml");
    (world, server, page)
}
