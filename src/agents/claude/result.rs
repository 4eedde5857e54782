//! Parses Claude's `result` event: how one turn ended. The order of its keys is not fixed and fields come and go, so
//! each field is read on its own.

use serde_json::Value;

use crate::agents::shorten::shorten;
use crate::model::usage::{Denial, Tokens, Usage};

const DENIAL_INPUT_CHARS: usize = 200;
const DENIALS_MAX: usize = 100;
const REASON_CHARS: usize = 200;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ResultEvent {
    pub(super) is_error: bool,
    /// `success`, `error_max_turns`, … An API error is `success` with `is_error`.
    pub(super) subtype: String,
    pub(super) terminal_reason: Option<String>,
    /// The HTTP status of the API error that ended it.
    pub(super) api_error_status: Option<u16>,
    /// The final answer, or the text of the error.
    pub(super) text: Option<String>,
    pub(super) errors: Vec<String>,
    pub(super) num_turns: Option<u64>,
    pub(super) duration_ms: Option<u64>,
    pub(super) cost_usd: Option<f64>,
    /// Counts from 0 where one process ends several turns.
    pub(super) index: u64,
}

impl ResultEvent {
    /// `None` unless `event` is a `result`.
    pub(super) fn read(event: &Value) -> Option<Self> {
        if event.get("type")?.as_str()? != "result" {
            return None;
        }
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        let subtype = text("subtype").unwrap_or_default();
        // Old versions write `false` at the turn limit, so the subtype decides too.
        let is_error = event.get("is_error").and_then(Value::as_bool).unwrap_or(true) || subtype != "success";
        let errors = event.get("errors").and_then(Value::as_array);
        Some(Self {
            is_error,
            terminal_reason: text("terminal_reason"),
            api_error_status: number("api_error_status").and_then(|status| u16::try_from(status).ok()),
            text: text("result"),
            errors: errors.into_iter().flatten().filter_map(|e| Some(e.as_str()?.to_owned())).collect(),
            num_turns: number("num_turns"),
            duration_ms: number("duration_ms"),
            cost_usd: event.get("total_cost_usd").and_then(Value::as_f64),
            index: number("result_index").unwrap_or(0),
            subtype,
        })
    }

    /// Whether it ended at a limit that its user had set.
    pub(super) fn is_own_limit(&self) -> bool {
        self.is_at_max_turns() || self.is_over_budget()
    }

    fn is_at_max_turns(&self) -> bool {
        self.subtype == "error_max_turns" || self.terminal_reason.as_deref() == Some("max_turns")
    }

    fn is_over_budget(&self) -> bool {
        self.subtype == "error_max_budget_usd" || self.terminal_reason.as_deref() == Some("budget_exhausted")
    }

    /// Why it ended in an error, in a few words on one line. `None` for a success.
    pub(super) fn failure(&self) -> Option<String> {
        if !self.is_error {
            return None;
        }
        let said = self.text.as_deref().or(self.errors.first().map(String::as_str)).unwrap_or_default();
        let said = said.strip_prefix("API Error: ").unwrap_or(said).trim();
        let reason = if self.is_at_max_turns() {
            "max turns reached".to_owned()
        } else if self.is_over_budget() {
            "budget exhausted".to_owned()
        } else if let Some(status) = self.api_error_status {
            let rest = said.strip_prefix(&status.to_string()).unwrap_or(said).trim_start();
            if rest.is_empty() { format!("api error {status}") } else { format!("api error {status}: {rest}") }
        } else if !said.is_empty() {
            said.to_owned()
        } else if self.subtype.is_empty() || self.subtype == "success" {
            "the agent reported an error".to_owned()
        } else {
            self.subtype.replace('_', " ")
        };
        Some(shorten(&reason, REASON_CHARS))
    }
}

/// Cost, tokens, conversation and refusals of the event.
pub(super) fn usage(event: &Value) -> Usage {
    Usage {
        cost_usd: event.get("total_cost_usd").and_then(Value::as_f64),
        tokens: tokens(event),
        session_id: session_id(event),
        denials: denials(event),
    }
}

/// The conversation that an event belongs to.
pub(super) fn session_id(event: &Value) -> Option<String> {
    Some(event.get("session_id")?.as_str()?.to_owned())
}

/// `permission_denials`, at most 100 of them.
pub(super) fn denials(event: &Value) -> Vec<Denial> {
    let list = event.get("permission_denials").and_then(Value::as_array);
    let denial = |item: &Value| {
        let tool = item.get("tool_name")?.as_str()?.to_owned();
        let input = item.get("tool_input").map(Value::to_string).unwrap_or_default();
        Some(Denial { tool, input: input.chars().take(DENIAL_INPUT_CHARS).collect() })
    };
    list.into_iter().flatten().filter_map(denial).take(DENIALS_MAX).collect()
}

/// `modelUsage` counts the whole process; `usage` only the last turn, so it is the fallback.
fn tokens(event: &Value) -> Option<Tokens> {
    let count = |from: &Value, key: &str| from.get(key).and_then(Value::as_u64).unwrap_or(0);
    if let Some(models) = event.get("modelUsage").and_then(Value::as_object).filter(|models| !models.is_empty()) {
        let sum = |key: &str| models.values().fold(0u64, |sum, model| sum.saturating_add(count(model, key)));
        return Some(Tokens {
            input: sum("inputTokens"),
            output: sum("outputTokens"),
            cache_read: sum("cacheReadInputTokens"),
            cache_creation: sum("cacheCreationInputTokens"),
        });
    }
    let usage = event.get("usage").filter(|usage| usage.is_object())?;
    Some(Tokens {
        input: count(usage, "input_tokens"),
        output: count(usage, "output_tokens"),
        cache_read: count(usage, "cache_read_input_tokens"),
        cache_creation: count(usage, "cache_creation_input_tokens"),
    })
}
