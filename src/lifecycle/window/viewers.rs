//! The terminals that show a run's window, so that they can show the window that replaces it. If tmux fails, they show
//! what tmux chooses: nothing else depends on it.

use crate::lifecycle::window::window_of;
use crate::model::run::Run;
use crate::os::tmux::{Client, Tmux, TmuxError};

pub(crate) struct Viewers {
    clients: Vec<Client>,
}

impl Viewers {
    /// The clients that show the window of `run`, which may have ended. Views for browsers end with their window.
    pub(crate) fn of(run: &Run) -> Self {
        let clients = run.facts.socket.clone().map(|socket| showing(&Tmux::new(socket), run));
        let clients = clients.transpose().unwrap_or_else(|error| {
            tracing::warn!(%error, run = %run.id(), "it is not known which terminals show the window");
            None
        });
        Self { clients: clients.unwrap_or_default() }
    }

    /// Shows the window of `run` to them.
    pub(crate) fn show(&self, run: &Run) {
        if self.clients.is_empty() {
            return;
        }
        match window_of(run) {
            Ok(window) => {
                for client in &self.clients {
                    if let Err(error) = window.tmux.show_in(client, &window.place, run.id()) {
                        tracing::warn!(%error, tty = client.tty, "a terminal does not show the new window");
                    }
                }
            }
            // Queued, or it has ended.
            Err(error) => tracing::debug!(%error, "there is no new window to show"),
        }
    }
}

fn showing(tmux: &Tmux, run: &Run) -> Result<Vec<Client>, TmuxError> {
    let Some(place) = tmux.pane_location(run.id(), run.facts.session.as_deref())? else { return Ok(Vec::new()) };
    let mut clients = tmux.clients()?;
    clients.retain(|client| client.window_id == place.window_id && !client.is_view());
    Ok(clients)
}
