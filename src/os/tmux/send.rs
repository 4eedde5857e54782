//! Types into a pane of ours: a text, and Enter.

use std::process::Stdio;

use crate::model::run_id::RunId;
use crate::os::ids;
use crate::os::tmux::client::ClientFailure;
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Tmux, quote};

const YES: &str = "dispatch-yes";
const NO: &str = "dispatch-no";
const WITHHELD: &str = "dispatch-withheld";
const CLOSED: &str = "dispatch-closed";

/// Whether a text is sent as a bracketed paste.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    /// If the pane's program has enabled it, which tmux knows.
    AsAsked,
    /// The program is known to support it.
    Always,
}

/// The result of typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Yes,
    /// Nothing was sent: the screen matched the pattern.
    Withheld,
    /// The pane's input is switched off.
    InputOff,
    /// The pane is not the run's, or its process has ended.
    Gone,
}

impl Tmux {
    /// Pastes `text`, byte for byte, unless the screen matches the pattern `unless`.
    pub fn paste(
        &self,
        pane: &str,
        run: &RunId,
        text: &[u8],
        brackets: Brackets,
        unless: Option<&str>,
    ) -> Result<Typed, TmuxError> {
        // tmux stores no empty buffer.
        if text.is_empty() {
            return Ok(Typed::Yes);
        }
        match brackets {
            // Copy mode would hide that the program has enabled bracketed paste, so it is left first.
            Brackets::AsAsked => {
                self.put(pane, run, text, &format!("copy-mode -q -t {pane} ; paste-buffer -p"), unless)
            }
            Brackets::Always => {
                let text = [b"\x1b[200~", text, b"\x1b[201~"].concat();
                self.put(pane, run, &text, "paste-buffer", unless)
            }
        }
    }

    /// Presses Enter, unless the screen matches the pattern `unless`.
    pub fn press_enter(&self, pane: &str, run: &RunId, unless: Option<&str>) -> Result<Typed, TmuxError> {
        // Sent as a byte, not as a key: in copy mode tmux would handle the key itself.
        self.put(pane, run, b"\r", "paste-buffer", unless)
    }

    /// Writes `bytes` to the pane by one client, which checks owner and screen of the pane in the same call. `command`
    /// ends with tmux's `paste-buffer` and its options.
    fn put(
        &self,
        pane: &str,
        run: &RunId,
        bytes: &[u8],
        command: &str,
        unless: Option<&str>,
    ) -> Result<Typed, TmuxError> {
        if !quote::is_pane_id(pane) {
            return Ok(Typed::Gone);
        }
        // Through a buffer made for this call: an argument of a command cannot hold every byte.
        let buffer = format!("dispatch-{}", ids::new_random_name());
        let lives = format!("#{{&&:#{{==:#{{pane_dead}},0}},{}}}", quote::is_run(run));
        let paste = format!("{command} -r -d -b {buffer} -t {pane} ; display-message -p {YES}");
        let forget = |word: &str| format!("delete-buffer -b {buffer} ; display-message -p {word}");
        let paste = match unless {
            None => paste,
            Some(pattern) => {
                let shows = quote::word(&format!("#{{C/r:{pattern}}}"));
                let (withhold, paste) = (quote::word(&forget(WITHHELD)), quote::word(&paste));
                format!("if-shell -F -t {pane} {shows} {withhold} {paste}")
            }
        };
        // With the input off, tmux would drop the bytes without an error.
        let (closed, open) = (quote::word(&forget(CLOSED)), quote::word(&paste));
        let paste = format!("if-shell -F -t {pane} '#{{pane_input_off}}' {closed} {open}");
        let refuse = forget(NO);
        let load = ["load-buffer", "-b", &buffer, "-", ";"];
        let args = [&load[..], &["if-shell", "-F", "-t", pane, &lives, &paste, &refuse]].concat();
        let reply = self.start_client(None, &args, Stdio::piped())?.finish(bytes)?;
        let text = reply.stdout_text();
        let says = |word: &str| text.lines().any(|line| line == word);
        match ClientFailure::read(&reply.stderr) {
            _ if says(YES) => Ok(Typed::Yes),
            _ if says(WITHHELD) => Ok(Typed::Withheld),
            _ if says(CLOSED) => Ok(Typed::InputOff),
            _ if says(NO) => Ok(Typed::Gone),
            ClientFailure::NoServer => Ok(Typed::Gone),
            _ => Err(self.failure("paste-buffer", "", &reply)),
        }
    }
}
