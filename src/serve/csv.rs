//! Past runs as CSV (RFC 4180), in pieces that are made while they are sent. Text that a spreadsheet would take as a
//! formula is marked as text.

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::lifecycle::summary::past_runs::PastRuns;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::Catalog;
use crate::view::run_view::RunView;

/// Rows in memory at once.
const PIECE: u32 = 500;

const COLUMNS: [&str; 16] = [
    "runId",
    "task",
    "title",
    "mode",
    "outcome",
    "reason",
    "exitCode",
    "signal",
    "createdAt",
    "startedAt",
    "endedAt",
    "durationMs",
    "attempts",
    "costUsd",
    "agent",
    "startedBy",
];

/// All runs of a query, page by page.
pub(super) struct CsvRows {
    server: Arc<HttpServer>,
    /// For the titles; none while the manifest cannot be read.
    catalog: Option<Arc<Catalog>>,
    /// The next page; `None` after the last.
    next: Option<PastRuns>,
    /// Rows that the query still allows.
    left: u32,
    unread: io::Cursor<Vec<u8>>,
}

impl CsvRows {
    /// The header and the first page. Fails if a name is malformed or the index cannot be read.
    pub(super) fn start(server: &Arc<HttpServer>, past: PastRuns) -> Result<Self, Refusal> {
        let left = past.limit.unwrap_or(u32::MAX);
        let catalog = server.catalog.get(server).ok();
        let mut rows =
            Self { server: Arc::clone(server), catalog, next: Some(past), left, unread: io::Cursor::default() };
        let mut header = writer();
        header.write_record(COLUMNS).map_err(Refusal::internal)?;
        let mut bytes = header.into_inner().map_err(Refusal::internal)?;
        bytes.extend(rows.page()?);
        rows.unread = io::Cursor::new(bytes);
        Ok(rows)
    }

    /// The rows of the next page; empty after the last.
    fn page(&mut self) -> Result<Vec<u8>, Refusal> {
        let Some(past) = self.next.take() else { return Ok(Vec::new()) };
        let limit = PIECE.min(self.left);
        let page = self.server.live.past(PastRuns { limit: Some(limit), ..past.clone() })?;
        self.left -= limit;
        if self.left > 0 && page.next.is_some() {
            self.next = Some(PastRuns { cursor: page.next, ..past });
        }
        let mut rows = writer();
        for run in &page.runs {
            let view = self.server.live.view(run);
            let title = self.catalog.as_ref().and_then(|catalog| catalog.task(&view.task));
            rows.write_record(record(&view, title.map_or("", |task| task.title.as_str())).iter().map(Cow::as_ref))
                .map_err(Refusal::internal)?;
        }
        rows.into_inner().map_err(Refusal::internal)
    }
}

impl Read for CsvRows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A page whose rows were all removed meanwhile is empty, and not the end.
        while self.unread.position() >= self.unread.get_ref().len() as u64 && self.next.is_some() {
            let page = self.page().map_err(|refusal| io::Error::other(refusal.message))?;
            self.unread = io::Cursor::new(page);
        }
        self.unread.read(into)
    }
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().quote_style(QuoteStyle::NonNumeric).terminator(Terminator::CRLF).from_writer(Vec::new())
}

/// The cells of [`COLUMNS`].
fn record<'a>(run: &'a RunView, title: &'a str) -> [Cow<'a, str>; 16] {
    let number = |number: Option<String>| Cow::Owned(number.unwrap_or_default());
    let time = |at: Option<jiff::Timestamp>| Cow::Owned(at.map(|at| at.to_string()).unwrap_or_default());
    [
        text(&run.run_id),
        text(&run.task),
        text(title),
        text(&run.mode),
        text(run.state),
        text(run.reason.as_deref().unwrap_or_default()),
        number(run.exit_code.map(|code| code.to_string())),
        number(run.signal.map(|signal| signal.to_string())),
        time(Some(run.created_at)),
        time(run.started_at),
        time(run.ended_at),
        number(run.duration_ms.map(|ms| ms.to_string())),
        number(run.attempt.map(|attempt| attempt.to_string())),
        number(run.cost_usd.filter(|cost| cost.is_finite()).map(|cost| cost.to_string())),
        text(run.agent.as_deref().unwrap_or_default()),
        text(run.started_by.unwrap_or_default()),
    ]
}

/// Text of others. What a spreadsheet would take as a formula gets a leading apostrophe, which it takes as the mark of
/// a text. The full-width forms count: some programs convert them.
fn text(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    // Also behind blanks, which some programs drop.
    let is_formula = is_formula || cell.trim_start().starts_with(['=', '+', '-', '@']);
    if is_formula { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[&str]) -> String {
        let mut writer = writer();
        writer.write_record(cells.iter().map(|cell| text(cell)).map(Cow::into_owned)).unwrap();
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn cells_are_quoted_as_the_standard_says() {
        assert_eq!(
            line(&["a", "b,c", "say \"x\"", "two\r\nlines", ""]),
            "\"a\",\"b,c\",\"say \"\"x\"\"\",\"two\r\nlines\",\"\"\r\n"
        );
        assert_eq!(line(&["12", "0.5"]), "12,0.5\r\n");
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=cmd|' /C calc'!A0"] {
            assert!(text(cell).starts_with('\'') && text(cell).ends_with(cell), "{cell}");
        }
        for cell in ["", "a=1", "exit code 3", "1-2", "'x"] {
            assert_eq!(text(cell), cell);
        }
    }
}
