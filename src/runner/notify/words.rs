//! What the user reads. Pure: from news to a title, lines and JSON.
//!
//! Reasons are others' text: what leaves here holds no control character and is of bounded length.

use serde_json::{Value, json};

use crate::agent::sanitize_line;
use crate::model::notify::{Event, News, NewsKind};
use crate::model::run_state::EndState;
use crate::runner::notify::done::Done;

/// So many are named, the others counted.
const NAMED: usize = 5;
/// Characters of one line.
const LINE: usize = 160;

/// One notice, about anything from one run to all of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    /// The most pressing of it.
    pub(super) kind: NewsKind,
    pub(super) title: String,
    pub(super) text: String,
    /// For a command.
    pub(super) json: Value,
    pub(super) runs: Vec<String>,
}

/// `None` where there is nothing to tell.
pub(super) fn compose(project: &str, news: &[News], done: Option<Done>) -> Option<Notice> {
    let mut told: Vec<(NewsKind, &News)> = news.iter().filter_map(|news| Some((news.what.kind()?, news))).collect();
    // What presses comes first, and stays in its order.
    told.sort_by_key(|(kind, _)| *kind);
    let kind = told.first().map(|(kind, _)| *kind).into_iter().chain(done.map(|_| NewsKind::Done)).min()?;
    let project = short(project);
    let title = format!("{project}: {}", headline(&told, done));
    let mut lines: Vec<String> = match told.as_slice() {
        // The title has said which.
        [(_, one)] if done.is_none() => vec![about(one)],
        _ => told.iter().take(NAMED).map(|(_, news)| line(news)).collect(),
    };
    if told.len() > NAMED {
        lines.push(format!("and {} more", told.len() - NAMED));
    }
    lines.extend(done.map(sum));
    lines.retain(|line| !line.is_empty());
    let text = lines.join("\n");
    let runs = told.iter().map(|(_, news)| news.run_id.to_string()).collect();
    let json = json(kind, &project, &title, &text, &told, done);
    Some(Notice { kind, title, text, json, runs })
}

fn headline(told: &[(NewsKind, &News)], done: Option<Done>) -> String {
    let of = |kind: NewsKind| told.iter().filter(|(other, _)| *other == kind).count();
    if let ([(kind, one)], None) = (told, done) {
        return format!("{} {}", one.pair(), verb(*kind, one));
    }
    let waiting = of(NewsKind::Waiting);
    let mut parts = Vec::new();
    match waiting {
        0 => {}
        1 => parts.push("1 run waits for you".to_owned()),
        many => parts.push(format!("{many} runs wait for you")),
    }
    // The sum tells how it went.
    let ended = [(NewsKind::Failed, "failed"), (NewsKind::Succeeded, "succeeded")];
    parts.extend(ended.iter().filter(|(kind, _)| of(*kind) > 0).map(|(kind, word)| format!("{} {word}", of(*kind))));
    parts.extend(done.map(|_| "all done".to_owned()));
    parts.join(", ")
}

fn verb(kind: NewsKind, news: &News) -> &'static str {
    match (kind, &news.what) {
        (NewsKind::Waiting, _) => "waits for you",
        (_, Event::Ended { state: EndState::TimedOut, .. }) => "timed out",
        (_, Event::Ended { state: EndState::Lost, .. }) => "is lost",
        (NewsKind::Failed, _) => "failed",
        (NewsKind::Done | NewsKind::Succeeded, _) => "succeeded",
    }
}

fn line(news: &News) -> String {
    let said = format!("{} {}", news.pair(), news.what.kind().map_or("ended", |kind| verb(kind, news)));
    match about(news) {
        about if about.is_empty() => said,
        about => format!("{said}: {about}"),
    }
}

fn about(news: &News) -> String {
    let (Event::Waiting { reason } | Event::Ended { reason, .. }) = &news.what;
    short(reason.as_deref().unwrap_or_default())
}

fn sum(done: Done) -> String {
    let counts = [(done.succeeded, "succeeded"), (done.failed, "failed"), (done.stopped, "stopped")];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let seconds = done.lasted_ms / 1000;
    let lasted = match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    };
    format!("all done: {}, in {lasted}", counts.join(", "))
}

