//! Whether the last turn in a part of a log has ended: what a supervisor asks while its agent lives.

use std::io::{self, Read, Seek};

use memchr::memmem;

use crate::agent::claude_result::ResultEvent;
use crate::agent::lines_back::lines_back;
use crate::agent::turn_event::{TurnEvent, events_of_line};
use crate::model::protocol::Protocol;

const WORDS: [&[u8]; 4] = [b"\"result\"", b"\"assistant\"", b"\"user\"", b"\"init\""];

/// How the last turn stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    Open,
    /// With what the agent's process has cost so far.
    Ended {
        cost_usd: Option<f64>,
    },
}

/// What a part of a log tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LastTurn {
    /// `None` where the part tells nothing of a turn.
    pub turn: Option<Turn>,
    /// The part ends with a whole line: what follows it can be read by itself.
    pub is_whole: bool,
}

/// Whether agents of `protocol` say that a turn of theirs has ended.
pub fn tells_turns(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Claude => true,
        Protocol::Text => false,
    }
}

/// Reads `log` from its end up to the last event that belongs to a turn. Fails when it cannot be read.
pub fn read_last_turn<R: Read + Seek>(log: R) -> io::Result<LastTurn> {
    let mut last = LastTurn { turn: None, is_whole: true };
    let mut is_first = true;
    lines_back(log, |line| {
        if std::mem::take(&mut is_first) {
            last.is_whole = line.is_empty();
        }
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
        let last = |log: &str| read_last_turn(Cursor::new(log.as_bytes())).unwrap();
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
