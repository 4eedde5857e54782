//! What the walks through all pages share: the project, the texts that are written in the editor, and a person who
//! presses keys or clicks, which are counted.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::server::Server;
use crate::world::World;

/// The person's hands: `press`, `letters` and `click` are counted, and so is what `write` puts into the editor. After
/// each of them, what had the focus may have given it to something else, but not to nothing.
const HANDS: &str = r#"
const count = { keys: 0, clicks: 0, typed: 0 };
const focused = () => page.evaluate("document.activeElement !== document.body");
const press = async (...names) => { for (const name of names) { await page.keyboard.press(name); count.keys += 1; } };
const letters = async (text) => { await page.keyboard.type(text); count.keys += text.length; };
const click = async (target, options = {}) => { await target.click(options); count.clicks += options.clickCount ?? 1; };
const write = async (text) => { await page.keyboard.insertText(text); count.typed += text.length; };
const holds = async (what) => expect(await focused(), `the focus is not lost after ${what}`);
const at = async (path) => { await page.waitForURL((url) => url.pathname === path); await until(`${path} is connected`, "document.getElementById('page') && document.documentElement.dataset.link === 'connected'"); };
const goTo = async (name, path) => { await press("Control+k"); await page.getByRole("dialog", { name: "Go to" }).waitFor(); await letters(name); await until(`${name} is found`, (path) => document.querySelector(".palette [aria-selected=true]")?.dataset.href === path, path); await press("Enter"); await at(path); };
const badge = (pair, state) => until(`${pair} is ${state}`, ([pair, state]) => [...document.querySelectorAll(`.badge[data-pair="${pair}"]`)].some(({ dataset }) => state.split("|").includes(dataset.state)), [pair, state]);
const hostOf = "document.querySelector('.edit-pane .edit-host')?.shadowRoot";
const inText = () => until("the text has the keyboard", `${hostOf}?.activeElement?.classList.contains('cm-content')`);
const problems = (text) => until(`the problems are ${text}`, (text) => document.querySelector(".edit-part [role=status]")?.textContent === text, text);
const saved = () => until("it is saved", "document.querySelector('.edit-state')?.textContent === 'Saved'");
const loaded = () => until("the text is loaded", `${hostOf}?.querySelector('.cm-content') && document.querySelector('.edit-box').dataset.checked`);
const line = (text) => page.locator(".edit-pane .cm-line", { hasText: text });
const chosen = (task) => until(`${task} is shown`, (task) => document.getElementById("now-detail").dataset.task === task, task);
const log = (text) => page.locator(".view:not(.out) .log-lines").getByText(text).waitFor();
const { readFileSync } = await import("node:fs");
const download = async (act) => { const [file] = await Promise.all([page.waitForEvent("download"), act()]); return [file.suggestedFilename(), readFileSync(await file.path(), "utf8")]; };
"#;

/// Notes every press of a pointer, and every key outside of fields for text.
const NOTICE: &str = r#"
await context.exposeFunction("noteHand", (what) => { context.hands ??= { pointer: 0, keys: [] }; if (what === "pointer") context.hands.pointer += 1; else context.hands.keys.push(what); });
await context.addInitScript(() => {
  addEventListener("pointerdown", () => window.noteHand("pointer"), { capture: true });
  addEventListener("keydown", ({ key, target }) => { if (!target.closest?.("input, textarea, .edit-host")) window.noteHand(key); }, { capture: true });
});
"#;

pub(crate) struct Walk {
    page: Page,
    server: Server,
    pub(crate) world: World,
    keys: u64,
    clicks: u64,
    typed: u64,
}

impl Walk {
    /// A project whose agent reports answers and costs, and whose subtask file does not exist yet; the board is open.
    pub(crate) fn new() -> Self {
        let world = World::new();
        let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
        let reports = "agents:\n  reports: { headless: [fake], prompt: { headless: stdin }, protocol: jsonl }\n";
        let manifest = manifest.replacen("agents:\n", reports, 1);
        world.write("dispatch.yaml", manifest.replacen("tasks:\n", "tasks:\n  - subtasks: steps.yml\n", 1));
        let server = world.serve();
        let mut page = Page::new(&world);
        page.play(NOTICE);
        page.go(&server, "/");
        Self { page, server, world, keys: 0, clicks: 0, typed: 0 }
    }

