//! A recording of `dispatch ui` for the README, and a picture of it.
//!
//! `SCREENSHOTS=1 cargo test --test browser recording` writes them into `docs/`; else they are made, and thrown away.
//! The times in the recording are made up: a person has time to read each screen.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::Page;
use crate::screenshots::{LARGEST, gallery, lantern_at_work};
use crate::user_terminal::UserTerminal;
use crate::world::World;

const COLUMNS: u16 = 120;
const ROWS: u16 = 32;
/// Seconds for which a screen is shown.
const PAUSE: f64 = 4.0;
/// Seconds between keys that are typed as a text.
const TYPED: f64 = 0.12;

/// A person's terminal whose output is recorded.
struct Recorder<'a> {
    terminal: UserTerminal<'a>,
    raw: PathBuf,
    /// Bytes that are in `events`.
    taken: usize,
    now: f64,
    events: Vec<(f64, String)>,
}

impl<'a> Recorder<'a> {
    fn start(world: &'a World) -> Self {
        let raw = world.root().join("raw");
        let terminal = UserTerminal::start(world, (COLUMNS, ROWS), "read begin; clear; dispatch ui");
        terminal.tmux(&["pipe-pane", "-t", "=user:", &format!("cat >{}", raw.display())]);
        Self { terminal, raw, taken: 0, now: 0.0, events: Vec::new() }
    }

    /// Presses keys and waits until the screen holds `text`.
    fn press(&mut self, keys: &[&str], text: &str) {
        self.terminal.press(keys);
        self.terminal.shows(text);
        self.take(PAUSE);
    }

    /// Types a text, letter by letter.
    fn types(&mut self, text: &str) {
        for (at, letter) in text.char_indices() {
            let end = at + letter.len_utf8();
            self.terminal.types(&text[at..end]);
            self.terminal.shows(&text[..end]);
            self.take(TYPED);
        }
    }

    /// Takes what was printed since the last time, up to the last whole character.
    fn take(&mut self, pause: f64) {
        let bytes = fs::read(&self.raw).unwrap_or_default();
        let fresh = &bytes[self.taken..];
        let whole = match std::str::from_utf8(fresh) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&fresh[..error.valid_up_to()]).unwrap(),
        };
        if !whole.is_empty() {
            self.events.push((self.now, whole.to_owned()));
            self.taken += whole.len();
        }
        self.now += pause;
    }

    fn output(&self) -> String {
        self.events.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// In the format of asciinema, version 2.
    fn write(&self, file: &Path) {
        let header = json!({ "version": 2, "width": COLUMNS, "height": ROWS, "title": "dispatch ui" });
        let mut lines = vec![header.to_string()];
        lines.extend(self.events.iter().map(|(at, text)| json!([(at * 100.0).round() / 100.0, "o", text]).to_string()));
        fs::write(file, lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn the_recording_of_the_readme_can_be_made() {
    let world = lantern_at_work();
    let folder = gallery(&world);
    let mut recorder = Recorder::start(&world);
    recorder.press(&["Enter"], "Needs you");
    // To the window that asks, and to its answer.
    recorder.press(&["n"], "what needs me");
    recorder.press(&["/"], "/");
    recorder.types("interactive");
    recorder.press(&["Enter"], "What should be greeted");
    recorder.press(&["Escape"], "Ended in the last hour");
    let picture = recorder.output();
    recorder.press(&["i"], "Type to interactive LAN-12");
    recorder.types("everyone");
    recorder.press(&["Enter"], "typed into");
    recorder.press(&["Escape"], "Ended in the last hour");
    // What failed, and why.
    recorder.press(&["/"], "/");
    recorder.types("failed");
    recorder.press(&["Enter"], "implement LAN-16");
    recorder.press(&["w"], "exit code");
    recorder.press(&["BTab", "BTab"], "Log");
    recorder.press(&["Escape"], "Ended in the last hour");
    // A gate: what it needs, and the approval.
    recorder.press(&["/"], "/");
    recorder.types("release");
    recorder.press(&["Enter"], "Waits for approval");
    recorder.press(&["y"], "approved release LAN-20");
    recorder.press(&["Escape"], "Ended in the last hour");
    recorder.press(&["p"], "Plan");
    recorder.press(&["Escape"], "runs");
    assert!(recorder.now > 60.0, "{} seconds", recorder.now);
    recorder.write(&folder.join("ui.cast"));
    shoot(&world, &picture, &folder.join("ui.png"));
}

/// A picture of the terminal after this output.
fn shoot(world: &World, output: &str, file: &Path) {
    let server = world.serve();
    let mut page = Page::with(world, &json!({ "viewport": [1010, 512], "motion": "reduce" }));
    page.go(&server, "/");
    page.play(&format!(
        r#"
        await page.waitForSelector(".row");
        await page.evaluate(async ([output, columns, rows]) => {{
          const {{ Terminal }} = await import("/assets/vendor/xterm.mjs");
          const style = Object.assign(document.createElement("link"), {{ rel: "stylesheet", href: "/assets/vendor/xterm.css" }});
          const loaded = new Promise((done) => {{ style.onload = done; }});
          document.head.append(style);
          await loaded;
          document.body.replaceChildren();
          document.body.style.margin = 0;
          const terminal = new Terminal({{ cols: columns, rows, allowProposedApi: true, fontFamily: "monospace", fontSize: 14, theme: {{ background: "black", foreground: "lightgray" }} }});
          terminal.open(document.body);
          await new Promise((done) => terminal.write(output, done));
          // Drawn in the frame after the next.
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }}, {});
        "#,
        json!([output, COLUMNS, ROWS])
    ));
    page.shot(file);
    let size = fs::metadata(file).unwrap().len();
    assert!((5_000..LARGEST).contains(&size), "the picture has {size} bytes");
}
