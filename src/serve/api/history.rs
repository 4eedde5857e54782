//! Past runs, as JSON in pages and as one CSV. Reads only.

use std::sync::Arc;

use crate::serve::csv::CsvRows;
use crate::serve::head::Head;
use crate::serve::past_query::HistoryQuery;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::view::past_view::PastView;

/// Runs of one answer at most.
const MOST: u32 = 10_000;

/// `GET /api/history`, as `dispatch history --json`.
pub(in crate::serve) fn list(server: &HttpServer, query: Query) -> Result<Response, Refusal> {
    let mut past = HistoryQuery::read(query)?.past(server)?;
    past.limit = past.limit.map(|limit| limit.min(MOST));
    let page = server.live.past(past.clone())?;
    let totals = server.live.past_figures(past)?.totals();
    let runs = page.runs.iter().map(|run| server.live.view(run)).collect();
    let next = page.next.map(|next| next.to_string());
    Ok(Response::json(200, &PastView { runs, totals, next }))
}

/// `GET /api/history.csv`: all runs that the filters select.
pub(in crate::serve) fn csv(server: &Arc<HttpServer>, head: &Head, query: Query) -> Result<Response, Refusal> {
    let past = HistoryQuery::read(query)?.past(server)?;
    let rows = CsvRows::start(server, past)?;
    let response = Response::streamed("text/csv; charset=utf-8; header=present", Box::new(rows), head)?;
    Ok(response.header("Content-Disposition", "attachment; filename=\"history.csv\""))
}
