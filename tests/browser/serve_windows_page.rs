//! Windows that are made in a page's terminal live on when the page is loaded again or closed.

use serde_json::json;

use crate::browser::Page;
use crate::server::Server;
use crate::waiting::{is, wait_until};
use crate::windows::{assert_they_live, pid, stay, world};
use crate::world::World;

/// Types into the page's terminal a command for a shell, which then stays.
fn stay_on_page(world: &World, page: &mut Page, name: &str) -> i32 {
    page.play(&format!(
        "await page.keyboard.type({}); await page.keyboard.press('Enter')",
        json!(stay(world, name).trim_end())
    ));
    pid(world, name)
}

fn live(page: &mut Page) {
    page.wait("the terminal is connected", "document.querySelector('.term-box')?.dataset.link === 'live'");
    page.play("await page.evaluate(() => document.getElementById('terminal').terminal.focus())");
}

#[test]
fn what_is_made_in_a_tab_outlives_a_reload_and_the_tab() {
    let (world, run) = world();
    let server: Server = world.serve();
    let mut page = Page::at(&world, &server, &format!("/runs/{run}"));
    let mut pids = Vec::new();
    for name in ["one", "two"] {
        live(&mut page);
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.press('c')");
        pids.push(stay_on_page(&world, &mut page, &format!("{name}-made")));
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.type('%')");
        pids.push(stay_on_page(&world, &mut page, &format!("{name}-broken")));
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.type('!')");
        wait_until("its pane has a window of its own", || {
            let windows = world.panes("#{window_id} #{pane_pid}");
            let of = |pid: &i32| windows.iter().find_map(|row| row.strip_suffix(&format!(" {pid}")));
            is(of(&pids[pids.len() - 1]) != of(&pids[pids.len() - 2]), format!("{windows:?}"))
        });
        if name == "one" {
            page.reload();
        } else {
            page.play("await page.close()");
        }
    }
    assert_they_live(&world, &pids);
    assert_eq!(world.status("talk", "A")["state"], "running");
    drop(page);
    server.assert_alive();
}
