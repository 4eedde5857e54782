//! `/api/terminal`: a live window, bytes both ways. A reader's bytes go nowhere.

use std::io::ErrorKind;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::event::PollFlags;
use serde::Deserialize;

use crate::http::api::runs;
use crate::http::limits::QUEUE_BYTES;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::tickets;
use crate::http::ws::outgoing::{Kind, Outgoing};
use crate::http::ws::talk::{Farewell, Heard, Take, Talk};
use crate::model::names::Pair;
use crate::runner::failure::Failure;
use crate::runner::terminal::{Access, Terminal};

const PIECE: usize = 64 * 1024;

/// One browser's view of a window.
pub(super) struct Screen {
    terminal: Terminal,
    access: tickets::Access,
    /// What was typed and not yet taken.
    typed: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resize {
    resize: (i64, i64),
}

impl Screen {
    pub(super) fn open(
        server: &Arc<Shared>,
        pair: &Pair,
        access: tickets::Access,
        mut query: Query,
    ) -> Result<Self, Refusal> {
        let columns = query.number("cols")?.unwrap_or(80);
        let rows = query.number("rows")?.unwrap_or(24);
        query.end()?;
        let run = runs::last(server, pair)?;
        let wanted = match access {
            tickets::Access::Read => Access::Read,
            tickets::Access::Write => Access::Write,
        };
        let size = (clamp(i64::try_from(columns).unwrap_or(0)), clamp(i64::try_from(rows).unwrap_or(0)));
        let terminal = server.live.ledger().open_terminal(&run, wanted, size).map_err(Failure::from)?;
        Ok(Self { terminal, access, typed: Vec::new() })
    }

    /// Hands over what was typed, as far as it is taken.
    fn hand_over(&mut self) -> Result<(), Farewell> {
        while !self.typed.is_empty() {
            match self.terminal.write(&self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Farewell::DONE),
            }
        }
        Ok(())
    }
}

fn clamp(number: i64) -> u16 {
    u16::try_from(number.clamp(1, 1000)).unwrap_or(1)
}

impl Talk for Screen {
    fn take(&mut self, payload: &mut Outgoing) -> Take {
        if let Err(farewell) = self.hand_over() {
            return Take::End(farewell);
        }
        match payload.fill(PIECE, |room| self.terminal.read(room)) {
            Ok(0) => Take::End(Farewell::DONE),
            Ok(_) => Take::Frame(Kind::Binary),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Take::Nothing,
            // A terminal whose other end is gone says so with an error.
            Err(_) => Take::End(Farewell::DONE),
        }
    }

    fn hear(&mut self, heard: Heard<'_>) -> Result<(), Farewell> {
        if self.access == tickets::Access::Read {
            return Err(Farewell::READ_ONLY);
        }
        match heard {
            Heard::Binary(bytes) => {
                self.typed.extend_from_slice(bytes);
                self.hand_over()
            }
            Heard::Text(text) => {
                let asked: Resize = serde_json::from_str(text).map_err(|_| Farewell::NOT_UNDERSTOOD)?;
                self.terminal.resize(clamp(asked.resize.0), clamp(asked.resize.1)).map_err(|_| Farewell::DONE)
            }
        }
    }

    fn source(&self) -> Option<BorrowedFd<'_>> {
        Some(self.terminal.as_fd())
    }

    fn awaits(&self) -> PollFlags {
        if self.typed.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    fn is_full(&self) -> bool {
        self.typed.len() > QUEUE_BYTES
    }
}
