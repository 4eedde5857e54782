//! Exit and report → how a run ended. `expect` and limits are judged elsewhere.

use crate::agent::report::FinalReport;
use crate::agent::signals::signal_name;
use crate::model::protocol::Protocol;
use crate::model::run_state::EndState;

/// How a process ended. Neither field: nobody saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// How a run ended, and why in a few words where it did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub state: EndState,
    pub reason: Option<String>,
}

/// Judges a headless run. An interactive one is judged as [`Protocol::Text`], by its exit alone:
/// its output is a screen and holds no report.
///
/// `claude` succeeds only with exit 0 *and* a last result without error: it exits with 0 when
/// interrupted, and when it stops halfway.
pub fn judge(protocol: Protocol, exit: Exit, report: &FinalReport) -> Verdict {
    let failed = |reason: String| Verdict { state: EndState::Failed, reason: Some(reason) };
    let code = match exit {
        Exit { signal: Some(signal), .. } => return failed(format!("signal {}", with_name(signal, signal))),
        Exit { code: Some(code), .. } => code,
        Exit { code: None, signal: None } => {
            return Verdict { state: EndState::Lost, reason: Some("nobody saw its exit".to_owned()) };
        }
    };
    let told = match protocol {
        Protocol::Text => None,
        Protocol::Claude => match &report.result {
            Some(result) => result.failure().or_else(|| report.unfinished.then(|| "ended within a turn".to_owned())),
            None if code == 0 => Some("no result event".to_owned()),
            None => None,
        },
    };
    match told {
        Some(reason) => failed(reason),
        None if code == 0 => Verdict { state: EndState::Succeeded, reason: None },
        None => failed(format!("exit code {}", with_name(code, code - 128))),
    }
}

/// `143 (SIGTERM)`: shells and agents report a signal that way.
fn with_name(number: i32, signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("{number} ({name})"),
        None => number.to_string(),
    }
}
