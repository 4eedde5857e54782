//! The events of `claude` that begin, carry or end a turn of its main conversation. Messages of a subagent, which name
//! their tool call, are excluded.

use serde_json::Value;

/// What an event means for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnEvent {
    /// A turn begins.
    Init,
    Assistant,
    /// A prompt, or a tool's result.
    User,
    /// A turn ended.
    Result,
}

impl TurnEvent {
    /// `None` for every other event.
    pub(super) fn of(event: &Value) -> Option<Self> {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let of_a_subagent = text("parent_tool_use_id").is_some();
        match text("type")? {
            "result" => Some(Self::Result),
            "system" if text("subtype") == Some("init") => Some(Self::Init),
            "assistant" if !of_a_subagent => Some(Self::Assistant),
            "user" if !of_a_subagent => Some(Self::User),
            _ => None,
        }
    }
}

/// The events of one line: with `--output-format json --verbose` one line holds all of them.
pub(super) fn events_of_line(line: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(line) {
        Ok(Value::Array(events)) => events,
        Ok(event) => vec![event],
        Err(_) => Vec::new(),
    }
}
