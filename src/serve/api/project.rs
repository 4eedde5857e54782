//! Rendering, the manifest's schema, and the manifest and subtask files as text. A file is written only if its `ETag`
//! still matches and the new text brings no error. Checking unsaved texts writes nothing.

use std::sync::OnceLock;

use flate2::Crc;
use serde_json::Value;

use crate::lifecycle::project::show;
use crate::model::names::Pair;
use crate::serve::body;
use crate::serve::head::Head;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::{JSON, Response};
use crate::serve::server::HttpServer;
use crate::worker::WorkerRequest;

pub(in crate::serve) fn render(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let mut asked = body::StartBody::read_for_render(body)?;
    let files = asked.files.take().unwrap_or_default().0;
    let (mode, task, request) = (pair.mode.to_string(), pair.task.to_string(), asked.into_request());
    let view = server.workers.run(&WorkerRequest::Render { mode, task, request, files })?;
    Ok(Response::json(200, &view))
}

/// `POST /api/check`: the problems of unsaved texts, and what they would give.
pub(in crate::serve) fn check(server: &HttpServer, body: &[u8]) -> Result<Response, Refusal> {
    let asked: body::CheckBody = body::read(body)?;
    let view = server.workers.run(&WorkerRequest::Check { files: asked.files.0 })?;
    Ok(Response::json(200, &view))
}

/// The JSON Schema of the manifest, as `dispatch schema` prints it, and its entity tag.
fn schema_text() -> &'static (String, String) {
    static TEXT: OnceLock<(String, String)> = OnceLock::new();
    TEXT.get_or_init(|| {
        let text = show::schema().to_string();
        let mut sum = Crc::new();
        sum.update(text.as_bytes());
        let tag = format!("W/\"{:08x}-{:x}\"", sum.sum(), text.len());
        (text, tag)
    })
}

pub(in crate::serve) fn schema(head: &Head) -> Response {
    let (text, tag) = schema_text();
    let response = match head.knows_tag(tag) {
        true => Response::owned(JSON, "").with_status(304),
        false => Response::owned(JSON, text.as_str()).compressed_for(head),
    };
    response.header("ETag", tag.as_str()).revalidated()
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
    let etag = match (head.header("if-match"), head.header("if-none-match")) {
        (Some(etag), None) => etag,
        // The file must not exist yet.
        (None, Some("*")) => "",
        _ => {
            let refusal = Refusal::with(RefusalKind::BadValue, "`If-Match` is missing");
            return Err(
                refusal.hint("send the ETag of the text that was changed, or `If-None-Match: *` for a new file")
            );
        }
    };
    let text = std::str::from_utf8(body).map_err(|_| Refusal::with(RefusalKind::BadValue, "the text is not UTF-8"))?;
    let request = WorkerRequest::WriteFile { name, text: text.to_owned(), etag: etag.to_owned() };
    let value = server.workers.run(&request)?;
    server.live.touch();
    Ok(Response::json(200, &value).header("ETag", text_of(&value, "etag")))
}

fn text_of(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
