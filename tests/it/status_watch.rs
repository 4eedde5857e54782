//! `status --watch`: the runs, then each change of one, as rows or as JSON Lines.

use rustix::process::Signal;
use serde_json::Value;

use crate::command::Started;
use crate::waiting::{is, wait_until};
use crate::world::World;

fn text(call: &Started) -> String {
    String::from_utf8_lossy(&call.stdout_so_far()).into_owned()
}

fn shows(call: &Started, condition: impl Fn(&str) -> bool) {
    wait_until("the change is printed", || {
        let text = text(call);
        is(condition(&text), text)
    });
}

/// The complete lines so far as task, mode and state.
fn rows(text: &str) -> Vec<[String; 3]> {
    let word = |line: &str, at: usize| line.split_whitespace().nth(at).unwrap_or_default().to_owned();
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| [0, 1, 2].map(|at| word(line, at)))
        .collect()
}

#[test]
fn a_run_is_printed_again_when_it_changes() {
    let world = World::new();
    world.task("one", "%until go").task("two", "%exit 3");
    let watch = world.dispatch("status --watch").start();
    wait_until("it says that nothing has run", || {
        is(watch.stderr_so_far() == "nothing has run yet\n", watch.stderr_so_far())
    });
    world.detach("job", "one");
    shows(&watch, |text| text.contains("running"));
    world.dispatch("run -q job two").any_stderr().fails_with(3);
    shows(&watch, |text| text.contains("exit code 3"));
    world.write("go", "");
    shows(&watch, |text| text.contains("succeeded"));
    watch.signal(Signal::INT);
    let ended = watch.ends_with(130);
    let rows = rows(&ended.text());
    let heads = rows.iter().filter(|row| row[0] == "TASK").count();
    assert_eq!((heads, rows[0][0].as_str()), (1, "TASK"), "{}", ended.text());
    let states =
        |task: &str| -> Vec<&str> { rows.iter().filter(|row| row[0] == task).map(|row| row[2].as_str()).collect() };
    assert_eq!(states("one").last(), Some(&"succeeded"), "{}", ended.text());
    assert_eq!(states("one").iter().filter(|state| **state == "running").count(), 1, "{}", ended.text());
    assert_eq!(states("two").last(), Some(&"failed"), "{}", ended.text());
}

#[test]
fn what_is_there_is_printed_first() {
    let world = World::new();
    world.task("one", "%exit 0").task("two", "%hang");
    world.dispatch("run -q job one").notes().succeeds();
    world.detach("job", "two");
    world.wait_state("job", "two", "running");
    let watch = world.dispatch("status -w").start();
    shows(&watch, |text| text.lines().count() == 3);
    assert_eq!(rows(&text(&watch)).iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["TASK", "two", "one"]);
    watch.signal(Signal::INT);
    watch.ends_with(130);
    world.dispatch("stop two").notes().succeeds();
}

#[test]
fn with_json_each_change_is_one_line_and_other_tasks_are_left_out() {
    let world = World::with("  lint: { agent: fake, prompt: \"%exit 0\" }\n");
    world.task("one", "%until go").task("two", "%exit 0");
    let of_task = world.dispatch("status one --watch --json").start();
    let of_pair = world.dispatch("status job one --watch --json").start();
    for call in [&of_task, &of_pair] {
        wait_until("it watches", || is(call.stderr_so_far() == "nothing has run yet\n", call.stderr_so_far()));
    }
    world.detach("job", "one");
    for call in [&of_task, &of_pair] {
        shows(call, |text| text.contains(r#""state":"running""#));
    }
    world.dispatch("run -q job two").notes().succeeds();
    world.dispatch("run -q lint one").notes().succeeds();
    shows(&of_task, |text| text.contains(r#""mode":"lint""#));
    world.write("go", "");
    let mut seen = Vec::new();
    for call in [of_task, of_pair] {
        shows(&call, |text| text.lines().any(|line| line.contains(r#""mode":"job""#) && line.contains("succeeded")));
        call.signal(Signal::INT);
        let ended = call.ends_with(130);
        for line in ended.text().lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(event["event"], "run", "{event}");
            let run = &event["run"];
            assert_eq!((run["task"].as_str(), run["runId"].as_str().map(str::len)), (Some("one"), Some(26)), "{event}");
            seen.push(run["mode"].as_str().unwrap().to_owned());
        }
        seen.push("end".to_owned());
    }
    let pairs = seen.split(|mode| mode == "end").collect::<Vec<_>>();
    assert!(pairs[0].contains(&"lint".to_owned()) && pairs[1].iter().all(|mode| mode == "job"), "{seen:?}");
}

#[test]
fn it_ends_at_the_next_change_after_its_reader() {
    let world = World::new();
    world.task("one", "%until go").task("two", "%exit 0");
    world.detach("job", "one");
    let call = world.dispatch_by_shell("dispatch status --watch | head -n 1 && echo over").start();
    shows(&call, |text| text.starts_with("TASK"));
    world.write("go", "");
    world.dispatch("wait job one").notes().succeeds();
    assert!(call.ends_with(0).text().ends_with("over\n"));
}

#[test]
fn a_name_that_means_nothing_and_options_that_do_not_fit_are_refused() {
    let world = World::new();
    world.task("one", "%exit 0");
    world.dispatch("status --watch on").stdout_is("").stderr_has("did you mean `one`?").fails_with(2);
    world.dispatch("status --watch jo one").stdout_is("").stderr_has("did you mean `job`?").fails_with(2);
    for option in ["--explain", "--tmux"] {
        let call = world.dispatch("status --watch").arg(option);
        call.stdout_is("").stderr_has("cannot be used with").fails_with(2);
    }
}
