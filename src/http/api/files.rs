//! The manifest and subtask files as text, under an ETag: what is stale or wrong is not written.

use serde_json::Value;

use crate::http::head::Head;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::runner::errand::Errand;

fn text_of(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(in crate::http) fn read(server: &Shared, name: String) -> Result<Reply, Refusal> {
    let value = server.errands.run(&Errand::ReadFile { name })?;
    Ok(Reply::text("text/yaml; charset=utf-8", text_of(&value, "text")).header("ETag", text_of(&value, "etag")))
}

pub(in crate::http) fn write(server: &Shared, head: &Head, name: String, body: &[u8]) -> Result<Reply, Refusal> {
    let etag = head.header("if-match").ok_or_else(|| {
        Refusal::with(Why::BadValue, "`If-Match` is missing").hint("send the ETag of the text that was changed")
    })?;
    let text = std::str::from_utf8(body).map_err(|_| Refusal::with(Why::BadValue, "the text is not UTF-8"))?;
    let errand = Errand::WriteFile { name, text: text.to_owned(), etag: etag.to_owned() };
    let value = server.errands.run(&errand)?;
    server.live.touch();
    Ok(Reply::json(200, &value).header("ETag", text_of(&value, "etag")))
}
