//! The subtasks on the page of a task: in run order, each in its mode; run from one on, stopped, with answers, costs
//! and changes; saved as Markdown and JSON.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::world::World;

const STAGE: &str = r#"
const sub = (task) => page.locator(`.sub[data-task="${task}"]`);
const state = (pair) => page.evaluate((pair) => document.querySelector(`.sub .badge[data-pair="${pair}"]`)?.dataset.state ?? "none", pair);
const reaches = (pair, wanted) => until(`${pair} is ${wanted}`, ([pair, wanted]) => document.querySelector(`.sub .badge[data-pair="${pair}"]`)?.dataset.state === wanted, [pair, wanted]);
// What the page hands to the browser to save: the file's name and its text.
const saved = async (format) => {
  await page.evaluate(() => {
    window.given = null;
    const make = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => { window.blob = blob; return make(blob); };
    HTMLAnchorElement.prototype.click = function click() { window.given = this.download; };
  });
  await page.locator(`[data-act=export][data-format=${format}]`).click();
  await until("it is saved", "window.given");
  return page.evaluate(async () => [window.given, await window.blob.text()]);
};
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

const MODES: &str = r#"  plain: { agent: reports, prompt: "{{ prompt }}{{ task.body }}" }
  other: { agent: reports, prompt: "{{ prompt }}{{ task.body }}" }
"#;

/// A world with these modes, whose agent reports its answer and its cost, and with a subtask file.
fn stepped(steps: &str) -> World {
    let world = World::with(MODES);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let reports = "agents:\n  reports: { headless: [fake], prompt: { headless: stdin }, protocol: jsonl }\n";
    let manifest = manifest.replacen("agents:\n", reports, 1);
    world.write("dispatch.yaml", manifest.replacen("tasks:\n", "tasks:\n  - subtasks: steps.yml\n", 1));
    world.write("steps.yml", steps);
    world.task("P", "the parent");
    world
}

fn says(answer: &str) -> String {
    format!("%out {}", json!({ "result": answer, "costUsd": 0.25 }))
}

fn step(id: &str, more: &Value) -> String {
    let mut step = json!({ "id": id, "title": format!("Step {id}"), "parent": "P" });
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("- {step}\n")
}

#[test]
fn steps_run_in_their_own_mode_and_the_choice_of_a_mode_stays() {
    let steps = [
        step("B", &json!({ "depends_on": ["A"], "prompt": says("second") })),
        step("A", &json!({ "mode": "other", "prompt": format!("%until go\n{}", says("first line\nand <b>more</b>")) })),
        step("C", &json!({ "depends_on": ["B"], "prompt": says("third") })),
    ];
    let world = stepped(&steps.concat());
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/P");
    let order = "[...document.querySelectorAll('.sub')].map((row) => row.dataset.task)";
    assert_eq!(page.eval(order), json!(["A", "B", "C"]), "a step comes after what it depends on");
    play(
        &mut page,
        r#"
        same(await sub("B").locator(".after").textContent(), "after A", "its dependency");
        expect((await page.locator(".tree-acts").innerText()).includes("1 in its own mode, 2"), "how the steps are run");
        const select = page.locator("[name=all-mode]");
        await select.selectOption("plain");
        await page.getByRole("button", { name: "Run all" }).click();
        await page.getByText("3 subtasks of P, in order: 1 in other, 2 in plain.").waitFor();
        await reaches("other/A", "running");
        await reaches("plain/B", "queued");
        same(await select.inputValue(), "plain", "the choice stays while runs change");
        // Another run proposes another mode for a page that is opened now; here the choice stays.
        await page.evaluate(async () => {
          const token = sessionStorage.getItem("dispatch.token");
          const asked = await fetch("/dispatch/other/C", { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: "{}" });
          if (!asked.ok) throw new Error(await asked.text());
        });
    "#,
    );
    world.wait_state("other", "C", "succeeded");
    page.wait("the page has the new proposal", "document.querySelector('.subtasks').dataset.anyMode === 'other'");
    assert_eq!(page.eval("document.querySelector('[name=all-mode]').value"), "plain");
    world.write("go", "");
    play(
        &mut page,
        r#"
        for (const pair of ["other/A", "plain/B"]) await reaches(pair, "succeeded");
        const answer = sub("A").locator(".answer");
        same(await answer.locator("summary").textContent(), "first line", "the start of its answer");
        await answer.locator("summary").click();
        same(await answer.locator("pre").textContent(), "first line\nand <b>more</b>", "all of it, as text");
        same(await sub("A").locator(".cost").textContent(), "$0.25", "its cost");
        await page.getByText("3 of 3 done").waitFor();
    "#,
    );
    page.assert_accessible_everywhere("a tree with results");
    page.assert_silent();
}

