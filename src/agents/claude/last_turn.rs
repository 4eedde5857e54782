//! Reads whether the last turn in a part of a `claude`'s log has ended.

use std::io;

use memchr::memmem;

use crate::agents::claude::result::ResultEvent;
use crate::agents::claude::turn_event::{TurnEvent, events_of_line};
use crate::agents::lines_back::lines_back;
use crate::agents::protocol::{LastTurn, SeekableLog, Turn};

const WORDS: [&[u8]; 4] = [b"\"result\"", b"\"assistant\"", b"\"user\"", b"\"init\""];

/// Reads `log` from its end back to the last event that belongs to a turn. Fails when it cannot be read.
pub(super) fn read(log: &mut dyn SeekableLog) -> io::Result<LastTurn> {
    let mut last = LastTurn { turn: None, is_whole: true };
    let mut is_first = true;
    lines_back(log, |line| {
        if std::mem::take(&mut is_first) {
            last.is_whole = line.is_some_and(<[u8]>::is_empty);
        }
        let Some(line) = line else { return true };
        if WORDS.iter().any(|word| memmem::find(line, word).is_some()) {
            last.turn = events_of_line(line).iter().rev().find_map(|event| {
                TurnEvent::of(event).map(|turn| match turn {
                    TurnEvent::Result => {
                        Turn::Ended { cost_usd: ResultEvent::read(event).and_then(|result| result.cost_usd) }
                    }
                    TurnEvent::Init | TurnEvent::Assistant | TurnEvent::User => Turn::Open,
                })
            });
        }
        last.turn.is_none()
    })?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_last_event_of_a_turn_decides() {
        let last = |log: &str| read(&mut Cursor::new(log.as_bytes())).unwrap();
        let result = r#"{"total_cost_usd":0.5,"type":"result"}"#;
        let ended = Some(Turn::Ended { cost_usd: Some(0.5) });
        assert_eq!(last(&format!("{result}\n")), LastTurn { turn: ended, is_whole: true });
        assert_eq!(last(&format!("{result}\nnoise \"result\"\n")).turn, ended);
        let helper = r#"{"type":"assistant","parent_tool_use_id":"t"}"#;
        assert_eq!(last(&format!("{result}\n{helper}\n")).turn, ended);
        for open in [r#"{"type":"assistant"}"#, r#"{"type":"user"}"#, r#"{"type":"system","subtype":"init"}"#] {
            assert_eq!(last(&format!("{result}\n{open}\n")).turn, Some(Turn::Open), "{open}");
        }
        let half = last(&format!("{}\n{}", r#"{"type":"user"}"#, &result[..20]));
        assert_eq!(half, LastTurn { turn: Some(Turn::Open), is_whole: false });
        assert_eq!(last("noise\n"), LastTurn { turn: None, is_whole: true });
        let many = include_str!("samples/background-bash.jsonl");
        assert!(matches!(last(many).turn, Some(Turn::Ended { .. })));
    }
}
