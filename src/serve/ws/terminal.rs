//! `/api/terminal`: a live window, bytes both ways; a client with read access cannot type. Text messages of the client
//! ask for another size, or for the pane's scrollback, which is answered by a text message.

use std::io::{ErrorKind, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::event::PollFlags;
use serde::{Deserialize, Serialize};

use crate::lifecycle::window::terminal::{self, Access, WindowTerminal};
use crate::model::names::Pair;
use crate::serve::api::runs;
use crate::serve::limits::QUEUE_BYTES;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ws::channel::{Channel, CloseReason, Inbound, Outbound};
use crate::serve::ws::outgoing::{FrameKind, Outgoing};

const PIECE: usize = 64 * 1024;

/// One client's view of a window.
pub(super) struct TerminalChannel {
    terminal: WindowTerminal,
    access: Access,
    /// Typed bytes that were not written to the terminal yet.
    typed: Vec<u8>,
    /// The scrollback that is to be sent.
    history: Option<String>,
}

/// A text message of the client: an object with one field.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TerminalCommand {
    /// Columns and rows.
    Resize(i64, i64),
    /// The screen and at most this many lines above it.
    History(u32),
}

#[derive(Serialize)]
struct HistoryMessage {
    history: String,
}

impl TerminalChannel {
    pub(super) fn open(
        server: &Arc<HttpServer>,
        pair: &Pair,
        access: Access,
        mut query: Query,
    ) -> Result<Self, Refusal> {
        let columns = query.number("cols")?.unwrap_or(80);
        let rows = query.number("rows")?.unwrap_or(24);
        query.end()?;
        let run = runs::last(server, pair)?;
        let size = (clamp(i64::try_from(columns).unwrap_or(0)), clamp(i64::try_from(rows).unwrap_or(0)));
        let terminal = terminal::open_terminal(&run, access, size)?;
        Ok(Self { terminal, access, typed: Vec::new(), history: None })
    }

    /// Writes the typed bytes to the terminal, as many as it takes.
    fn write_typed(&mut self) -> Result<(), CloseReason> {
        while !self.typed.is_empty() {
            match self.terminal.write(&self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(CloseReason::DONE),
            }
        }
        Ok(())
    }
}

fn clamp(number: i64) -> u16 {
    u16::try_from(number.clamp(1, 1000)).unwrap_or(1)
}

impl Channel for TerminalChannel {
    fn next(&mut self, payload: &mut Outgoing) -> Outbound {
        if let Err(reason) = self.write_typed() {
            return Outbound::Close(reason);
        }
        if let Some(history) = self.history.take() {
            return match serde_json::to_writer(&mut *payload, &HistoryMessage { history }).map(|()| payload.flush()) {
                Ok(_) => Outbound::Frame(FrameKind::Text),
                Err(_) => Outbound::Close(CloseReason::BROKEN),
            };
        }
        match payload.fill(PIECE, |room| self.terminal.read(room)) {
            Ok(0) => Outbound::Close(CloseReason::DONE),
            Ok(_) => Outbound::Frame(FrameKind::Binary),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Outbound::Nothing,
            // A terminal whose other end is closed returns an error.
            Err(_) => Outbound::Close(CloseReason::DONE),
        }
    }

    fn receive(&mut self, message: Inbound<'_>) -> Result<(), CloseReason> {
        let command = match message {
            Inbound::Text(text) => serde_json::from_str(text).map_err(|_| CloseReason::NOT_UNDERSTOOD),
            Inbound::Binary(_) => Err(CloseReason::READ_ONLY),
        };
        match (message, command) {
            (_, Ok(TerminalCommand::History(lines))) => {
                let history = self.terminal.history(lines).map_err(|_| CloseReason::BROKEN)?;
                self.history = Some(history);
                Ok(())
            }
            _ if self.access == Access::Read => Err(CloseReason::READ_ONLY),
            (_, Ok(TerminalCommand::Resize(cols, rows))) => {
                self.terminal.resize(clamp(cols), clamp(rows)).map_err(|_| CloseReason::DONE)
            }
            (Inbound::Binary(bytes), _) => {
                self.typed.extend_from_slice(bytes);
                self.write_typed()
            }
            (Inbound::Text(_), Err(reason)) => Err(reason),
        }
    }

    fn source(&self) -> Option<BorrowedFd<'_>> {
        Some(self.terminal.as_fd())
    }

    fn source_events(&self) -> PollFlags {
        if self.typed.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    fn is_full(&self) -> bool {
        self.typed.len() > QUEUE_BYTES || self.history.is_some()
    }
}
