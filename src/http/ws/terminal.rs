//! `/api/terminal`: a live window, bytes both ways. A reader's bytes go nowhere. Texts of a client ask for
//! another size, or for what has scrolled out of the pane that it sees, which is answered by a text.

use std::io::{ErrorKind, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::event::PollFlags;
use serde::{Deserialize, Serialize};

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
    /// What was asked for and has not been sent.
    history: Option<String>,
}

/// What a text of the client asks for: an object of one field.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    /// Columns and rows.
    Resize(i64, i64),
    /// So many lines above the screen at most, and the screen.
    History(u32),
}

#[derive(Serialize)]
struct History {
    history: String,
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
        let terminal = server.live.store().open_terminal(&run, wanted, size).map_err(Failure::from)?;
        Ok(Self { terminal, access, typed: Vec::new(), history: None })
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
        if let Some(history) = self.history.take() {
            return match serde_json::to_writer(&mut *payload, &History { history }).map(|()| payload.flush()) {
                Ok(_) => Take::Frame(Kind::Text),
                Err(_) => Take::End(Farewell::BROKEN),
            };
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
        let asked = match heard {
            Heard::Text(text) => serde_json::from_str(text).map_err(|_| Farewell::NOT_UNDERSTOOD),
            Heard::Binary(_) => Err(Farewell::READ_ONLY),
        };
        match (heard, asked) {
            (_, Ok(Asked::History(lines))) => {
                let history = self.terminal.history(lines).map_err(|_| Farewell::BROKEN)?;
                self.history = Some(history);
                Ok(())
            }
            _ if self.access == tickets::Access::Read => Err(Farewell::READ_ONLY),
            (_, Ok(Asked::Resize(cols, rows))) => {
                self.terminal.resize(clamp(cols), clamp(rows)).map_err(|_| Farewell::DONE)
            }
            (Heard::Binary(bytes), _) => {
                self.typed.extend_from_slice(bytes);
                self.hand_over()
            }
            (Heard::Text(_), Err(farewell)) => Err(farewell),
        }
    }

    fn source(&self) -> Option<BorrowedFd<'_>> {
        Some(self.terminal.as_fd())
    }

    fn awaits(&self) -> PollFlags {
        if self.typed.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    fn is_full(&self) -> bool {
        self.typed.len() > QUEUE_BYTES || self.history.is_some()
    }
}
