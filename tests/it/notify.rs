//! Notices to the user: each event once, together with others of the same moment, and not too often.
//!
//! The tests receive notices by a command that records its input.

use std::fs;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::processes::wait_until_gone;
use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, kill};

/// Records the notice and its environment variables.
pub(crate) const RECORD_NOTICE: &str =
    "#!/bin/sh\ncat >> \"$HOME/received\"\nenv | grep ^DISPATCH_ | sort > \"$HOME/environment\"\n";

pub(crate) trait ReceivedNotices {
    fn notices(&self) -> Vec<Value>;
    fn notifiers(&self) -> Vec<i32>;
    fn ending(&self) -> Vec<String>;
    fn all_sent(&self) -> Vec<Value>;
    fn next_notice(&self, before: usize) -> Value;
}

impl ReceivedNotices for World {
    /// The notices so far.
    fn notices(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.root().join("home/received")).unwrap_or_default();
        text.split_inclusive('\n').filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The notifiers that run.
    fn notifiers(&self) -> Vec<i32> {
        self.processes().into_iter().filter(|(_, line)| line.contains("__notify")).map(|(pid, _)| pid).collect()
    }

    /// Processes that have not finished the end of a run: they may still create events.
    fn ending(&self) -> Vec<String> {
        let ends = |line: &String| {
            let folder = line.split_once("__supervise ").map(|(_, folder)| std::path::PathBuf::from(folder.trim()));
            line.contains("__next") || folder.is_some_and(|folder| folder.join("exit.json").exists())
        };
        self.processes().into_iter().map(|(_, line)| line).filter(ends).collect()
    }

    /// The notices, once no event is left.
    #[track_caller]
    fn all_sent(&self) -> Vec<Value> {
        let news = self.state().join("notify/news");
        wait_until_gone("all notices are sent", || {
            // In this order: an ending process leaves an event, and an event starts a notifier.
            let ending = self.ending();
            let waiting = fs::read_dir(&news).map_or(0, Iterator::count);
            let notifiers = self.notifiers();
            let quiet = ending.is_empty() && waiting == 0 && notifiers.is_empty();
            is(quiet, format!("{ending:?} end, {waiting} news, {notifiers:?} run"))
        });
        self.notices()
    }

    #[track_caller]
    fn next_notice(&self, before: usize) -> Value {
        wait_until("there is one more notice", || {
            let received = self.notices();
            received.get(before).cloned().ok_or_else(|| format!("{received:?}"))
        })
    }
}

/// A project with a command for notices.
pub(crate) fn with_notices(keys: &str) -> World {
    let world = World::with(&format!("jobs: 20\nnotify: {{ command: hears{keys} }}\n"));
    world.shadow("hears", RECORD_NOTICE);
    world
}

pub(crate) fn ids(notice: &Value) -> Vec<String> {
    let runs = notice["runs"].as_array().unwrap();
    runs.iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ten_ends_within_a_second_are_one_notice() {
    let world = with_notices("");
    let runs: Vec<String> = (0..10)
        .map(|n| {
            world.task(&format!("T{n}"), "%until go\n%exit 3");
            world.detach("job", &format!("T{n}"))
        })
        .collect();
    runs.iter().for_each(|run| drop(world.agent_ready(run)));
    world.write("go", "");
    world.dispatch("wait job T0 T1 T2 T3 T4 T5 T6 T7 T8 T9").any_stderr().fails_with(3);
    let received = world.all_sent();
    assert_eq!(received.len(), 1, "{received:#?}");
    let notice = &received[0];
    assert_eq!(notice["title"], "project: 10 failed, all done", "{notice}");
    assert_eq!(notice["kind"], "failed");
    let text = notice["text"].as_str().unwrap();
    assert!(text.starts_with("job T0 failed: exit code 3\n") && text.contains("\nand 5 more\n"), "{text}");
    assert_eq!(notice["done"]["failed"], 10, "{notice}");
    assert_eq!(ids(notice), runs);
    let environment = fs::read_to_string(world.root().join("home/environment")).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["KIND", "RUNS", "TEXT", "TITLE"].map(|name| format!("DISPATCH_NOTICE_{name}")));
    assert!(environment.contains(&format!("DISPATCH_NOTICE_RUNS={}\n", runs.join(" "))), "{environment}");
}

