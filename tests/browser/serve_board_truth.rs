//! After any sequence of changes, each badge shows what `/status` answers.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::browser::{OPEN, Page};
use crate::random::Random;
use crate::server::Server;
use crate::waiting::{is, rounds, wait_for};
use crate::world::{World, kill};

/// How long a badge may be late on a busy machine.
const LATEST: Duration = Duration::from_secs(30);
const EVENTS: usize = 200;
const TASKS: usize = 5;

/// What a test knows of the world: what it did to it.
#[derive(Debug)]
struct Story {
    random: Random,
    /// The ids of the tasks that there are, and whether their runs end by themselves.
    tasks: Vec<(String, bool)>,
    /// The pairs that run.
    active: Vec<(&'static str, String)>,
    renamed: usize,
}

/// A pair, and what its badge is to say from now on.
type Expected = Option<(String, &'static str)>;

impl Story {
    fn some_pair(&mut self) -> (&'static str, String, bool) {
        let mode = ["job", "talk"][self.random.below(2)];
        let (task, ends) = self.tasks[self.random.below(self.tasks.len())].clone();
        (mode, task, ends)
    }

    /// Makes one random change and describes it.
    fn happen(&mut self, world: &World) -> (String, Expected) {
        let what = self.random.below(10);
        let active = self.active.len();
        match what {
            0..4 => {
                let (mode, task, ends) = self.some_pair();
                world.detach(mode, &task);
                let pair = (mode, task.clone());
                if !ends && !self.active.contains(&pair) {
                    self.active.push(pair);
                }
                (format!("run {mode} {task}"), Some((format!("{mode}/{task}"), if ends { "failed" } else { OPEN })))
            }
            4 | 5 if active > 0 => {
                let (mode, task) = self.active.swap_remove(self.random.below(active));
                world.dispatch("stop").arg(mode).arg(&task).notes().succeeds();
                (format!("stop {mode} {task}"), Some((format!("{mode}/{task}"), "stopped")))
            }
            6 | 7 if self.active.iter().any(|(mode, _)| *mode == "job") => {
                let at = self.active.iter().position(|(mode, _)| *mode == "job").unwrap();
                let (mode, task) = self.active.swap_remove(at);
                let run = world.status(mode, &task)["runId"].as_str().unwrap().to_owned();
                kill(world.supervisor(&run), Signal::KILL);
                (format!("crash of {mode} {task}"), Some((format!("{mode}/{task}"), "lost")))
            }
            8 if active > 0 => {
                let windows = world.panes("#{window_id}");
                if let Some(window) = windows.get(self.random.below(windows.len().max(1))) {
                    world.tmux(&["rename-window", "-t", window, "somebody's"]);
                }
                ("a window has another name".to_owned(), None)
            }
            _ => {
                self.renamed += 1;
                let at = self.random.below(self.tasks.len());
                let (old, ends) = self.tasks[at].clone();
                let new = format!("N-{}", self.renamed);
                let folder = world.project().join("tasks");
                fs::rename(folder.join(format!("{old}.md")), folder.join(format!("{new}.md"))).unwrap();
                self.tasks[at] = (new.clone(), ends);
                (format!("{old} is {new} now"), Some((format!("job/{new}"), "never")))
            }
        }
    }
}

fn badges(page: &mut Page) -> BTreeMap<String, String> {
    let seen = page.eval(
        "Object.fromEntries([...document.querySelectorAll('.badge')].map(({ dataset }) => [dataset.pair, dataset.state]).concat(
           [...document.querySelectorAll('.rest')].flatMap((rest) => rest.dataset.modes.split(' ').map((mode) => [`${mode}/${rest.closest('.row').dataset.task}`, 'never']))))",
    );
    serde_json::from_value(seen).unwrap()
}

/// What a badge is to say of a pair.
fn truth(server: &Server, pair: &str) -> String {
    let reply = server.get(&format!("/status/{pair}"));
    if reply.status == 404 {
        return "never".to_owned();
    }
    let run: Value = reply.json();
    let activity = run["activity"].as_str().filter(|activity| run["state"] == "running" && *activity != "unknown");
    activity.or(run["state"].as_str()).unwrap_or_else(|| panic!("{pair}: {run}")).to_owned()
}

#[test]
fn every_badge_shows_the_status_after_any_change() {
    let world = World::new();
    let mut tasks = Vec::new();
    for n in 0..TASKS {
        let ends = n == 0;
        world.task(&format!("T-{n}"), if ends { "%exit 3\n" } else { "%hang\n" });
        tasks.push((format!("T-{n}"), ends));
    }
    let mut story = Story { random: Random::new(), tasks, active: Vec::new(), renamed: 0 };
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    page.eval("window.sameDocument = true");
    for turn in 0..rounds(EVENTS) {
        let (what, expected) = story.happen(&world);
        let what = format!("turn {turn} of seed {}: {what}", story.random.seed);
        // First by the page alone: to ask for a status is to look.
        if let Some((pair, states)) = expected {
            wait_for(LATEST, &format!("{what}: {pair} is {states}"), || {
                let seen = badges(&mut page);
                is(
                    seen.get(&pair).is_some_and(|seen| states.split('|').any(|state| seen == state)),
                    format!("{seen:?}"),
                )
            });
        }
        wait_for(LATEST, &format!("{what}: all badges are true"), || {
            let seen = badges(&mut page);
            for (task, _) in &story.tasks {
                let both = ["job", "talk"].iter().all(|mode| seen.contains_key(&format!("{mode}/{task}")));
                is(both, format!("{task} is not shown: {seen:?}"))?;
            }
            for (mode, task) in &story.active {
                is(seen.contains_key(&format!("{mode}/{task}")), format!("{mode} {task} runs unseen: {seen:?}"))?;
            }
            for (pair, state) in &seen {
                let truth = truth(&server, pair);
                is(*state == truth, format!("{pair} is {truth} and not {state}"))?;
            }
            Ok(())
        });
    }
    assert_eq!(page.eval("window.sameDocument"), true);
    page.assert_silent();
    drop(page);
    server.assert_alive();
}