    #[track_caller]
    pub(crate) fn play(&mut self, script: &str) -> Value {
        let found = self.page.play(&format!(
            "{HANDS}const answer = await (async () => {{ {script} }})(); return {{ ...count, answer }};"
        ));
        let number = |name: &str| found[name].as_u64().unwrap();
        self.keys += number("keys");
        self.clicks += number("clicks");
        self.typed += number("typed");
        found["answer"].clone()
    }

    /// The agent of the third subtask goes on.
    pub(crate) fn release(&self) {
        fs::write(self.world.root().join("go"), "").unwrap();
    }

    #[track_caller]
    pub(crate) fn accessible(&mut self, what: &str) {
        self.page.assert_accessible(what);
    }

    /// The exported files have every subtask with its answer.
    #[track_caller]
    pub(crate) fn assert_exported(&self, files: &Value) {
        assert_eq!((&files[0][0], &files[1][0]), (&json!("P-results.md"), &json!("P-results.json")));
        let markdown = files[0][1].as_str().unwrap();
        let results: Value = serde_json::from_str(files[1][1].as_str().unwrap()).unwrap();
        let steps = results["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 5, "{results}");
        for step in steps {
            let answer = format!("the answer of {}", step["task"].as_str().unwrap());
            assert_eq!((&step["outcome"], &step["answer"]), (&json!("succeeded"), &json!(answer)), "{step}");
            assert_eq!(step["costUsd"], 0.25, "{step}");
            assert!(markdown.contains(&answer), "{answer}: {markdown}");
        }
        assert_eq!(steps.iter().find(|step| step["task"] == "FOUR").unwrap()["mode"], "ship");
    }

    /// Only this hand was used. Returns how often, in words.
    #[track_caller]
    pub(crate) fn end(mut self, by: &str) -> String {
        self.page.play("expectNoMessages(/status of 422/, /status of 404 .*steps.yml/)");
        let hands = self.page.play("return context.hands ?? { pointer: 0, keys: [] }");
        if by == "keyboard" {
            assert_eq!((self.clicks, &hands["pointer"]), (0, &json!(0)));
        } else {
            assert_eq!((self.keys, &hands["keys"]), (0, &json!([])));
        }
        let counts = format!(
            "walk by {by}: {} keys, {} clicks, and {} characters written into the editor",
            self.keys, self.clicks, self.typed
        );
        drop(self.page);
        self.server.assert_alive();
        counts
    }
}

/// The parent and its five subtasks: the second fails, the third waits for a file, the fourth is for the mode with the
/// gate. One key has a wrong name.
pub(crate) const STEPS: &str = r#"- { id: P, title: The parent of five }
- id: ONE
  parent: P
  prompt: '%out {"result":"the answer of ONE","costUsd":0.25}'
- id: TWO
  parent: P
  depends_on: [ONE]
  prompt: |
    %out {"result":"the answer of TWO","costUsd":0.25}
    %exit 3
- id: THREE
  parent: P
  depends_on: [ONE]
  promt: |
    %out {"note":"THREE has begun"}
    %until ../go
    %out {"result":"the answer of THREE","costUsd":0.25}
- id: FOUR
  parent: P
  depends_on: [THREE]
  prompt: '%out {"result":"the answer of FOUR","costUsd":0.25}'
- id: FIVE
  parent: P
  depends_on: [TWO, FOUR]
  prompt: '%out {"result":"the answer of FIVE","costUsd":0.25}'
"#;

/// What is appended to the manifest.
pub(crate) const WANTED: &str = r#"  build: { agent: reports, prompt: "{{ prompt }}" }
  ship: { agent: reports, prompt: "{{ prompt }}", gate: approve }
runs:
  - { mode: build, tasks: [ONE, TWO, THREE, FIVE], restart: on_failure }
  - { mode: ship, tasks: [FOUR] }
"#;
