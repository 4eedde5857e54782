//! Current and past runs, and their logs. Reads only.

use std::sync::Arc;

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::follow::tail::LogStream;
use crate::lifecycle::refresh;
use crate::lifecycle::summary::started_with;
use crate::lifecycle::window::attach;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::serve::head::Head;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::worker::WorkerRequest;

/// `GET /status`: cached bytes from the snapshot.
pub(in crate::serve) fn status(server: &Arc<HttpServer>, pair: &Pair) -> Result<Response, Refusal> {
    match server.live.status_json(pair)? {
        Some(json) => Ok(Response::shared(json)),
        None => Err(never_run(server, pair)),
    }
}

/// The pair's last run. Fails if it never ran.
pub(in crate::serve) fn last(server: &HttpServer, pair: &Pair) -> Result<Run, Refusal> {
    let found = refresh::last_run(server.live.store(), pair)?;
    found.ok_or_else(|| never_run(server, pair))
}

pub(in crate::serve) fn by_id(server: &HttpServer, id: &RunId) -> Result<Run, Refusal> {
    let found = refresh::one(server.live.store(), id)?;
    found.ok_or_else(|| Refusal::with(RefusalKind::NoRoute, format!("there is no run {id}")))
}

/// The error of a pair without runs. For an unknown mode or task it contains the nearest name.
pub(in crate::serve) fn never_run(server: &HttpServer, pair: &Pair) -> Refusal {
    let hint = format!("POST /dispatch/{}/{}", pair.mode, pair.task);
    let failure = || Failure::new(Kind::NeverRun, format!("`{pair}` has never run")).hint(hint);
    known(server, pair).err().unwrap_or_else(|| failure().into())
}

/// Fails if the manifest has no such mode or task, with the nearest name.
pub(in crate::serve) fn known(server: &HttpServer, pair: &Pair) -> Result<(), Refusal> {
    let request = WorkerRequest::Know { mode: pair.mode.to_string(), task: pair.task.to_string() };
    server.workers.run(&request)?;
    Ok(())
}

/// `GET /api/runs`, as `dispatch status --json`.
pub(in crate::serve) fn list(server: &HttpServer, mut query: Query) -> Result<Response, Refusal> {
    let all = query.value("all", boolean)?.unwrap_or(false);
    query.end()?;
    let views = server.live.overview(all)?;
    Ok(Response::json(200, &serde_json::json!({ "runs": views })))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "" | "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

pub(in crate::serve) fn one(server: &HttpServer, id: &RunId) -> Result<Response, Refusal> {
    let run = by_id(server, id)?;
    Ok(Response::json(200, &server.live.view(&run)))
}

/// The last message of a log's WebSocket: the ended run.
pub(in crate::serve) fn end_frame(server: &HttpServer, run: &Run) -> Result<String, serde_json::Error> {
    // The client may ask for the status next and must not get an older one.
    server.live.touch();
    let mut frame = serde_json::to_value(server.live.view(run))?;
    frame["event"] = "end".into();
    serde_json::to_string(&frame)
}

/// `GET /api/runs/ID/stdout` and `stderr`: a job's log, or a range of its bytes.
pub(in crate::serve) fn log(
    server: &HttpServer,
    id: &RunId,
    stream: LogStream,
    head: &Head,
) -> Result<Response, Refusal> {
    const CONTENT_TYPE: &str = "application/octet-stream";
    by_id(server, id)?;
    let log = attach::log(server.live.store(), id, stream).map_err(Refusal::internal)?;
    let length = log.length();
    let (start, end) = match head.header("range").map(|text| range(text, length)) {
        // An unknown unit or form is ignored (RFC 9110 section 14.2).
        None | Some(ByteRange::Ignored) => {
            let body = log.part(0, length);
            return Ok(Response::long(200, CONTENT_TYPE, Box::new(body), length).header("Accept-Ranges", "bytes"));
        }
        Some(ByteRange::Unsatisfiable) => {
            return Ok(Response::owned("text/plain; charset=utf-8", "")
                .with_status(416)
                .header("Content-Range", format!("bytes */{length}")));
        }
        Some(ByteRange::Part(start, end)) => (start, end),
    };
    let part = log.part(start, end - start);
    Ok(Response::long(206, CONTENT_TYPE, Box::new(part), end - start)
        .header("Accept-Ranges", "bytes")
        .header("Content-Range", format!("bytes {start}-{}/{length}", end - 1)))
}

/// `GET /api/runs/ID/marks`: when its logs had which lengths.
pub(in crate::serve) fn marks(server: &HttpServer, id: &RunId) -> Result<Response, Refusal> {
    by_id(server, id)?;
    let marks = attach::marks(server.live.store(), id).map_err(Refusal::internal)?;
    let marks: Vec<_> = marks.iter().map(|mark| (mark.at_ms, mark.stdout, mark.stderr)).collect();
    Ok(Response::json(200, &serde_json::json!({ "marks": marks })))
}

/// `GET /api/runs/ID/prompt`: what the run was started with.
pub(in crate::serve) fn prompt(server: &HttpServer, id: &RunId) -> Result<Response, Refusal> {
    by_id(server, id)?;
    let unreadable = |_| Refusal::with(RefusalKind::NoRoute, format!("the records of run {id} cannot be read"));
    Ok(Response::json(200, &started_with::started_with(server.live.store(), id).map_err(unreadable)?))
}

#[derive(Debug, PartialEq, Eq)]
enum ByteRange {
    /// From the first number up to and without the second.
    Part(u64, u64),
    Unsatisfiable,
    Ignored,
}

/// One range of bytes (RFC 9110 section 14).
fn range(text: &str, length: u64) -> ByteRange {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return ByteRange::Ignored;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(length)),
        (Some(start), None) if last.is_empty() => (start, length),
        (None, Some(count)) if first.is_empty() => (length.saturating_sub(count), length),
        _ => return ByteRange::Ignored,
    };
    if start < end { ByteRange::Part(start, end) } else { ByteRange::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("bytes=0-4", ByteRange::Part(0, 5)),
            ("bytes=3-", ByteRange::Part(3, 10)),
            ("bytes=-4", ByteRange::Part(6, 10)),
            ("bytes=-40", ByteRange::Part(0, 10)),
            ("bytes=5-99", ByteRange::Part(5, 10)),
            ("bytes=10-", ByteRange::Unsatisfiable),
            ("bytes=-0", ByteRange::Unsatisfiable),
            ("bytes=99999999999999999999-", ByteRange::Unsatisfiable),
            ("bytes=4-2", ByteRange::Ignored),
            ("bytes=0-1,3-4", ByteRange::Ignored),
            ("lines=1-2", ByteRange::Ignored),
            ("bytes=", ByteRange::Ignored),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), ByteRange::Unsatisfiable);
    }
}
