//! Debian's Chromium, steered by `tests/web/page.mjs`: one browser with some tabs for each test.
//!
//! Must not know what a page contains: the tests of that page do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::server::Server;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// The states in the badge of a window whose agent runs.
pub const OPEN: &str = "running|working|idle|waiting";

/// The script that reads a badge: `BADGE.replace("PAIR", "job/A")`.
/// A mode that never ran may have no badge: its row names it among the other modes.
const BADGE: &str = "(([mode, task]) => document.querySelector('.badge[data-pair=\"PAIR\"]')?.dataset.state \
    ?? (document.querySelector(`.row[data-task=\"${task}\"] .rest[data-modes~=\"${mode}\"]`) ? 'never' : 'none'))('PAIR'.split('/'))";

/// The path of a script of `tests/web`.
pub fn script(name: &str) -> String {
    let root = crate::programs::repository();
    let missing = "is missing; `bash scripts/test.sh` installs it";
    for package in ["playwright-core", "axe-core"] {
        assert!(root.join("target/test-tools/node_modules").join(package).is_dir(), "{package} {missing}");
    }
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {missing}");
    root.join("tests/web").join(name).to_str().unwrap().to_owned()
}

/// A browser and its tabs. Ended with the test.
#[derive(Debug)]
pub struct Page {
    node: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Page {
    #[track_caller]
    pub fn new(world: &World) -> Self {
        Self::with(world, &json!({}))
    }

    /// `wished` is what `page.mjs` takes: `viewport`, `scheme`, `motion`.
    #[track_caller]
    pub fn with(world: &World, wished: &Value) -> Self {
        let mut command = world.command("node");
        command.arg(script("page.mjs")).arg(wished.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.spawn().unwrap_or_else(|error| panic!("the tests need `node`: {error}"));
        let (asks, answers) = (node.stdin.take(), BufReader::new(node.stdout.take().unwrap()));
        Self { node, asks, answers }
    }

    /// A browser that shows `path` of this server, with its token.
    #[track_caller]
    pub fn at(world: &World, server: &Server, path: &str) -> Self {
        let mut page = Self::new(world);
        page.go(server, path);
        page
    }

    #[track_caller]
    pub fn go(&mut self, server: &Server, path: &str) {
        let url = format!("http://{}{path}#token={}", server.host, server.token);
        // Where only the fragment differs, the browser would stay in the same document.
        self.ask(&json!({ "goto": "about:blank" })).unwrap();
        self.ask(&json!({ "goto": url })).unwrap();
        self.wait(
            "it is laid out and connected",
            "document.getElementById('page') && document.documentElement.dataset.link === 'connected'",
        );
    }

    #[track_caller]
    pub fn ask(&mut self, what: &Value) -> Result<Value, String> {
        writeln!(self.asks.as_ref().unwrap(), "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}: {line:?}"));
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].clone()),
        }
    }

    /// An expression in the page.
    #[track_caller]
    pub fn eval(&mut self, script: &str) -> Value {
        self.ask(&json!({ "eval": script })).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What a person does: the body of an async function of Playwright's, see `page.mjs`.
    #[track_caller]
    pub fn play(&mut self, script: &str) -> Value {
        self.ask(&json!({ "play": script })).unwrap_or_else(|error| {
            let shown = self.ask(&json!({ "eval": "document.body.innerText" }));
            panic!("{script}: {error}; {shown:?}; {}", self.said())
        })
    }

    /// From here on this tab is meant.
    #[track_caller]
    pub fn tab(&mut self, number: usize) {
        self.ask(&json!({ "tab": number })).unwrap();
    }

    #[track_caller]
    pub fn reload(&mut self) {
        self.ask(&json!({ "reload": true })).unwrap();
    }

    #[track_caller]
    pub fn shot(&mut self, path: &Path) {
        self.ask(&json!({ "shot": path })).unwrap();
    }

    /// Waits until an expression in the page is true.
    #[track_caller]
    pub fn wait(&mut self, what: &str, script: &str) {
        wait_until(what, || {
            // A page that is being left cannot answer.
            let answer = self.ask(&json!({ "eval": script }))?;
            let shown = self.ask(&json!({ "eval": "document.body.innerText" }))?;
            is(answer.as_bool().unwrap_or(!answer.is_null()), format!("{answer}; {shown}; {}", self.said()))
        });
    }

    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        wait_until(&format!("the page shows {text:?}"), || {
            let shown = self.ask(&json!({ "eval": "document.body.innerText" }))?;
            is(shown.as_str().is_some_and(|shown| shown.contains(text)), shown.to_string())
        });
    }

    /// The state in the badge of `MODE/TASK`.
    #[track_caller]
    pub fn badge(&mut self, pair: &str) -> String {
        self.eval(&BADGE.replace("PAIR", pair)).as_str().unwrap().to_owned()
    }

    /// `states` are separated by `|`: what an agent in a window does just now is its own business.
    #[track_caller]
    pub fn wait_badge(&mut self, pair: &str, states: &str) {
        wait_until(&format!("the badge of {pair} says {states}"), || {
            let seen = self.ask(&json!({ "eval": BADGE.replace("PAIR", pair) }))?;
            is(states.split('|').any(|state| seen == state), format!("{seen}; {}", self.said()))
        });
    }

    /// All that the tabs said so far.
    #[track_caller]
    pub fn said(&mut self) -> Value {
        self.ask(&json!({ "said": true })).unwrap()
    }

    /// Nothing is wrong in the console, no script was stopped, nothing was asked of others.
    #[track_caller]
    pub fn assert_silent(&mut self) {
        self.play("expectNoMessages()");
    }

    /// The same on a phone and on a wide screen, by day and by night.
    #[track_caller]
    pub fn assert_accessible_everywhere(&mut self, what: &str) {
        let size = self.eval("[innerWidth, innerHeight]");
        for (scheme, width) in [("light", 390), ("dark", 1600), ("dark", 390), ("light", 1600)] {
            self.play(&format!(
                "await page.emulateMedia({{ colorScheme: '{scheme}' }}); \
                 await page.setViewportSize({{ width: {width}, height: 844 }});"
            ));
            self.assert_accessible(&format!("{what}, {scheme}, {width} px"));
        }
        self.play(&format!("await page.setViewportSize({{ width: {}, height: {} }});", size[0], size[1]));
    }

    /// axe-core finds nothing serious, and the page cannot be scrolled sideways.
    #[track_caller]
    pub fn assert_accessible(&mut self, what: &str) {
        let found = self.ask(&json!({ "axe": true })).unwrap();
        assert_eq!(found, json!([]), "{what}");
        let wide = "[document.documentElement.scrollWidth, innerWidth]";
        let wide = self.eval(wide);
        assert!(wide[0].as_f64() <= wide[1].as_f64(), "{what}: it scrolls sideways: {wide}");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.node.wait();
    }
}
