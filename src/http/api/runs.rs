//! Runs as they are and were. Reads only.

use std::sync::Arc;

use crate::http::head::Head;
use crate::http::query::Query;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::runner::errand::Errand;
use crate::runner::failure::{Failure, Kind};
use crate::runner::tail::Stream;

/// `GET /status`: from the snapshot, as bytes that are kept.
pub(in crate::http) fn status(server: &Arc<Shared>, pair: &Pair) -> Result<Reply, Refusal> {
    match server.live.status_json(pair).map_err(Failure::from)? {
        Some(json) => Ok(Reply::shared(json)),
        None => Err(never_run(server, pair)),
    }
}

/// The pair's last run, or why there is none.
pub(in crate::http) fn last(server: &Shared, pair: &Pair) -> Result<Run, Refusal> {
    let found = server.live.store().last_run(pair).map_err(Failure::from)?;
    found.ok_or_else(|| never_run(server, pair))
}

pub(in crate::http) fn by_id(server: &Shared, id: &RunId) -> Result<Run, Refusal> {
    let found = server.live.store().run(id).map_err(Failure::from)?;
    found.ok_or_else(|| Refusal::with(Why::NoRoute, format!("there is no run {id}")))
}

/// A mode or task that is not there is told with the nearest name.
pub(in crate::http) fn never_run(server: &Shared, pair: &Pair) -> Refusal {
    let know = Errand::Know { mode: pair.mode.to_string(), task: pair.task.to_string() };
    match server.errands.run(&know) {
        Err(failure) => failure.into(),
        Ok(_) => Failure::new(Kind::NeverRun, format!("`{pair}` has never run"))
            .hint(format!("POST /dispatch/{}/{}", pair.mode, pair.task))
            .into(),
    }
}

/// `GET /api/runs`, as `dispatch status --json`.
pub(in crate::http) fn list(server: &Shared, mut query: Query) -> Result<Reply, Refusal> {
    let all = query.value("all", truth)?.unwrap_or(false);
    query.end()?;
    let views = server.live.overview(all).map_err(Failure::from)?;
    Ok(Reply::json(200, &serde_json::json!({ "runs": views })))
}

/// `GET /api/history`, as `dispatch history --json`.
pub(in crate::http) fn history(server: &Shared, mut query: Query) -> Result<Reply, Refusal> {
    let mode = query.text("mode");
    let task = query.text("task");
    let limit = query.value("limit", |text| text.parse::<u32>().ok())?;
    let since = query.text("since");
    query.end()?;
    let runs = server.live.history(mode, task, since.as_deref(), limit).map_err(Refusal::from)?;
    let views: Vec<_> = runs.iter().map(|run| server.live.view(run)).collect();
    Ok(Reply::json(200, &serde_json::json!({ "runs": views })))
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "" | "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

pub(in crate::http) fn one(server: &Shared, id: &RunId) -> Result<Reply, Refusal> {
    let run = by_id(server, id)?;
    Ok(Reply::json(200, &server.live.view(&run)))
}

/// The last frame of a log, as text.
pub(in crate::http) fn end_frame(server: &Shared, run: &Run) -> Result<String, serde_json::Error> {
    // Who reads this and asks for the status next is not told an older one.
    server.live.touch();
    let mut frame = serde_json::to_value(server.live.view(run))?;
    frame["event"] = "end".into();
    serde_json::to_string(&frame)
}

/// What a job printed, whole or a range of it.
pub(in crate::http) fn log(server: &Shared, id: &RunId, stream: Stream, head: &Head) -> Result<Reply, Refusal> {
    const KIND: &str = "application/octet-stream";
    by_id(server, id)?;
    let log = server.live.store().log(id, stream).map_err(Refusal::broken)?;
    let length = log.length();
    let (start, end) = match head.header("range").map(|text| range(text, length)) {
        // A unit or a form that is not known is as good as no range.
        None | Some(Range::Ignored) => {
            let body = log.part(0, length);
            return Ok(Reply::long(200, KIND, Box::new(body), length).header("Accept-Ranges", "bytes"));
        }
        Some(Range::Unsatisfiable) => {
            return Ok(Reply::text("text/plain; charset=utf-8", String::new())
                .with_status(416)
                .header("Content-Range", format!("bytes */{length}")));
        }
        Some(Range::Part(start, end)) => (start, end),
    };
    let part = log.part(start, end - start);
    Ok(Reply::long(206, KIND, Box::new(part), end - start)
        .header("Accept-Ranges", "bytes")
        .header("Content-Range", format!("bytes {start}-{}/{length}", end - 1)))
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// From, and up to without.
    Part(u64, u64),
    Unsatisfiable,
    Ignored,
}

/// One range of bytes (RFC 9110 section 14).
fn range(text: &str, length: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::Ignored;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(length)),
        (Some(start), None) if last.is_empty() => (start, length),
        (None, Some(count)) if first.is_empty() => (length.saturating_sub(count), length),
        _ => return Range::Ignored,
    };
    if start < end { Range::Part(start, end) } else { Range::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("bytes=0-4", Range::Part(0, 5)),
            ("bytes=3-", Range::Part(3, 10)),
            ("bytes=-4", Range::Part(6, 10)),
            ("bytes=-40", Range::Part(0, 10)),
            ("bytes=5-99", Range::Part(5, 10)),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=99999999999999999999-", Range::Unsatisfiable),
            ("bytes=4-2", Range::Ignored),
            ("bytes=0-1,3-4", Range::Ignored),
            ("lines=1-2", Range::Ignored),
            ("bytes=", Range::Ignored),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Range::Unsatisfiable);
    }
}
