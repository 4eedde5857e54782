//! The pages for people who use no mouse, enlarge the page, or do not want movement: `/now`, `/plan`, `/edit`, `/history`
//! and a task with subtasks.

use serde_json::{Value, json};

use crate::browser::Page;
use crate::wanted::wanting;
use crate::world::World;

const PAGES: [&str; 5] = ["/now", "/plan", "/edit/dispatch.yaml", "/history", "/tasks/P"];

/// Runs of all kinds: one waits at a gate, one runs, one has failed, and two subtasks.
fn world() -> World {
    let world = wanting("{ mode: job, tasks: [A, B, C, S2] }");
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write(
        "dispatch.yaml",
        manifest.replacen("modes:\n", "modes:\n  gated: { agent: fake, prompt: x, gate: approve }\n", 1),
    );
    world.task("P", "The parent.\n").task("A", "%exit 3\n").task("B", "%hang\n").task("C", "%exit 0\n");
    for (task, after) in [("S1", ""), ("S2", "depends_on: [S1]\n")] {
        world.write(
            format!("tasks/{task}.md"),
            format!("---\ntitle: Step {task}\nparent_task: P\n{after}---\n\n%hang\n"),
        );
    }
    for task in ["A", "C"] {
        world.dispatch("run -q job").arg(task).any_stderr().ends_somehow();
    }
    for task in ["B", "S1"] {
        let run = world.detach("job", task);
        world.agent_ready(&run);
    }
    world.detach("gated", "A");
    world
}

/// Walks with Tab through the whole page, from the skip link to the end. Each stop is [what it is, why it is wrong].
const STOPS: &str = r#"
const stops = [];
await page.evaluate("document.body.focus(), document.activeElement.blur()");
for (let n = 0; n < 150; n += 1) {
  await page.keyboard.press("Tab");
  const stop = await page.evaluate(() => {
    let at = document.activeElement;
    if (at === document.body) return null;
    const inText = at.shadowRoot?.activeElement;
    const name = at.id || at.getAttribute("aria-label") || at.name || at.dataset.act || at.textContent.trim().slice(0, 30);
    const box = at.getBoundingClientRect();
    // The editor's pane shows the focus of the text in it.
    const shown = inText ? getComputedStyle(at.closest(".edit-pane")).boxShadow !== "none" : getComputedStyle(at).outlineStyle !== "none";
    const style = getComputedStyle(at);
    const wrong = !shown ? "shows no focus" : box.width < 1 || box.height < 1 ? "has no size"
      : box.right < 1 || box.left > innerWidth - 1 || box.bottom < 1 || box.top > innerHeight - 1 ? "is out of sight" : "";
    if (inText) at.shadowRoot.activeElement.blur();
    return { name, wrong, top: box.top + scrollY, column: Math.round(box.left), row: at.closest(".now-item, .row, tr")?.dataset.task ?? "", style: style.outlineStyle };
  });
  if (!stop) break;
  if (stops.length && stop.name === stops[0].name && stop.name === "Skip to content") break;
  stops.push(stop);
  if (await page.evaluate("document.activeElement?.matches('.edit-host')")) { await page.keyboard.press("Control+m"); }
}
return stops;
"#;

fn names(stops: &Value) -> Vec<&str> {
    stops.as_array().unwrap().iter().map(|stop| stop["name"].as_str().unwrap()).collect()
}

#[test]
fn every_stop_of_tab_is_seen_and_the_order_is_that_of_the_page() {
    let world = world();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    for path in PAGES {
        page.go(&server, path);
        if path.starts_with("/edit") {
            page.wait("the text is checked", "document.querySelector('.edit-box')?.dataset.checked");
        }
        let stops = page.play(STOPS);
        let list = stops.as_array().unwrap();
        assert!(list.len() > 10 && list.len() < 150, "{path}: {} stops: {:?}", list.len(), names(&stops));
        for stop in list {
            assert_eq!(stop["wrong"], "", "{path}: {stop}");
        }
        // The head comes first, then what is in the page; the rows in their order.
        let all = names(&stops);
        assert_eq!(all[0], "Skip to content", "{path}");
        assert_eq!(all[1..7], ["dispatch: the board", "Board", "Now", "Plan", "History", "Edit"], "{path}");
        let shown = page.eval(
            "[...document.querySelectorAll('.now-item, .row, tbody tr')].map((row) => row.dataset.task).filter(Boolean)",
        );
        let mut rows: Vec<&str> =
            list.iter().map(|stop| stop["row"].as_str().unwrap()).filter(|row| !row.is_empty()).collect();
        rows.dedup();
        let mut wanted: Vec<&str> = shown.as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
        wanted.dedup();
        assert_eq!(rows, wanted, "{path}: the rows in their order");
    }
    page.assert_silent();
}

