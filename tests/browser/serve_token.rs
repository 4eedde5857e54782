//! A page takes a token only where the server takes it, wherever it came from.

use serde_json::json;

use crate::browser::Page;
use crate::world::World;

const KEPT: &str = "sessionStorage.getItem('dispatch.token')";

#[test]
fn a_link_with_a_wrong_token_changes_nothing_in_any_tab() {
    let world = World::new();
    world.task("A", "x");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    // Another tab of the same browser opens a link with a foreign token.
    page.tab(1);
    let wrong = format!("http://{}/#token=AAAA", server.host);
    page.ask(&json!({ "goto": "about:blank" })).unwrap();
    page.ask(&json!({ "goto": wrong })).unwrap();
    page.wait("it shows the runs, by the token of the first", "document.querySelector('.row[data-task=A]') !== null");
    assert_eq!(page.eval(KEPT), server.token.as_str());
    assert_eq!(page.eval("location.hash"), "", "it does not stay in the address");
    // In a tab that has a token already.
    page.ask(&json!({ "goto": "about:blank" })).unwrap();
    page.ask(&json!({ "goto": wrong })).unwrap();
    page.wait("it shows the runs", "document.querySelector('.row[data-task=A]') !== null");
    assert_eq!(page.eval(KEPT), server.token.as_str());
    page.tab(0);
    assert_eq!(page.eval(KEPT), server.token.as_str());
    page.reload();
    page.wait("it shows the runs", "document.querySelector('.row[data-task=A]') !== null");
    drop(page);
    server.assert_alive();
}

#[test]
fn a_wrong_token_from_a_person_or_another_tab_is_refused_with_words() {
    let world = World::new();
    world.task("A", "x");
    let server = world.serve();
    let mut page = Page::new(&world);
    page.ask(&json!({ "goto": format!("http://{}/#token=AAAA", server.host) })).unwrap();
    page.wait_for_text("This page needs the token");
    page.play("await page.locator('#token input').fill('BBBB'); await page.locator('#token button').click()");
    page.wait_for_text("The server refuses this token");
    assert_eq!(page.eval(KEPT), serde_json::Value::Null);
    page.play(&format!(
        "await page.locator('#token input').fill({}); await page.locator('#token button').click()",
        json!(server.token)
    ));
    page.wait("it shows the runs", "document.querySelector('.row[data-task=A]') !== null");
    // Another tab, opened from an older server, offers its token.
    page.tab(1);
    page.go(&server, "/");
    page.play("await page.evaluate(() => { new BroadcastChannel('dispatch.token').postMessage({ token: 'CCCC' }); })");
    page.tab(0);
    page.play("await page.evaluate(() => fetch('/healthz'))");
    page.reload();
    page.wait("it shows the runs", "document.querySelector('.row[data-task=A]') !== null");
    assert_eq!(page.eval(KEPT), server.token.as_str());
    drop(page);
    server.assert_alive();
}
