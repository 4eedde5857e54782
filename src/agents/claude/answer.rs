//! The final answer of a `claude`: all text of the last message of its last turn.
//!
//! Input: events from the last to the first. `claude` writes one event for each block of a message, and its `result`
//! event repeats the last block only. So the answer is joined from the blocks, and the `result` event is used where no
//! message holds text. Raw events must never be part of an answer.

use serde_json::Value;

use crate::agents::claude::result::ResultEvent;
use crate::agents::claude::turn_event::TurnEvent;

#[derive(Default)]
pub(super) struct AnswerReading {
    /// The end of the last turn, where it was a success.
    result: Option<ResultEvent>,
    /// The id of the last message, once one of its events was read.
    message: Option<Option<String>>,
    /// Its texts, the last one first.
    texts: Vec<String>,
}

impl AnswerReading {
    /// Takes one event of a turn. False when no earlier one can matter.
    pub(super) fn take(&mut self, turn: TurnEvent, event: &Value) -> bool {
        match (turn, &self.result) {
            (TurnEvent::Result, None) => {
                self.result = ResultEvent::read(event).filter(|result| !result.is_error);
                self.result.is_some()
            }
            // A turn that has not ended has no answer yet.
            (_, None) => false,
            (TurnEvent::Assistant, Some(_)) => self.take_message(event),
            // The beginning of the turn, an earlier turn, or a tool's result.
            (TurnEvent::Init | TurnEvent::User | TurnEvent::Result, Some(_)) => false,
        }
    }

    fn take_message(&mut self, event: &Value) -> bool {
        let Some(message) = event.get("message") else { return true };
        let id = message.get("id").and_then(Value::as_str).map(str::to_owned);
        if self.message.as_ref().is_some_and(|last| id.is_none() || *last != id) {
            return false;
        }
        self.message = Some(id);
        let blocks = match message.get("content") {
            Some(Value::Array(blocks)) => blocks.as_slice(),
            Some(Value::String(text)) => {
                self.texts.push(text.clone());
                &[]
            }
            _ => &[],
        };
        let texts = blocks.iter().rev().filter(|block| block.get("type").and_then(Value::as_str) == Some("text"));
        self.texts.extend(texts.filter_map(|block| Some(block.get("text")?.as_str()?.to_owned())));
        true
    }

    /// `None` where the last turn has not ended or ended in an error.
    pub(super) fn finish(self) -> Option<String> {
        let result = self.result?;
        let mut texts = self.texts.into_iter().rev().filter(|text| !text.trim().is_empty());
        let Some(mut answer) = texts.next() else { return result.text };
        for text in texts {
            // Blocks are separate paragraphs, unless a newline separates them already.
            if !answer.ends_with('\n') && !text.starts_with('\n') {
                answer.push_str("\n\n");
            }
            answer.push_str(&text);
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::agents::claude::report;

    fn answer(lines: &[String]) -> Option<String> {
        report::read(&mut Cursor::new(lines.join("\n"))).unwrap().answer
    }

    fn said(id: &str, content: &str) -> String {
        format!(r#"{{"type":"assistant","message":{{"id":"{id}","content":[{content}]}},"parent_tool_use_id":null}}"#)
    }

    fn text(words: &str) -> String {
        format!(r#"{{"type":"text","text":"{words}"}}"#)
    }

    fn result(words: &str) -> String {
        format!(r#"{{"type":"result","subtype":"success","is_error":false,"result":"{words}"}}"#)
    }

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"S"}"#;

    #[test]
    fn all_texts_of_the_last_message_are_the_answer() {
        let thinking = r#"{"type":"thinking","thinking":"hm"}"#;
        let lines = [
            INIT.to_owned(),
            said("m1", &text("earlier")),
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"x"}]}}"#.to_owned(),
            said("m2", &text("first")),
            said("m2", thinking),
            r#"{"type":"stream_event","event":{"type":"assistant"}}"#.to_owned(),
            said("m2", &text("second")),
            result("second"),
        ];
        assert_eq!(answer(&lines).unwrap(), "first\n\nsecond");
        let array = format!("[{}]", lines.join(","));
        assert_eq!(answer(&[array]).unwrap(), "first\n\nsecond", "one line that holds all events");
    }

    #[test]
    fn an_earlier_turn_is_not_the_answer() {
        let hook = [said("m1", &text("old")), result("old"), INIT.to_owned(), result("blocked by a hook")];
        assert_eq!(answer(&hook).unwrap(), "blocked by a hook");
        assert_eq!(answer(&[result("alone")]).unwrap(), "alone");
        assert_eq!(answer(&[said("m1", &text("old")), result("old"), INIT.to_owned()]), None, "another turn began");
        let failed = r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#.to_owned();
        assert_eq!(answer(&[said("m1", &text("so far")), failed]), None);
        assert_eq!(answer(&[]), None);
    }

    #[test]
    fn what_a_subagent_says_is_not_the_answer() {
        let helper = r#"{"type":"assistant","message":{"id":"h","content":[{"type":"text","text":"inner"}]},"parent_tool_use_id":"toolu_1"}"#;
        let lines = [said("m1", &text("outer")), helper.to_owned(), result("outer"), helper.to_owned()];
        assert_eq!(answer(&lines).unwrap(), "outer");
    }
}
