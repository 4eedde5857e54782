//! The scrollback of the pane that a client shows. Does not enter copy mode, so that nothing changes for other clients
//! of the pane.

use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Tmux, quote};

impl Tmux {
    /// The screen of the pane that the client with this process id shows, and up to `lines` lines above it, with
    /// colours as escape sequences. `None` if the client or its pane no longer exists.
    pub fn history_shown_by(&self, client: u32, lines: u32) -> Result<Option<Vec<u8>>, TmuxError> {
        let Some(text) = self.query_text("", &["list-clients", "-F", "#{client_pid} #{pane_id}"])? else {
            return Ok(None);
        };
        let client = client.to_string();
        let pane = text.lines().filter_map(|line| line.split_once(' ')).find(|(pid, _)| *pid == client);
        let Some((_, pane)) = pane.filter(|(_, pane)| quote::is_pane_id(pane)) else { return Ok(None) };
        let captured = self.query(&["capture-pane", "-p", "-e", "-S", &format!("-{lines}"), "-t", pane])?;
        // The pane may have ended between the two calls.
        Ok(captured.ok.then_some(captured.stdout))
    }
}
