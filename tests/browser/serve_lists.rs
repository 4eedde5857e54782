//! The past.

use serde_json::{Value, json};

use crate::browser::Page;
use crate::serve_task_page::play;
use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn the_past_is_filtered_and_comes_a_piece_at_a_time() {
    let world = World::with("  fails: { agent: fake, prompt: \"%exit 3\" }\n");
    world.task("A", "%out x\n").task("B", "%out x\n");
    for (mode, task) in [("job", "A"), ("fails", "A"), ("job", "B"), ("fails", "B"), ("job", "A")] {
        world.dispatch("run").arg(mode).arg(task).any_stderr().ends_somehow();
    }
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/history");
    let rows =
        "[...document.querySelectorAll('tbody tr')].map((row) => `${row.cells[2].textContent}/${row.dataset.task}`)";
    assert_eq!(page.eval(rows), json!(["job/A", "fails/B", "job/B", "fails/A", "job/A"]));
    page.assert_accessible("history");
    let shows = |page: &mut Page, wanted: Value| {
        wait_until(&format!("the table holds {wanted}"), || {
            let found = page.ask(&json!({ "eval": rows }))?;
            is(found == wanted, found.to_string())
        });
    };
    play(&mut page, r#"await page.getByLabel("Outcome", { exact: true }).selectOption("failed");"#);
    shows(&mut page, json!(["fails/B", "fails/A"]));
    play(&mut page, r#"await page.keyboard.press("Escape"); await page.locator("[name=task]").fill("A");"#);
    shows(&mut page, json!(["fails/A"]));
    assert_eq!(page.eval("location.search"), "?task=A&outcome=failed");
    page.reload();
    shows(&mut page, json!(["fails/A"]));
    play(&mut page, r#"await page.getByLabel("Mode", { exact: true }).selectOption("job");"#);
    page.wait_for_text("No past run fits.");
    play(&mut page, r#"await page.getByRole("button", { name: "Show all" }).click();"#);
    page.wait("all are there", "document.querySelectorAll('tbody tr').length === 5");
    play(&mut page, r#"await page.getByLabel("Ended", { exact: true }).selectOption("1h");"#);
    page.wait(
        "all ended lately",
        "location.search === '?since=1h' && document.querySelectorAll('tbody tr').length === 5",
    );
    // A further run appears by itself.
    world.dispatch("run fails A").any_stderr().ends_somehow();
    page.wait("the new one is there", "document.querySelectorAll('tbody tr').length === 6");
    // By pieces, through the same door as the page.
    for (query, count, more) in
        [("count=4", 4, "4"), ("count=4&from=4", 2, ""), ("count=6", 6, ""), ("outcome=lost", 0, "")]
    {
        let html = server.get(&format!("/ui/history?{query}")).text();
        assert_eq!(html.matches("<tr data-key").count(), count, "{query}: {html}");
        assert_eq!(html.contains("data-act=\"more\""), !more.is_empty(), "{query}");
        assert!(more.is_empty() || html.contains(&format!("data-next=\"{more}\"")), "{query}: {html}");
    }
    for query in ["outcome=odd", "since=odd", "from=-1", "other=1"] {
        assert_eq!(server.get(&format!("/ui/history?{query}")).status, 400, "{query}");
    }
    page.assert_silent();
}
