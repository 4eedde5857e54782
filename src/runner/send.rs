//! Text into the window of an interactive run, as if typed and entered.

use crate::model::run::Run;
use crate::runner::ledger::Ledger;
use crate::runner::window::WindowError;

impl Ledger {
    /// Types `text` byte for byte and then Enter. `Gone` too where the window went meanwhile:
    /// then nothing was typed.
    pub fn send(&self, run: &Run, text: &[u8]) -> Result<(), WindowError> {
        let window = self.window_of(run)?;
        if window.tmux.send(&window.place.pane_id, run.id(), text)? {
            Ok(())
        } else {
            Err(WindowError::Gone { pair: run.pair() })
        }
    }
}