#[test]
fn a_tree_runs_from_a_step_on_and_is_stopped_as_a_whole() {
    let steps = [
        step("A", &json!({ "prompt": says("a") })),
        step("B", &json!({ "depends_on": ["A"], "prompt": "%hang" })),
        step("C", &json!({ "depends_on": ["A"], "prompt": "%hang" })),
        step("D", &json!({ "depends_on": ["B", "C"], "prompt": says("d") })),
    ];
    let world = stepped(&steps.concat());
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/P");
    play(
        &mut page,
        r#"
        await page.locator("[name=all-mode]").selectOption("plain");
        await sub("C").getByRole("button", { name: "From here" }).click();
        await reaches("plain/C", "running");
        await reaches("plain/D", "queued");
        same([await state("plain/A"), await state("plain/B")], ["none", "none"], "the steps before it are left out");
        // By keyboard: from the second step on; what runs already is joined.
        await page.evaluate("[...document.querySelectorAll('.sub')].forEach((row) => row.removeAttribute('aria-current'))");
        await page.keyboard.press("j");
        await page.keyboard.press("j");
        same(await page.evaluate("document.activeElement.dataset.task"), "B", "the second step");
        await page.keyboard.press("f");
        await reaches("plain/B", "running");
        // Stop all asks first.
        await page.keyboard.press("S");
        const dialog = page.locator("dialog[open]");
        await dialog.waitFor();
        same(await dialog.locator("li").allTextContents(), ["plain D", "plain B", "plain C"], "queued ones first");
        await page.keyboard.press("Escape");
        await until("it is closed", "!document.querySelector('dialog[open]')");
        same(await state("plain/B"), "running", "nothing was stopped");
        await page.getByRole("button", { name: "Stop all" }).click();
        await dialog.getByRole("button", { name: "Stop 3" }).click();
        for (const task of ["B", "C", "D"]) await reaches(`plain/${task}`, "stopped");
    "#,
    );
    assert!(world.starts().iter().all(|note| note.task != "D" && note.task != "A"), "{:?}", world.starts().len());
    page.assert_silent();
}

#[test]
fn the_results_are_saved_and_hostile_texts_stay_text() {
    let title = r#"<script>window.took = 1</script>"><img src=x onerror=window.took=2> [l](javascript:x)"#;
    let answer = "<script>window.took = 3</script>\n```\n# not a heading";
    let steps = [
        step("BAD", &json!({ "title": title, "prompt": says(answer) })),
        step("FAILS", &json!({ "depends_on": ["BAD"], "prompt": says("never") })),
    ];
    let world = stepped(&steps.concat());
    let server = world.serve();
    server.post("/dispatch/plain/P", r#"{"subtasks":true}"#);
    world.wait_state("plain", "FAILS", "succeeded");
    let mut page = Page::at(&world, &server, "/tasks/P");
    assert_eq!(page.eval("document.querySelector('.sub .title').textContent"), title);
    assert_eq!(page.eval("document.querySelector('.sub .answer pre').textContent"), answer);
    let saved = play(&mut page, r#"return [await saved("md"), await saved("json")];"#);
    assert_eq!((&saved[0][0], &saved[1][0]), (&json!("P-results.md"), &json!("P-results.json")));
    let markdown = saved[0][1].as_str().unwrap();
    assert_eq!(markdown, server.get("/api/results/P?format=md").text());
    assert!(markdown.contains("````text\n<script>window.took = 3</script>\n```\n# not a heading\n````"), "{markdown}");
    assert!(!markdown.contains("# <script>") && markdown.contains("&lt;script&gt;"), "{markdown}");
    let results: Value = serde_json::from_str(saved[1][1].as_str().unwrap()).unwrap();
    assert_eq!(results, server.get("/api/results/P").json());
    assert_eq!(
        page.eval("[window.took ?? null, document.querySelectorAll('.subtasks img, .subtasks script').length]"),
        json!([null, 0])
    );
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn the_changes_of_the_worktree_are_shown() {
    let (world, tree) = crate::git::world();
    fs::write(tree.join("new"), "a\nb\n").unwrap();
    world.write("tasks/S.md", "---\ntitle: Sub\nparent_task: T\n---\n\n%out x\n");
    world.dispatch("run job S").any_stderr().ends_somehow();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    page.wait("its changes are there", "document.querySelector('.sub[data-task=S] .stat:not([hidden])')");
    let changes = server.get("/api/results/T").json()["worktrees"][0].clone();
    let shown = page.eval("document.querySelector('.sub[data-task=S] .stat').textContent");
    let files = if changes["count"] == 1 { "file" } else { "files" };
    assert_eq!(shown, format!("{} {files} +{} −{}", changes["count"], changes["added"], changes["removed"]));
    page.assert_silent();
}