#[test]
fn each_end_makes_one_notice_however_many_commands_observe_it() {
    let world = with_notices(", on: [failed, succeeded], every: 0s");
    for round in 0..rounds(10) {
        let tasks: Vec<String> = (0..6).map(|n| format!("R{round}-{n}")).collect();
        let go = format!("go{round}");
        for (n, task) in tasks.iter().enumerate() {
            world.task(task, &format!("%until {go}\n%exit {}", n % 2));
        }
        let runs: Vec<String> = tasks.iter().map(|task| world.detach("job", task)).collect();
        runs.iter().for_each(|run| drop(world.agent_ready(run)));
        let before = world.notices().len();
        let looks: Vec<Child> = (0..6)
            .map(|_| {
                let mut command = world.command("sh");
                command.args(["-c", "for n in 1 2 3 4 5 6 7 8; do dispatch status -q >/dev/null; done"]);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        // Only the `status` commands observe these ends.
        runs.iter().take(2).for_each(|run| kill(world.supervisor(run), Signal::KILL));
        world.write(go, "");
        looks.into_iter().for_each(|mut look| assert!(look.wait().unwrap().success()));
        tasks.iter().for_each(|task| drop(world.dispatch("wait job").arg(task).any_stderr().ends_somehow()));
        let received = world.all_sent();
        let mut reported: Vec<String> = received[before..].iter().flat_map(ids).collect();
        reported.sort();
        assert_eq!(reported, runs, "{:#?}", &received[before..]);
        let lost = received[before..].iter().flat_map(|notice| notice["runs"].as_array().unwrap());
        assert_eq!(lost.filter(|run| run["state"] == "lost").count(), 2, "{:#?}", &received[before..]);
    }
}

#[test]
fn after_a_notice_the_next_waits_its_time() {
    let world = with_notices(", on: [failed], every: 1h");
    for task in ["A", "B", "C", "D"] {
        world.task(task, "%exit 1");
    }
    let a = world.detach("job", "A");
    let first = world.next_notice(0);
    assert_eq!(ids(&first), [a], "{first}");
    let mut rest = ["B", "C"].map(|task| world.detach("job", task)).to_vec();
    let waiting = || fs::read_dir(world.state().join("notify/news")).map_or(0, Iterator::count);
    let notifier = wait_until("two ends wait for a notifier", || {
        let notifiers = world.notifiers();
        is(waiting() == 2 && notifiers.len() == 1, format!("{notifiers:?}")).map(|()| notifiers[0])
    });
    assert_eq!(world.notices().len(), 1);
    // The hour passes: the next notifier finds that the last notice is older.
    kill(notifier, Signal::KILL);
    wait_until("it is gone", || is(!world.notifiers().contains(&notifier), "it lives"));
    let last = world.state().join("notify/last.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&last).unwrap()).unwrap();
    record["at"] = "2020-01-01T00:00:00Z".into();
    fs::write(&last, record.to_string()).unwrap();
    rest.push(world.detach("job", "D"));
    let second = world.next_notice(1);
    assert_eq!(ids(&second), rest, "{second}");
    assert_eq!(world.all_sent().len(), 2);
}

#[test]
fn a_killed_notifier_loses_nothing() {
    let world = with_notices(", on: [failed]");
    world.task("A", "%exit 1").task("B", "%exit 2");
    let a = world.detach("job", "A");
    let notifier = wait_until("a notifier runs", || world.notifiers().first().copied().ok_or("none".to_owned()));
    kill(notifier, Signal::KILL);
    wait_until("it is gone", || is(!world.notifiers().contains(&notifier), "it lives"));
    assert_eq!(world.notices().len(), 0);
    let b = world.detach("job", "B");
    let received = world.all_sent();
    assert_eq!(received.iter().map(ids).collect::<Vec<_>>(), [[a, b]], "{received:#?}");
    // An event that is too old when a notifier reads it is dropped.
    world.task("C", "%exit 3").task("D", "%exit 4");
    let c = world.detach("job", "C");
    let notifier = wait_until("a notifier runs", || world.notifiers().first().copied().ok_or("none".to_owned()));
    kill(notifier, Signal::KILL);
    let place = world.state().join(format!("notify/news/{c}.ended"));
    let mut news: Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    news["at"] = "2020-01-01T00:00:00Z".into();
    fs::write(&place, news.to_string()).unwrap();
    let d = world.detach("job", "D");
    assert_eq!(ids(&world.next_notice(1)), [d]);
    world.all_sent();
    world.dispatch("doctor").any_stderr().stdout_has("partial").stderr_has("too old").ends_somehow();
}

#[test]
fn what_the_user_did_or_does_not_want_makes_no_notice() {
    let world = with_notices("");
    world.task("A", "%hang").task("B", "%exit 0").task("C", "%exit 0").task("D", "%until go");
    // A run that the user stopped, and one short successful job, make no notice.
    world.detach("job", "A");
    world.dispatch("stop job A").notes().succeeds();
    world.dispatch("run -q job B").any_stderr().succeeds();
    assert_eq!(world.all_sent().len(), 0);
    // Of several, the last one's end is.
    let d = world.detach("job", "D");
    world.agent_ready(&d);
    world.dispatch("run -q job B C").any_stderr().succeeds();
    assert_eq!(world.all_sent().len(), 0, "one goes on");
    world.write("go", "");
    world.dispatch("wait job D").any_stderr().succeeds();
    let received = world.all_sent();
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!((&received[0]["kind"], &received[0]["title"]), (&"done".into(), &"project: all done".into()));
    assert_eq!(received[0]["done"]["succeeded"], 3, "{}", received[0]);
    // From the next start on, the user's own file counts.
    world.write("dispatch.local.yaml", "notify: { on: [] }\n");
    world.task("E", "%exit 1");
    world.dispatch("run -q job E").any_stderr().fails_with(1);
    assert_eq!(world.all_sent().len(), 1);
}

#[test]
fn without_notify_nothing_is_kept_for_it() {
    let world = World::new();
    world.task("A", "%exit 1");
    world.dispatch("run -q job A").any_stderr().fails_with(1);
    world.wait_all_quiet();
    assert!(!world.state().join("notify").exists());
}

#[test]
fn a_run_that_comes_to_its_gate_waits_for_the_user() {
    let world = World::with(
        "  ship: { agent: fake, prompt: x, needs: [job], gate: approve }\nnotify: { command: hears, on: [waiting] }\n",
    );
    world.shadow("hears", RECORD_NOTICE);
    world.task("T", "%until go");
    let client = world.dispatch("run ship T").start();
    world.wait_state("job", "T", "running");
    world.write("go", "");
    let notice = world.next_notice(0);
    assert_eq!(notice["title"], "project: ship T waits for you", "{notice}");
    assert_eq!(notice["text"], "at its gate, to be approved", "{notice}");
    world.dispatch("approve ship T").any_stderr().succeeds();
    client.ends_with(0);
    assert_eq!(world.all_sent().len(), 1);
}

#[test]
fn a_run_that_begins_at_its_gate_waits_for_the_user() {
    let world =
        World::with("  ship: { agent: fake, prompt: x, gate: approve }\nnotify: { command: hears, on: [waiting] }\n");
    world.shadow("hears", RECORD_NOTICE);
    world.task("T", "%exit 0");
    world.detach("ship", "T");
    let notice = world.next_notice(0);
    assert_eq!(notice["title"], "project: ship T waits for you", "{notice}");
    world.dispatch("approve ship T").any_stderr().succeeds();
    world.dispatch("wait ship T").notes().succeeds();
    assert_eq!(world.all_sent().len(), 1);
}

#[test]
fn a_wait_is_not_sent_once_its_kind_is_not_wanted() {
    let gate = "  ship: { agent: fake, prompt: x, gate: approve }\n";
    let world = World::with(&format!("{gate}notify: {{ command: hears, on: [waiting, failed] }}\n"));
    world.shadow("hears", RECORD_NOTICE);
    world.task("T", "%exit 0").task("F", "%exit 1");
    world.detach("ship", "T");
    let notifier = wait_until("a notifier runs", || world.notifiers().first().copied().ok_or("none".to_owned()));
    kill(notifier, Signal::KILL);
    wait_until("it is gone", || is(!world.notifiers().contains(&notifier), "it lives"));
    assert_eq!(world.notices().len(), 0);
    world.write("dispatch.local.yaml", "notify: { on: [failed] }\n");
    let failed = world.detach("job", "F");
    let received = world.all_sent();
    assert_eq!(received.iter().map(ids).collect::<Vec<_>>(), [[failed]], "{received:#?}");
}
