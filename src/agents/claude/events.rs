//! Renders Claude's stream-json events as lines for people: one line per message, tool call, tool result, refusal,
//! retry and end. Unknown types are dropped: new ones come with every version.

use std::collections::VecDeque;

use serde_json::Value;

use crate::agents::claude::result::ResultEvent;
use crate::agents::log_line;
use crate::agents::protocol::EventRenderer;
use crate::agents::shorten::shorten;

const SUMMARY_CHARS: usize = 160;
const NAME_CHARS: usize = 60;
/// Most calls that are remembered for a later refusal or result; an agent has fewer open at once.
const CALLS_MAX: usize = 256;
/// The input keys that describe a call, the best first.
const TELLING: [&str; 9] =
    ["command", "file_path", "notebook_path", "pattern", "url", "query", "path", "description", "prompt"];

/// The calls that are remembered from one event to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    calls: VecDeque<Call>,
}

#[derive(Clone, Debug)]
struct Call {
    id: String,
    summary: String,
    denied: bool,
}

impl EventRenderer for Events {
    fn render(&mut self, event: &Value, out: &mut Vec<u8>) -> bool {
        let Some(kind) = event.get("type").and_then(Value::as_str) else {
            return false;
        };
        match kind {
            "assistant" => self.content("assistant", event, out),
            "user" => self.content("user", event, out),
            "system" => self.system(event, out),
            "result" => {
                if let Some(result) = ResultEvent::read(event) {
                    log_line::append("done", &done(&result), out);
                }
            }
            _ => {}
        }
        true
    }
}

impl Events {
    fn content(&mut self, who: &str, event: &Value, out: &mut Vec<u8>) {
        match event.get("message").and_then(|message| message.get("content")) {
            Some(Value::String(words)) => log_line::append(who, words, out),
            Some(Value::Array(blocks)) => blocks.iter().for_each(|block| self.block(who, block, out)),
            _ => {}
        }
    }

    fn block(&mut self, who: &str, block: &Value, out: &mut Vec<u8>) {
        match text(block, "type") {
            "text" => log_line::append(who, text(block, "text"), out),
            "tool_use" => {
                let summary = call(text(block, "name"), block.get("input").unwrap_or(&Value::Null), "  ");
                log_line::append("tool", &summary, out);
                if self.calls.len() == CALLS_MAX {
                    self.calls.pop_front();
                }
                let summary = call(text(block, "name"), block.get("input").unwrap_or(&Value::Null), " ");
                self.calls.push_back(Call { id: text(block, "id").to_owned(), summary, denied: false });
            }
            "tool_result" => {
                let id = text(block, "tool_use_id");
                // The refusal was rendered already, in fewer words.
                if !self.calls.iter().any(|call| call.denied && call.id == id) {
                    log_line::append("result", &tool_result(block), out);
                }
            }
            _ => {}
        }
    }

    fn system(&mut self, event: &Value, out: &mut Vec<u8>) {
        match text(event, "subtype") {
            "permission_denied" => {
                let id = text(event, "tool_use_id");
                let known = self.calls.iter_mut().rev().find(|call| call.id == id);
                let summary = known.map(|call| {
                    call.denied = true;
                    call.summary.clone()
                });
                log_line::append(
                    "denied",
                    &summary.unwrap_or_else(|| shorten(text(event, "tool_name"), NAME_CHARS)),
                    out,
                );
            }
            "api_retry" => {
                let number = |key: &str| event.get(key).and_then(Value::as_u64).unwrap_or(0);
                let delay = event.get("retry_delay_ms").and_then(Value::as_f64).unwrap_or(0.0) / 1000.0;
                let error = shorten(text(event, "error"), NAME_CHARS);
                let told = format!("{}/{} in {delay:.1}s: {error}", number("attempt"), number("max_retries"));
                log_line::append("retry", &told, out);
            }
            _ => {}
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn call(name: &str, input: &Value, gap: &str) -> String {
    let telling = TELLING.iter().find_map(|key| input.get(key)?.as_str());
    let input = match telling {
        Some(words) => shorten(words, SUMMARY_CHARS) + more_lines(words).as_str(),
        None if input.as_object().is_none_or(serde_json::Map::is_empty) => String::new(),
        None => shorten(&input.to_string(), SUMMARY_CHARS),
    };
    format!("{}{gap}{input}", shorten(name, NAME_CHARS))
}

fn tool_result(block: &Value) -> String {
    let state = if block.get("is_error").and_then(Value::as_bool) == Some(true) { "error" } else { "ok" };
    let words = match block.get("content") {
        Some(Value::String(words)) => words.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().map(|part| text(part, "text")).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    };
    format!("{state}  {}{}", shorten(&words, SUMMARY_CHARS), more_lines(&words))
}

/// How many lines a summary leaves out, in words.
fn more_lines(text: &str) -> String {
    match text.trim().lines().count() {
        0 | 1 => String::new(),
        2 => " (+1 line)".to_owned(),
        n => format!(" (+{} lines)", n - 1),
    }
}

fn done(result: &ResultEvent) -> String {
    let mut parts = vec![log_line::outcome(result.failure().as_deref())];
    parts.extend(result.cost_usd.map(log_line::dollars));
    if let Some(turns) = result.num_turns {
        parts.push(if turns == 1 { "1 turn".to_owned() } else { format!("{turns} turns") });
    }
    if let Some(ms) = result.duration_ms {
        let secs = ms / 1000;
        parts.push(match secs {
            0..60 => format!("{secs}.{}s", ms % 1000 / 100),
            60..3600 => format!("{}m {}s", secs / 60, secs % 60),
            _ => format!("{}h {}m", secs / 3600, secs % 3600 / 60),
        });
    }
    parts.join("  ")
}
