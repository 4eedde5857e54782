//! Renders the report as lines for people. Any other line is shown unchanged.

use serde_json::Value;

use crate::agents::jsonl::report_of;
use crate::agents::log_line;
use crate::agents::protocol::EventRenderer;

#[derive(Debug)]
pub(super) struct Events;

impl EventRenderer for Events {
    fn render(&mut self, event: &Value, out: &mut Vec<u8>) -> bool {
        let Some(report) = report_of(event) else { return false };
        if let Some(answer) = &report.answer {
            log_line::append("result", answer, out);
        }
        let cost = report.usage.cost_usd.map(log_line::dollars);
        let parts = [log_line::outcome(report.outcome.failure())].into_iter().chain(cost);
        log_line::append("done", &parts.collect::<Vec<_>>().join("  "), out);
        true
    }
}
