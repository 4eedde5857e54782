//! What has scrolled out of the pane that a client shows, for a front end that shows it in its own way:
//! no mode of tmux is entered, so nothing changes for any other client of the pane.

use crate::system::tmux::client::Complaint;
use crate::system::tmux::error::TmuxError;
use crate::system::tmux::{Tmux, quote};

impl Tmux {
    /// Up to `lines` lines above the screen of the pane that the client with this process id shows, and the
    /// screen, with colours as escapes. `None` where the client or its pane is gone.
    pub fn history_shown_by(&self, client: u32, lines: u32) -> Result<Option<Vec<u8>>, TmuxError> {
        let clients = self.ask(&["list-clients", "-F", "#{client_pid} #{pane_id}"])?;
        if !clients.ok {
            return match Complaint::read(&clients.stderr) {
                Complaint::NoServer | Complaint::NoSession => Ok(None),
                _ => Err(self.failure("list-clients", "", &clients)),
            };
        }
        let client = client.to_string();
        let text = clients.stdout_text();
        let pane = text.lines().filter_map(|line| line.split_once(' ')).find(|(pid, _)| *pid == client);
        let Some((_, pane)) = pane.filter(|(_, pane)| quote::is_pane_id(pane)) else { return Ok(None) };
        let captured = self.ask(&["capture-pane", "-p", "-e", "-S", &format!("-{lines}"), "-t", pane])?;
        // Between the two calls the pane may have gone.
        Ok(captured.ok.then_some(captured.stdout))
    }
}
