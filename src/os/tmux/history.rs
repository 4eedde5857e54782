//! What has scrolled out of the pane that a client shows. No mode of tmux is entered, so that nothing
//! changes for other clients of the pane.

use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Tmux, quote};

impl Tmux {
    /// Up to `lines` lines above the screen of the pane that the client with this process id shows, and the
    /// screen itself, with colours as escape sequences. `None` where the client or its pane is gone.
    pub fn history_shown_by(&self, client: u32, lines: u32) -> Result<Option<Vec<u8>>, TmuxError> {
        let Some(text) = self.query_text("", &["list-clients", "-F", "#{client_pid} #{pane_id}"])? else {
            return Ok(None);
        };
        let client = client.to_string();
        let pane = text.lines().filter_map(|line| line.split_once(' ')).find(|(pid, _)| *pid == client);
        let Some((_, pane)) = pane.filter(|(_, pane)| quote::is_pane_id(pane)) else { return Ok(None) };
        let captured = self.query(&["capture-pane", "-p", "-e", "-S", &format!("-{lines}"), "-t", pane])?;
        // Between the two calls the pane may have gone.
        Ok(captured.ok.then_some(captured.stdout))
    }
}
