//! Failed runs on `/now`: they need a person until they were looked at, by the same count as in the head.

use crate::browser::Page;
use crate::serve_now::{expect, play};
use crate::world::World;

#[test]
fn a_failed_run_needs_its_user_until_it_was_looked_at() {
    let world = World::new();
    world.task("BAD", "%exit 3\n").task("GOOD", "%exit 0\n").task("BUSY", "%hang\n");
    for task in ["BAD", "GOOD"] {
        world.dispatch("run -q job").arg(task).any_stderr().ends_somehow();
    }
    let run = world.detach("job", "BUSY");
    world.agent_ready(&run);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "job/BAD");
    expect(&mut page, "ended", "job/GOOD");
    page.wait_for_text("1 needs you");
    page.assert_accessible_everywhere("a failed run");
    play(
        &mut page,
        r#"
        await press(".");
        await shown("BAD"); await on("BAD");
        await until("the head counts it no more", "!document.getElementById('tally').textContent.includes('needs you')");
        "#,
    );
    // It keeps its place until the next choice.
    expect(&mut page, "needs", "job/BAD");
    play(&mut page, r#"await press("j"); await shown("BUSY");"#);
    expect(&mut page, "needs", "");
    expect(&mut page, "ended", "job/GOOD,job/BAD");
    page.assert_silent();
}
