//! The board of a large project: what it costs to open, to scroll, to search, and to keep open.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::Value;

use crate::browser::Page;
use crate::world::World;

/// Beside `job` and `talk`.
const MODES: &str = "  plan: { agent: fake, prompt: x }\n  review: { agent: fake, prompt: x }\n";
const ALL: [&str; 4] = ["job", "plan", "review", "talk"];
/// What the first page may cost, in bytes on the wire.
const FIRST_PAGE: f64 = 60_000.0;

fn project(tasks: usize) -> World {
    let world = World::with(MODES);
    for n in 0..tasks {
        let (status, area) = (["todo", "in_progress", "review", "done"][n % 4], n % 7);
        let title = format!("Task number {n} of area {area}, with a title of a usual length");
        let front = format!("title: {title}\nstatus: {status}\ntags: [area-{area}]\nphase: Phase {}\n", n / 100);
        world.write(format!("tasks/T-{n:04}.md"), format!("---\n{front}---\n\n%until ../go\n"));
    }
    world
}

/// Makes records of ended runs from one: a run of each of the modes on each of the tasks.
fn fill(world: &World, tasks: usize) {
    world.write("../go", "");
    let run = world.detach("job", "T-0000");
    let ended = world.wait_state("job", "T-0000", "succeeded");
    assert_eq!(ended["runId"], run.as_str());
    let folder = world.run_folder(&run);
    let files: Vec<(String, String)> = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect();
    let digits = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    for n in 1..tasks * ALL.len() {
        let digit = |number: usize| char::from(digits[number & 31]);
        let tail: String = [n >> 10, n >> 5, n].map(digit).iter().collect();
        // As different from its neighbours as ids are.
        let middle: String = (3..16).map(|i| digit((n * 7919 * i) >> 3)).collect();
        let id = format!("{}{middle}{tail}", &run[..10]);
        let copy = world.run_folder(&id);
        fs::create_dir(&copy).unwrap();
        let (device, inode) = fs::metadata(&copy).map(|data| (data.dev(), data.ino())).unwrap();
        for (name, text) in &files {
            let text = text.replace(&run, &id).replace("\"T-0000\"", &format!("\"T-{:04}\"", n / ALL.len()));
            let text = text.replace("\"mode\":\"job\"", &format!("\"mode\":\"{}\"", ALL[n % ALL.len()]));
            let mut record: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            if record["folder"].is_object() {
                record["folder"] = serde_json::json!({ "device": device, "inode": inode });
            }
            fs::write(copy.join(name), if record.is_object() { record.to_string() } else { text }).unwrap();
        }
    }
    for file in fs::read_dir(world.state()).unwrap().flatten() {
        // The index is made anew from the folders.
        if file.file_name().to_string_lossy().starts_with("dispatch.db") {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

#[test]
fn the_first_page_costs_little() {
    let world = project(500);
    fill(&world, 500);
    let server = world.serve();
    let mut page = Page::new(&world);
    // All that goes over the wire, as the browser's network counts it.
    page.play(
        "const wire = await context.newCDPSession(page); await wire.send('Network.enable'); globalThis.wire = [];
         const names = new Map(); wire.on('Network.requestWillBeSent', ({ requestId, request }) => names.set(requestId, request.url));
         wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => globalThis.wire.push([names.get(requestId), encodedDataLength]));",
    );
    page.go(&server, "/");
    page.wait("the first hundred are there", "document.querySelectorAll('.row').length === 100");
    page.wait_for_text("500 of 500");
    assert_eq!(page.eval("document.querySelectorAll('.row .badge[data-run]').length"), 400, "all of them ran");
    let wire = page.play("return globalThis.wire.filter(([name]) => name.startsWith('http'))");
    let sum: f64 = wire.as_array().unwrap().iter().map(|entry| entry[1].as_f64().unwrap()).sum();
    assert!(wire.as_array().unwrap().len() > 8, "all is counted: {wire}");
    assert!(sum <= FIRST_PAGE, "{sum} bytes: {wire}");
    // Opened again, what did not change is not sent again.
    page.play("globalThis.wire.length = 0");
    page.reload();
    page.wait("the first hundred are there", "document.querySelectorAll('.row').length === 100");
    let again = page.play("return globalThis.wire.reduce((sum, [, bytes]) => sum + bytes, 0)");
    assert!(again.as_f64().unwrap() < sum * 0.75, "{again} after {sum}");
    page.assert_silent();
}

#[test]
fn five_thousand_tasks_are_a_board_like_any_other() {
    let world = project(5000);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?sort=task");
    page.wait_for_text("5000 of 5000");
    page.wait("a piece is there", "document.querySelectorAll('.row').length === 100");
    let before = server.figures().resident_kib;
    // Scrolling brings further pieces, each row once and in order.
    page.play(
        "for (const wanted of [200, 300, 400]) {
           // Heights below are guesses until they are seen: on and on, as a person would.
           await until(`${wanted} are there`, `(scrollTo(0, document.documentElement.scrollHeight), document.querySelectorAll('.row').length >= ${wanted})`);
         }",
    );
    let order = "[...document.querySelectorAll('.row')].map((row) => row.dataset.task)";
    let wanted: Vec<String> = (0..400).map(|n| format!("T-{n:04}")).collect();
    assert_eq!(page.eval(&format!("{order}.slice(0, 400)")), serde_json::json!(wanted));
    assert_eq!(page.eval(&format!("new Set({order}).size === {order}.length")), true, "each row once");
    let shown = page.eval("document.querySelectorAll('.row').length");
    // A run far below is seen, too.
    for task in ["T-0000", "T-0200", "T-0399"] {
        world.detach("job", task);
        page.wait_badge(&format!("job/{task}"), "running");
    }
    let still = page.eval("document.querySelectorAll('.row').length");
    assert!(still.as_u64() >= shown.as_u64(), "something was taken away: {still} of {shown}");
    // A search brings the first rows of what it found, from where the page begins; the others follow.
    page.play("await page.fill('input[name=text]', 'number 1')");
    page.wait("the first rows are there", "document.querySelectorAll('.row').length === 25 && scrollY === 0");
    page.play("await until('more are there', `(scrollTo(0, document.documentElement.scrollHeight), document.querySelectorAll('.row').length >= 125)`)");
    page.play("await page.fill('input[name=text]', 'number 4999')");
    page.wait(
        "the last one is found",
        "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join() === 'T-4999'",
    );
    world.detach("job", "T-4999");
    page.wait_badge("job/T-4999", "running");
    // Asked often, the server holds no more than after the first time.
    for text in ["area 3", "number 12", "", "phase 7", "zzz", ""] {
        page.play(&format!("await page.fill('input[name=text]', '{text}')"));
        page.wait(
            "it is answered",
            &format!("new URLSearchParams(location.search).get('text') === ('{text}' || null)"),
        );
    }
    page.wait_for_text("5000 of 5000");
    let after = server.figures().resident_kib;
    assert!(after < before + 32 * 1024, "{before} KiB, then {after}");
    page.assert_silent();
    drop(page);
    server.assert_alive();
}
