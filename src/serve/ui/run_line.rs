//! A run as a row of a table. Pure.

use jiff::Timestamp;
use serde::Serialize;

use crate::view::badge::Badge;
use crate::view::run_view::RunView;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunLine {
    pub(super) badge: Badge,
    pub(super) id: String,
    pub(super) started: Option<Timestamp>,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) duration_ms: Option<u64>,
    /// Exit code or signal.
    pub(super) exit: String,
    pub(super) cost: String,
    /// If there was more than one.
    pub(super) attempts: Option<u32>,
    pub(super) cwd: String,
}

impl RunLine {
    pub(super) fn of(run: &RunView) -> Self {
        let exit = match (run.exit_code, run.signal) {
            (_, Some(signal)) => format!("signal {signal}"),
            (Some(code), None) => code.to_string(),
            (None, None) => String::new(),
        };
        Self {
            badge: Badge::of(run, false),
            id: run.run_id.clone(),
            started: run.started_at,
            created: run.created_at,
            ended: run.ended_at,
            duration_ms: run.duration_ms,
            exit,
            cost: run.cost_usd.map(cost).unwrap_or_default(),
            attempts: run.attempt.filter(|attempt| *attempt > 1),
            cwd: run.cwd.display().to_string(),
        }
    }
}

/// In USD; amounts below a cent are not shown as zero.
fn cost(usd: f64) -> String {
    if usd > 0.0 && usd < 0.01 { "< $0.01".to_owned() } else { format!("${usd:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_rounded_and_small_ones_are_not_nothing() {
        for (usd, text) in [(0.0, "$0.00"), (0.004, "< $0.01"), (0.126, "$0.13"), (12.0, "$12.00")] {
            assert_eq!(cost(usd), text);
        }
    }
}
