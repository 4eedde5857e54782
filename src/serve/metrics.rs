//! The server's metrics, in OpenMetrics text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Responses by the first digit of their status, from 1 to 5.
    answers: [AtomicU64; 5],
    pub(super) connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) sockets_opened: AtomicU64,
    pub(super) sockets_dropped: AtomicU64,
    pub(super) socket_bytes: AtomicU64,
}

/// Values that are read at a request for the metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauges {
    pub(super) runs_by_state: Vec<(&'static str, usize)>,
    pub(super) queued_by_reason: Vec<(&'static str, usize)>,
    pub(super) sockets_open: usize,
    pub(super) connections_open: usize,
    /// Ended runs on record: their number, seconds and US dollars.
    pub(super) ended: (u64, f64, f64),
    /// Snapshots of all runs: their number and seconds.
    pub(super) snapshots: (u64, f64),
}

impl Metrics {
    pub(super) fn answered(&self, status: u16) {
        if let Some(count) = usize::from(status / 100).checked_sub(1).and_then(|class| self.answers.get(class)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn text(&self, gauges: &Gauges) -> String {
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, String)]| {
            let _ = writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}");
            for (labels, value) in rows {
                let _ = writeln!(out, "{name}{labels} {value}");
            }
        };
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        let one = |value: String| vec![(String::new(), value)];
        let total = |value: String| vec![("_total".to_owned(), value)];
        let labelled = |label: &str, rows: &[(&str, usize)]| -> Vec<(String, String)> {
            rows.iter().map(|(name, count)| (format!("{{{label}=\"{name}\"}}"), count.to_string())).collect()
        };
        family("dispatch_runs", "gauge", "Unfinished runs by state.", &labelled("state", &gauges.runs_by_state));
        let queue = labelled("waiting_for", &gauges.queued_by_reason);
        family("dispatch_queue_depth", "gauge", "Queued runs by what they wait for.", &queue);
        let (count, seconds, cost) = gauges.ended;
        let sums = vec![("_count".to_owned(), count.to_string()), ("_sum".to_owned(), format!("{seconds:.3}"))];
        family("dispatch_run_duration_seconds", "summary", "Ended runs on record.", &sums);
        family("dispatch_cost_usd", "gauge", "What the runs on record cost.", &one(format!("{cost:.6}")));
        let (count, seconds) = gauges.snapshots;
        let sums = vec![("_count".to_owned(), count.to_string()), ("_sum".to_owned(), format!("{seconds:.6}"))];
        family("dispatch_reconcile_seconds", "summary", "Looks at all unfinished runs.", &sums);
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let answers: Vec<_> = classes
            .iter()
            .zip(&self.answers)
            .map(|(class, count)| (format!("_total{{class=\"{class}\"}}"), get(count)))
            .collect();
        family("dispatch_http_responses", "counter", "Answers by status class.", &answers);
        family("dispatch_http_connections", "counter", "Connections accepted.", &total(get(&self.connections)));
        let refused = total(get(&self.refused_connections));
        family("dispatch_http_connections_refused", "counter", "Connections over the limit.", &refused);
        let open = one(gauges.connections_open.to_string());
        family("dispatch_http_connections_open", "gauge", "Connections that are open.", &open);
        family("dispatch_ws_opened", "counter", "WebSockets opened.", &total(get(&self.sockets_opened)));
        family("dispatch_ws_dropped", "counter", "WebSockets given up.", &total(get(&self.sockets_dropped)));
        family("dispatch_ws_sent_bytes", "counter", "Bytes sent in messages.", &total(get(&self.socket_bytes)));
        family("dispatch_ws_open", "gauge", "WebSockets that are open.", &one(gauges.sockets_open.to_string()));
        out.push_str("# EOF\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_open_metrics() {
        let metrics = Metrics::default();
        metrics.answered(200);
        metrics.answered(404);
        metrics.answered(99);
        let gauges = Gauges { runs_by_state: vec![("running", 2)], ended: (3, 1.5, 0.25), ..Gauges::default() };
        let text = metrics.text(&gauges);
        for line in [
            "dispatch_runs{state=\"running\"} 2",
            "dispatch_run_duration_seconds_count 3",
            "dispatch_cost_usd 0.250000",
            "dispatch_http_responses_total{class=\"2xx\"} 1",
            "dispatch_http_responses_total{class=\"4xx\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
