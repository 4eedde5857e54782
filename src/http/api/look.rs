//! What the manifest and the tasks say: read, rendered and planned in a child, never here.

use serde_json::Value;

use crate::http::body;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::model::names::Pair;
use crate::runner::errand::Errand;

fn errand(server: &Shared, errand: &Errand) -> Result<Reply, Refusal> {
    let value: Value = server.errands.run(errand)?;
    Ok(Reply::json(200, &value))
}

pub(in crate::http) fn tasks(server: &Shared) -> Result<Reply, Refusal> {
    errand(server, &Errand::Tasks)
}

pub(in crate::http) fn task(server: &Shared, id: String) -> Result<Reply, Refusal> {
    errand(server, &Errand::Task { id })
}

/// `GET /api/diff/TASK`, as `diff --json`, with the patch.
pub(in crate::http) fn diff(server: &Shared, id: String) -> Result<Reply, Refusal> {
    errand(server, &Errand::Diff { id })
}

pub(in crate::http) fn modes(server: &Shared) -> Result<Reply, Refusal> {
    errand(server, &Errand::Modes)
}

pub(in crate::http) fn plan(server: &Shared) -> Result<Reply, Refusal> {
    errand(server, &Errand::Plan)
}

pub(in crate::http) fn render(server: &Shared, pair: &Pair, body: &[u8]) -> Result<Reply, Refusal> {
    let asked = body::Start::read(body)?;
    let render = Errand::Render {
        mode: pair.mode.to_string(),
        task: pair.task.to_string(),
        prompt: asked.prompt,
        extras: asked.extras,
    };
    errand(server, &render)
}
