//! The page of a task, and what is true of all pages beside the board and the run's.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::server::Server;
use crate::world::{World, time};

/// Short names for what the scripts are about.
const STAGE: &str = r#"
const dialog = page.locator("dialog[open]");
const preview = dialog.locator(".preview");
const badge = (pair, state) => page.locator(`.badge[data-pair="${pair}"]${state ? `[data-state="${state}"]` : ""}`).first();
const focused = () => page.evaluate(`(() => { const at = document.activeElement; return at.name ? at.type === "radio" ? at.value : at.name : at.className || at.nodeName; })()`);
"#;

pub(crate) fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

/// What would do something, if anything of a task's text could.
const HOSTILE: &str = r#"# <script>window.took = 1</script> "quoted"

</article></section></main><h1 id="page">taken</h1>

<img src=x onerror="window.took = 2"> <svg onload="window.took = 3"> <iframe srcdoc="<script>parent.took = 4</script>"></iframe>

[one](javascript:window.took=5) [two](JAVA&#10;SCRIPT:window.took=6) [three](data:text/html,x) [four](//evil.test/x)
[five](/runs/x) ![six](https://evil.test/six.png) ![seven](seven.png) <javascript:window.took=7>
[fine](https://evil.test/"onmouseover=window.took=8) [top](#page) [down](#end)

<form action="https://evil.test"><input name=x><button>x</button></form>
<style>* { display: none }</style><base href="https://evil.test/"><meta http-equiv=refresh content="0;url=https://evil.test">

```"><script>window.took = 9</script>
</code></pre><script>window.took = 10</script>
```

| <script>window.took = 11</script> | b |
|---|---|
| <b onclick=x>c</b> | &lt;i&gt; |

- [ ] <script>window.took = 12</script>

## End
"#;

#[test]
fn a_hostile_task_is_text_on_every_page() {
    let world = World::new();
    let title = r#"<script>window.took = 20</script>"><img src=x onerror=window.took=21> {{ 7 * 7 }} ${took}"#;
    let head = json!({
        "title": title, "status": "<b>odd</b>", "tags": ["<i>x</i>", "\" onclick=\"x"], "priority": "</section>",
        "assignee": "<script>window.took = 22</script>", "type": "a&b", "nested": { "<b>": ["<script>window.took = 23</script>"] },
    });
    world.write("tasks/BAD.md", format!("---\n{head}\n---\n\n{HOSTILE}"));
    world.write("tasks/sub/SUB.md", json_task(&json!({ "title": title, "parent_task": "BAD", "depends_on": ["BAD"] })));
    let server = world.serve();
    server.post("/dispatch/job/SUB", "");
    let mut page = Page::at(&world, &server, "/tasks/BAD");
    page.wait_for_text("window.took = 10");
    let shown = page.eval("document.querySelector('h1').textContent");
    assert_eq!(shown, title);
    let text = page.eval("document.querySelector('.markdown').innerText");
    for part in [
        "<script>window.took = 1</script> \"quoted\"",
        "</article></section></main><h1 id=\"page\">taken</h1>",
        "<img src=x onerror=\"window.took = 2\">",
        "one (javascript:window.took=5)",
        "three (data:text/html,x)",
        "four (//evil.test/x)",
        "five (/runs/x)",
        "[image: six]",
        "[image: seven] (seven.png)",
        "<base href=\"https://evil.test/\">",
        "</code></pre><script>window.took = 10</script>",
        "<b onclick=x>c</b>",
    ] {
        assert!(text.as_str().unwrap().contains(part), "{part}: {text}");
    }
    let made = page.eval(
        "['script', 'img', 'svg', 'iframe', 'form', 'style', 'base', 'meta', 'input', 'h1'].map((name) =>
           document.querySelectorAll(`.markdown ${name}`).length).concat(document.querySelectorAll('#page').length)",
    );
    assert_eq!(made, json!([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "nothing but text came of it");
    let links = page.eval("[...document.querySelectorAll('.markdown a')].map((a) => [a.protocol, a.rel, a.target])");
    for link in links.as_array().unwrap() {
        let outside = link == &json!(["https:", "noreferrer noopener", "_blank"]);
        assert!(outside || link == &json!(["http:", "", ""]), "{link}");
    }
    let inside = "[...document.querySelectorAll('.markdown a:not([target])')].map((a) => a.getAttribute('href'))";
    assert_eq!(page.eval(inside), json!(["#md-page", "#md-end"]));
    assert_eq!(page.eval("document.querySelector('.meta').textContent.includes('{\"<b>\":[\"<script>')"), true);
    play(
        &mut page,
        r##"
        await page.locator('.markdown a[href="#md-end"]').click();
        expect(await page.evaluate("document.querySelector(':target').textContent") === "End", "an anchor leads to its heading");
        await page.keyboard.press("r");
        await dialog.waitFor();
        await dialog.locator("input[value=job]").check();
        await preview.getByText("window.took = 10").waitFor();
        await page.keyboard.press("Escape");
    "##,
    );
    for path in ["/now", "/history", "/tasks/SUB", "/"] {
        page.go(&server, path);
        assert_eq!(page.eval("window.took ?? null"), Value::Null, "{path}");
    }
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

fn json_task(head: &Value) -> String {
    format!("---\n{head}\n---\n\n%out x\n")
}

/// `P` with A, then B and C together, which wait for one another, then D.
pub(crate) fn tree(world: &World) {
    world.write("tasks/P/_overview.md", json_task(&json!({ "title": "The parent", "depends_on": ["LONE"] })));
    for (file, id, body) in [
        ("01_a", "A", "%until go\n"),
        ("02_b", "B", "%touch b-here\n%until c-here\n"),
        ("02_c", "C", "%touch c-here\n%until b-here\n"),
        ("03_d", "D", "%out d\n"),
    ] {
        world.write(
            format!("tasks/P/{file}.md"),
            format!("---\nid: {id}\ntitle: Step {id}\nstatus: todo\n---\n\n{body}"),
        );
    }
    world.task("LONE", "%out x\n");
}

#[test]
fn a_tree_is_shown_and_run_in_its_order() {
    let world = World::new();
    tree(&world);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/P");
    let order = "[...document.querySelectorAll('.text .rows li')].map((li) => li.dataset.task ?? li.textContent)";
    assert_eq!(page.eval(order), json!(["A", "these 2 run in parallel", "B", "C", "D", "LONE"]));
    page.eval("window.sameDocument = true");
    play(
        &mut page,
        r#"
        same(await page.locator("[name=all-mode]").inputValue(), "job", "a background mode is proposed");
        await page.getByRole("button", { name: "Run all" }).click();
        await badge("job/A", "running").waitFor();
        await badge("job/B", "queued").waitFor();
        await badge("job/D", "queued").waitFor();
    "#,
    );
    world.write("go", "");
    for task in ["A", "B", "C", "D"] {
        page.wait_badge(&format!("job/{task}"), "succeeded");
    }
    page.wait_for_text("0 of 4 done, 4 succeeded");
    assert_eq!(page.eval("window.sameDocument"), true);
    let [a, b, c, d] = ["A", "B", "C", "D"].map(|task| {
        let run = world.status("job", task);
        (time(&run["startedAt"]), time(&run["endedAt"]))
    });
    assert!(a.1 <= b.0 && a.1 <= c.0 && b.1 <= d.0 && c.1 <= d.0, "{a:?} {b:?} {c:?} {d:?}");
    assert!(b.0 < c.1 && c.0 < b.1, "equal numbers side by side: {b:?} {c:?}");
    assert_eq!(world.starts().len(), 4, "the parent itself is not run");
    // A subtask links to its parent, and a task names the tasks that depend on it.
    page.go(&server, "/tasks/A");
    assert_eq!(
        page.eval("[...document.querySelectorAll('.crumbs a')].map((a) => a.textContent)"),
        json!(["Board", "The parent"])
    );
    page.go(&server, "/tasks/LONE");
    assert_eq!(page.eval("document.querySelector('[data-key=\"needed-by-tasks\"] .row').dataset.task"), "P");
    page.assert_silent();
}

#[test]
fn the_task_page_follows_its_file_and_its_runs() {
    let world = World::with("  signed: { agent: fake, gate: approve, prompt: \"%exit 3\" }\n");
    world
        .write("tasks/A.md", "---\ntitle: First\nstatus: todo\nestimate: { points: 5 }\n---\n\n- [x] one\n- [ ] two\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/A");
    page.wait_for_text("1 of 2 done");
    page.wait_for_text("{\"points\":5}");
    page.eval("window.sameDocument = true");
    world.write("tasks/A.md", "---\ntitle: Second\nstatus: done\n---\n\n**bold**\n");
    page.wait(
        "the new text is there",
        "document.querySelector('h1').textContent === 'Second' && document.querySelector('.markdown strong')",
    );
    play(
        &mut page,
        r#"
        await page.keyboard.press("r");
        await dialog.waitFor();
        await dialog.locator("input[value=signed]").check();
        await page.keyboard.press("Enter");
        await badge("signed/A", "gate").waitFor();
        await page.locator("[data-mode=signed]").getByRole("button", { name: "Approve" }).click();
        await badge("signed/A", "failed").waitFor();
        const row = page.locator("[data-mode=signed] tbody tr");
        same(await row.locator("td").nth(3).textContent(), "3", "its exit code");
        await page.locator("[data-mode=signed]").getByRole("button", { name: "Run" }).click();
        await dialog.locator("input[value=signed]:checked").waitFor();
        await page.keyboard.press("Control+Enter");
        await badge("signed/A", "gate").waitFor();
        await page.locator(".about").getByRole("button", { name: "Reject" }).click();
        await until("both are in its table", "document.querySelectorAll('[data-mode=signed] tbody tr').length === 2");
        await until("the new one is first and ended", "document.querySelector('[data-mode=signed] tbody tr').dataset.state === 'failed'");
    "#,
    );
    assert_eq!(page.eval("window.sameDocument"), true);
    let reported = server.get("/api/tasks/A").json();
    assert_eq!(reported["meta"], json!({ "title": "Second", "status": "done" }), "{reported}");
    page.assert_silent();
}

#[test]
fn what_cannot_be_shown_is_reported_with_the_fix() {
    let world = World::new();
    world.task("TASK-1", "%out x\n").task("OLD", "%out x\n");
    world.write("tasks/DAMAGED.md", "---\ntitle: x\nstatus: [\n---\nx\n");
    world.dispatch("run job OLD").any_stderr().ends_somehow();
    fs::remove_file(world.project().join("tasks/OLD.md")).unwrap();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/TASK-11");
    page.wait_for_text("unknown task `TASK-11`");
    assert_eq!(page.eval("document.querySelector('.error p a').getAttribute('href')"), "/tasks/TASK-1");
    page.assert_accessible("an unknown task");
    page.go(&server, "/tasks/DAMAGED");
    page.wait_for_text("tasks/DAMAGED.md:");
    world.task("DAMAGED", "mended\n");
    page.wait_for_text("mended");
    page.go(&server, "/tasks/OLD");
    page.wait_for_text("What ran under this name");
    page.go(&server, "/tasks/TASK-1");
    world.write("dispatch.yaml", "version: 1\nmodes: { job: { prompt: '{{ odd }}' } }\nodd: 1\n");
    page.wait_for_text("Nothing can be started:");
    world.write("dispatch.yaml", crate::world::BASE);
    page.wait("it is mended", "!document.querySelector('.banner.bad')");
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn all_pages_are_accessible_in_both_themes_and_widths() {
    let world = World::new();
    tree(&world);
    world.write(
        "tasks/RICH.md",
        format!(
            "---\ntitle: {}\ntags: [a, b]\nlong: {}\n---\n\n{HOSTILE}\n{}\n",
            "long ".repeat(40),
            "x".repeat(300),
            "wide ".repeat(300).replace(' ', "")
        ),
    );
    for (mode, task) in [("job", "LONE"), ("job", "RICH")] {
        world.dispatch("run").arg(mode).arg(task).any_stderr().ends_somehow();
    }
    let server = world.serve();
    let check = |wished: Value, server: &Server| {
        let mut page = Page::with(&world, &wished);
        for path in ["/tasks/P", "/tasks/RICH", "/history", "/now"] {
            page.go(server, path);
            page.assert_accessible(&format!("{wished} {path}"));
        }
        page.go(server, "/tasks/RICH");
        play(
            &mut page,
            r#"await page.keyboard.press("r"); await dialog.locator("input[value=job]").check(); await preview.locator(".prompt").waitFor();"#,
        );
        page.assert_accessible(&format!("{wished} the dialog"));
        page.assert_silent();
    };
    check(json!({ "viewport": [390, 844], "scheme": "light" }), &server);
    check(json!({ "viewport": [1600, 900], "scheme": "dark" }), &server);
}
