//! The palette that leads to a page, task, run, file or mode.

use crate::browser::Page;
use crate::serve_now::{expect, play};
use crate::world::World;

#[test]
fn the_palette_gets_the_keys_that_follow_its_own() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let run = server.run_of("job", "A", "");
    world.agent_ready(&run);
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "running", "job/A");
    play(
        &mut page,
        r#"
        await press("j"); await shown("A");
        // It is loaded when it is first opened, and that takes a while.
        let load;
        const loaded = new Promise((done) => { load = done; });
        await page.route("**/palette.js", async (route) => { await loaded; await route.continue(); });
        await page.keyboard.press("Control+k");
        await page.keyboard.type("ss");
        load();
        await page.getByRole("dialog", { name: "Go to" }).waitFor();
        await page.keyboard.type("x");
        same(await page.evaluate("document.activeElement.closest('dialog')?.querySelector('input').value"), "ssx", "what was typed");
        "#,
    );
    assert_eq!(world.status("job", "A")["state"], "running");
    page.assert_silent();
}
