//! `GET /api/results/PARENT`: the results of the tasks below a task, as JSON or Markdown.

use crate::serve::api::results_markdown;
use crate::serve::head::Head;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::view::results_view::ResultsView;
use crate::worker::WorkerRequest;

#[derive(Clone, Copy)]
enum Format {
    Json,
    Markdown,
}

pub(in crate::serve) fn results(
    server: &HttpServer,
    head: &Head,
    id: String,
    mut query: Query,
) -> Result<Response, Refusal> {
    let format = query.value("format", |text| match text {
        "json" => Some(Format::Json),
        "md" => Some(Format::Markdown),
        _ => None,
    });
    let format = format?.unwrap_or(Format::Json);
    query.end()?;
    let results: ResultsView = server.workers.fetch(&WorkerRequest::Results { id })?;
    let response = match format {
        Format::Json => Response::json(200, &results),
        Format::Markdown => Response::owned("text/markdown; charset=utf-8", results_markdown::text(&results)),
    };
    Ok(response.compressed_for(head))
}
