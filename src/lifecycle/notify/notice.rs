//! The text of a notice: title, lines and JSON. Pure.
//!
//! Reasons may be text of an agent: control characters are removed and lengths are bounded.

use serde_json::{Value, json};

use crate::agents::sanitize_line;
use crate::lifecycle::notify::job_totals::JobTotals;
use crate::model::notify::{Event, EventDetails, NoticeKind};
use crate::model::run_state::EndState;

/// At most this many runs are named; the others are counted.
const NAMED: usize = 5;
/// Longest line, in characters.
const LINE: usize = 160;

/// One notice about one or more events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    /// The most urgent of its events.
    pub(super) kind: NoticeKind,
    pub(super) title: String,
    pub(super) text: String,
    /// The input of `notify.command`.
    pub(super) json: Value,
    pub(super) runs: Vec<String>,
}

/// `None` if there are neither events nor totals.
pub(super) fn compose(project: &str, events: &[Event], totals: Option<JobTotals>) -> Option<Notice> {
    let mut events: Vec<(NoticeKind, &Event)> =
        events.iter().filter_map(|event| Some((event.what.kind()?, event))).collect();
    // Most urgent first; a stable sort keeps the order of time.
    events.sort_by_key(|(kind, _)| *kind);
    let kind = events.first().map(|(kind, _)| *kind).into_iter().chain(totals.map(|_| NoticeKind::Done)).min()?;
    let project = short(project);
    let title = format!("{project}: {}", headline(&events, totals));
    let mut lines: Vec<String> = match events.as_slice() {
        // The title names the run.
        [(_, one)] if totals.is_none() => vec![reason_of(one)],
        _ => events.iter().take(NAMED).map(|(_, event)| line(event)).collect(),
    };
    if events.len() > NAMED {
        lines.push(format!("and {} more", events.len() - NAMED));
    }
    lines.extend(totals.map(totals_line));
    lines.retain(|line| !line.is_empty());
    let text = lines.join("\n");
    let runs = events.iter().map(|(_, event)| event.run_id.to_string()).collect();
    let run_list: Vec<Value> = events.iter().map(|(kind, event)| run_json(*kind, event)).collect();
    let mut json = json!({ "kind": kind.as_str(), "project": project, "title": title, "text": text, "runs": run_list });
    if let Some(totals) = totals {
        json["done"] = json!({
            "succeeded": totals.succeeded, "failed": totals.failed, "stopped": totals.stopped,
            "durationMs": totals.lasted_ms,
        });
    }
    Some(Notice { kind, title, text, json, runs })
}

fn headline(events: &[(NoticeKind, &Event)], totals: Option<JobTotals>) -> String {
    let of = |kind: NoticeKind| events.iter().filter(|(other, _)| *other == kind).count();
    if let ([(kind, one)], None) = (events, totals) {
        return format!("{} {}", one.pair(), verb(*kind, one));
    }
    let mut parts = Vec::new();
    match of(NoticeKind::Waiting) {
        0 => {}
        1 => parts.push("1 run waits for you".to_owned()),
        many => parts.push(format!("{many} runs wait for you")),
    }
    let ended = [(NoticeKind::Failed, "failed"), (NoticeKind::Succeeded, "succeeded")];
    parts.extend(ended.iter().filter(|(kind, _)| of(*kind) > 0).map(|(kind, word)| format!("{} {word}", of(*kind))));
    parts.extend(totals.map(|_| "all done".to_owned()));
    parts.join(", ")
}

fn verb(kind: NoticeKind, event: &Event) -> &'static str {
    match (kind, &event.what) {
        (NoticeKind::Waiting, _) => "waits for you",
        (_, EventDetails::Ended { state: EndState::TimedOut, .. }) => "timed out",
        (_, EventDetails::Ended { state: EndState::Lost, .. }) => "is lost",
        (NoticeKind::Failed, _) => "failed",
        (NoticeKind::Done | NoticeKind::Succeeded, _) => "succeeded",
    }
}

fn line(event: &Event) -> String {
    let what = format!("{} {}", event.pair(), event.what.kind().map_or("ended", |kind| verb(kind, event)));
    match reason_of(event) {
        reason if reason.is_empty() => what,
        reason => format!("{what}: {reason}"),
    }
}