/// One safe line.
fn short(text: &str) -> String {
    let line = sanitize_line(text);
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn json(
    kind: NewsKind,
    project: &str,
    title: &str,
    text: &str,
    told: &[(NewsKind, &News)],
    done: Option<Done>,
) -> Value {
    let runs: Vec<Value> = told
        .iter()
        .map(|(kind, news)| {
            let reason = about(news);
            let state = match news.what {
                Event::Ended { state, .. } => Some(state.as_str()),
                Event::Waiting { .. } => None,
            };
            let mut run = json!({
                "kind": kind.as_str(), "runId": news.run_id.as_str(), "mode": news.mode.as_str(),
                "task": news.task.as_str(), "headless": news.headless, "at": news.at.to_string(),
            });
            for (name, value) in [("state", state), ("reason", Some(reason.as_str()).filter(|text| !text.is_empty()))] {
                if let Some(value) = value {
                    run[name] = value.into();
                }
            }
            run
        })
        .collect();
    let mut notice = json!({ "kind": kind.as_str(), "project": project, "title": title, "text": text, "runs": runs });
    if let Some(done) = done {
        notice["done"] = json!({
            "succeeded": done.succeeded, "failed": done.failed, "stopped": done.stopped, "durationMs": done.lasted_ms,
        });
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::notify::NOTIFY_VERSION;
    use crate::system::ids::new_run_id;

    fn news(task: &str, what: Event) -> News {
        News {
            version: NOTIFY_VERSION,
            run_id: new_run_id(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse(task).unwrap(),
            headless: true,
            what,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn ended(task: &str, state: EndState, reason: Option<&str>) -> News {
        news(task, Event::Ended { state, reason: reason.map(str::to_owned) })
    }

    fn waits(task: &str) -> News {
        news(task, Event::Waiting { reason: Some("permission: Bash".to_owned()) })
    }

    fn told(news: &[News], done: Option<Done>) -> (NewsKind, String, String) {
        let notice = compose("shop", news, done).unwrap();
        (notice.kind, notice.title, notice.text)
    }

    #[test]
    fn one_is_named_and_several_are_counted() {
        let text = |kind, title: &str, text: &str| (kind, title.to_owned(), text.to_owned());
        assert_eq!(told(&[waits("A")], None), text(NewsKind::Waiting, "shop: job A waits for you", "permission: Bash"));
        let failed = ended("B", EndState::Failed, Some("exit code 3"));
        assert_eq!(
            told(std::slice::from_ref(&failed), None),
            text(NewsKind::Failed, "shop: job B failed", "exit code 3")
        );
        let lost = ended("C", EndState::Lost, None);
        assert_eq!(told(&[lost], None), text(NewsKind::Failed, "shop: job C is lost", ""));
        let done = Done { succeeded: 4, failed: 1, stopped: 0, lasted_ms: 754_000 };
        assert_eq!(
            told(&[failed, waits("A")], Some(done)),
            text(
                NewsKind::Waiting,
                "shop: 1 run waits for you, 1 failed, all done",
                "job A waits for you: permission: Bash\njob B failed: exit code 3\n\
                 all done: 4 succeeded, 1 failed, in 12m 34s"
            )
        );
        assert_eq!(
            told(&[], Some(done)),
            text(NewsKind::Done, "shop: all done", "all done: 4 succeeded, 1 failed, in 12m 34s")
        );
        let many: Vec<News> = (0..8).map(|n| waits(&format!("T{n}"))).collect();
        let notice = compose("shop", &many, None).unwrap();
        assert_eq!(notice.title, "shop: 8 runs wait for you");
        assert_eq!((notice.text.lines().count(), notice.text.lines().last()), (6, Some("and 3 more")));
        assert_eq!((notice.runs.len(), notice.json["runs"].as_array().unwrap().len()), (8, 8));
        assert!(compose("shop", &[ended("D", EndState::Stopped, None)], None).is_none());
    }

    #[test]
    fn what_others_wrote_is_one_short_line() {
        let evil = format!("\x1b]0;pwned\x07\u{202e}a\nb\u{9b}31m{}", "x".repeat(400));
        let notice = compose("shop\n\x1b[31m", &[ended("A", EndState::Failed, Some(&evil))], None).unwrap();
        for text in [&notice.title, &notice.text] {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
        assert!(notice.text.chars().count() <= LINE + 1, "{}", notice.text);
    }
}