#[test]
fn pages_at_200_percent_have_all_and_scroll_one_way() {
    let world = world();
    let server = world.serve();
    // 1280 by 800 px at 200 %.
    let mut page = Page::with(&world, &json!({ "viewport": [640, 400], "motion": "reduce" }));
    for path in PAGES {
        page.go(&server, path);
        page.assert_accessible(&format!("{path} at 200 %"));
        // Everything that can be pressed can be brought into sight, and nothing lies over it.
        let hidden = page.play(
            "return page.evaluate(async () => {
               const bad = [];
               for (const at of document.querySelectorAll('main :is(a, button, input, select, summary)')) {
                 // The bars of a chart lie over each other; its table has the same links.
                 if (at.closest('svg')) continue;
                 if (at.disabled || !at.checkVisibility({ visibilityProperty: true }) || !at.getClientRects().length) continue;
                 at.scrollIntoView({ block: 'center' });
                 const { left, right, top, bottom } = at.getClientRects()[0];
                 const [x, y] = [(Math.max(0, left) + Math.min(innerWidth, right)) / 2, (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2];
                 const hit = document.elementFromPoint(x, y);
                 if (!hit || !(at.contains(hit) || hit.contains(at) && hit.matches('label') || at.closest('label')?.contains(hit))) bad.push(`${at.outerHTML.slice(0, 120)} under ${hit?.outerHTML.slice(0, 80)}`);
               }
               return bad;
             })",
        );
        assert_eq!(hidden, json!([]), "{path}: what cannot be pressed");
    }
    page.assert_silent();
}

#[test]
fn nothing_moves_for_those_who_asked_for_it() {
    let world = world();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    let moving = "document.getAnimations().filter((animation) => animation.playState === 'running').length";
    for path in PAGES {
        page.play("await page.emulateMedia({ reducedMotion: 'no-preference' })");
        page.go(&server, path);
        if !path.starts_with("/edit") && path != "/history" {
            page.wait(&format!("{path}: a running badge turns"), &format!("{moving} > 0"));
        }
        page.play("await page.emulateMedia({ reducedMotion: 'reduce' })");
        page.wait(&format!("{path}: nothing turns"), &format!("{moving} === 0"));
        let smooth =
            "[...document.querySelectorAll('*')].some((one) => getComputedStyle(one).scrollBehavior === 'smooth')";
        assert_eq!(page.eval(smooth), false, "{path}: nothing scrolls by itself");
    }
    page.assert_silent();
}

#[test]
fn where_a_button_goes_away_its_row_has_the_focus() {
    let world = world();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    page.play(
        "await page.locator('.now-item[data-mode=gated] .now-row').click(); await page.locator('.now-gate').waitFor()",
    );
    for (path, button, row) in [
        ("/now", ".now-gate [data-act=approve]", ".now-item[data-mode=gated] .now-row"),
        ("/plan", ".step[data-task=S2] [data-plan-act=one]", ".step[data-task=S2]"),
        ("/tasks/P", ".sub[data-task=S1] [data-act=stop]", ".sub[data-task=S1]"),
        ("/", ".row[data-task=S2] [data-act=stop]", ".row[data-task=S2]"),
    ] {
        if path != "/now" {
            page.go(&server, path);
        }
        page.wait(
            &format!("{path}: the button is there"),
            &format!("document.querySelector('{button}:not(:disabled)')"),
        );
        page.eval(&format!("document.querySelector('{button}').focus()"));
        page.play("await page.keyboard.press('Enter')");
        page.wait(
            &format!("{path}: the button is gone"),
            &format!("!document.querySelector('{button}:not(:disabled)')"),
        );
        page.wait(&format!("{path}: the row has the focus"), &format!("document.activeElement.matches('{row}')"));
    }
    page.assert_silent();
}