fn reason_of(event: &Event) -> String {
    let (EventDetails::Waiting { reason } | EventDetails::Ended { reason, .. }) = &event.what;
    short(reason.as_deref().unwrap_or_default())
}

fn totals_line(totals: JobTotals) -> String {
    let counts = [(totals.succeeded, "succeeded"), (totals.failed, "failed"), (totals.stopped, "stopped")];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let seconds = totals.lasted_ms / 1000;
    let lasted = match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    };
    format!("all done: {}, in {lasted}", counts.join(", "))
}

/// `text` as one line without control characters, at most [`LINE`] characters.
fn short(text: &str) -> String {
    let line = sanitize_line(text);
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn run_json(kind: NoticeKind, event: &Event) -> Value {
    let mut run = json!({
        "kind": kind.as_str(), "runId": event.run_id.as_str(), "mode": event.mode.as_str(),
        "task": event.task.as_str(), "headless": event.form, "at": event.at.to_string(),
    });
    if let EventDetails::Ended { state, .. } = event.what {
        run["state"] = state.as_str().into();
    }
    let reason = reason_of(event);
    if !reason.is_empty() {
        run["reason"] = reason.into();
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::notify::NOTIFY_VERSION;
    use crate::model::run_form::RunForm;
    use crate::os::ids::new_run_id;

    fn event(task: &str, what: EventDetails) -> Event {
        Event {
            version: NOTIFY_VERSION,
            run_id: new_run_id(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse(task).unwrap(),
            form: RunForm::Headless,
            what,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn ended(task: &str, state: EndState, reason: Option<&str>) -> Event {
        event(task, EventDetails::Ended { state, reason: reason.map(str::to_owned) })
    }

    fn waits(task: &str) -> Event {
        event(task, EventDetails::Waiting { reason: Some("permission: Bash".to_owned()) })
    }

    fn texts(event: &[Event], totals: Option<JobTotals>) -> (NoticeKind, String, String) {
        let notice = compose("shop", event, totals).unwrap();
        (notice.kind, notice.title, notice.text)
    }

    #[test]
    fn one_run_is_named_and_several_are_counted() {
        let text = |kind, title: &str, text: &str| (kind, title.to_owned(), text.to_owned());
        assert_eq!(
            texts(&[waits("A")], None),
            text(NoticeKind::Waiting, "shop: job A waits for you", "permission: Bash")
        );
        let failed = ended("B", EndState::Failed, Some("exit code 3"));
        assert_eq!(
            texts(std::slice::from_ref(&failed), None),
            text(NoticeKind::Failed, "shop: job B failed", "exit code 3")
        );
        let lost = ended("C", EndState::Lost, None);
        assert_eq!(texts(&[lost], None), text(NoticeKind::Failed, "shop: job C is lost", ""));
        let totals = JobTotals { succeeded: 4, failed: 1, stopped: 0, lasted_ms: 754_000 };
        assert_eq!(
            texts(&[failed, waits("A")], Some(totals)),
            text(
                NoticeKind::Waiting,
                "shop: 1 run waits for you, 1 failed, all done",
                "job A waits for you: permission: Bash\njob B failed: exit code 3\n\
                 all done: 4 succeeded, 1 failed, in 12m 34s"
            )
        );
        assert_eq!(
            texts(&[], Some(totals)),
            text(NoticeKind::Done, "shop: all done", "all done: 4 succeeded, 1 failed, in 12m 34s")
        );
        let many: Vec<Event> = (0..8).map(|n| waits(&format!("T{n}"))).collect();
        let notice = compose("shop", &many, None).unwrap();
        assert_eq!(notice.title, "shop: 8 runs wait for you");
        assert_eq!((notice.text.lines().count(), notice.text.lines().last()), (6, Some("and 3 more")));
        assert_eq!((notice.runs.len(), notice.json["runs"].as_array().unwrap().len()), (8, 8));
        assert!(compose("shop", &[ended("D", EndState::Stopped, None)], None).is_none());
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let evil = format!("\x1b]0;pwned\x07\u{202e}a\nb\u{9b}31m{}", "x".repeat(400));
        let notice = compose("shop\n\x1b[31m", &[ended("A", EndState::Failed, Some(&evil))], None).unwrap();
        for text in [&notice.title, &notice.text] {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
        assert!(notice.text.chars().count() <= LINE + 1, "{}", notice.text);
    }
}
