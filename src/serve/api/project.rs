//! Rendering, and the manifest and subtask files as text. A file is written only if its `ETag` still matches and
//! the project has no error with the new text.

use serde_json::Value;

use crate::model::names::Pair;
use crate::serve::body;
use crate::serve::head::Head;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::worker::WorkerRequest;

pub(in crate::serve) fn render(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let request = body::StartBody::read(body)?.into_request();
    let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
    let view = server.workers.run(&WorkerRequest::Render { mode, task, request })?;
    Ok(Response::json(200, &view))
}

pub(in crate::serve) fn read_file(server: &HttpServer, name: String) -> Result<Response, Refusal> {
    let value = server.workers.run(&WorkerRequest::ReadFile { name })?;
    Ok(Response::owned("text/yaml; charset=utf-8", text_of(&value, "text")).header("ETag", text_of(&value, "etag")))
}

pub(in crate::serve) fn write_file(
    server: &HttpServer,
    head: &Head,
    name: String,
    body: &[u8],
) -> Result<Response, Refusal> {
    let etag = head.header("if-match").ok_or_else(|| {
        Refusal::with(RefusalKind::BadValue, "`If-Match` is missing").hint("send the ETag of the text that was changed")
    })?;
    let text = std::str::from_utf8(body).map_err(|_| Refusal::with(RefusalKind::BadValue, "the text is not UTF-8"))?;
    let request = WorkerRequest::WriteFile { name, text: text.to_owned(), etag: etag.to_owned() };
    let value = server.workers.run(&request)?;
    server.live.touch();
    Ok(Response::json(200, &value).header("ETag", text_of(&value, "etag")))
}

fn text_of(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
