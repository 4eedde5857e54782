//! Types into a pane of ours: a text, and Enter.

use std::process::Stdio;

use crate::model::run_id::RunId;
use crate::system::ids;
use crate::system::tmux::client::Complaint;
use crate::system::tmux::error::TmuxError;
use crate::system::tmux::{Tmux, quote};

const YES: &str = "dispatch-yes";
const NO: &str = "dispatch-no";
const WITHHELD: &str = "dispatch-withheld";
const CLOSED: &str = "dispatch-closed";

/// What a pane does with a text of several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    /// Put around it where its program asked for them, which tmux knows.
    AsAsked,
    /// It is known to take them.
    Always,
}

/// Whether it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Yes,
    /// The screen held what must not be typed into.
    Withheld,
    /// The pane takes no input: somebody switched it off.
    InputOff,
    /// The pane is not the run's, or its process has ended.
    Gone,
}

impl Tmux {
    /// Pastes `text`, byte for byte, unless the screen holds a match of the pattern `unless`.
    pub fn paste(
        &self,
        pane: &str,
        run: &RunId,
        text: &[u8],
        brackets: Brackets,
        unless: Option<&str>,
    ) -> Result<Typed, TmuxError> {
        // tmux keeps no empty buffer.
        if text.is_empty() {
            return Ok(Typed::Yes);
        }
        match brackets {
            // A mode of tmux's own (somebody reads back) would hide that the program asked for them.
            Brackets::AsAsked => self.put(pane, run, text, &format!("copy-mode -q -t {pane} ; "), "-p", unless),
            Brackets::Always => {
                let text = [b"\x1b[200~", text, b"\x1b[201~"].concat();
                self.put(pane, run, &text, "", "", unless)
            }
        }
    }

    /// Presses Enter, under the same condition.
    pub fn press_enter(&self, pane: &str, run: &RunId, unless: Option<&str>) -> Result<Typed, TmuxError> {
        // As a byte and not as a key: where somebody reads back, tmux would take the key for itself.
        self.put(pane, run, b"\r", "", "", unless)
    }

    /// Writes `bytes` to the pane, by one client: whose pane it is and what it shows is looked at in the
    /// same moment.
    fn put(
        &self,
        pane: &str,
        run: &RunId,
        bytes: &[u8],
        first: &str,
        flag: &str,
        unless: Option<&str>,
    ) -> Result<Typed, TmuxError> {
        if !quote::is_pane_id(pane) {
            return Ok(Typed::Gone);
        }
        // The text goes through a buffer of this call: no word of a command can carry every byte.
        let buffer = format!("dispatch-{}", ids::new_random_name());
        let lives = format!("#{{&&:#{{==:#{{pane_dead}},0}},{}}}", quote::is_run(run));
        let paste = format!("{first}paste-buffer {flag} -r -d -b {buffer} -t {pane} ; display-message -p {YES}");
        let forget = |word: &str| format!("delete-buffer -b {buffer} ; display-message -p {word}");
        let paste = match unless {
            None => paste,
            Some(pattern) => {
                let shows = quote::word(&format!("#{{C/r:{pattern}}}"));
                let (withhold, paste) = (quote::word(&forget(WITHHELD)), quote::word(&paste));
                format!("if-shell -F -t {pane} {shows} {withhold} {paste}")
            }
        };
        // tmux would throw the bytes away without a word.
        let (closed, open) = (quote::word(&forget(CLOSED)), quote::word(&paste));
        let paste = format!("if-shell -F -t {pane} '#{{pane_input_off}}' {closed} {open}");
        let refuse = forget(NO);
        let load = ["load-buffer", "-b", &buffer, "-", ";"];
        let args = [&load[..], &["if-shell", "-F", "-t", pane, &lives, &paste, &refuse]].concat();
        let reply = self.start(None, &args, Stdio::piped())?.finish(bytes)?;
        let said = reply.stdout_text();
        let says = |word: &str| said.lines().any(|line| line == word);
        match Complaint::read(&reply.stderr) {
            _ if says(YES) => Ok(Typed::Yes),
            _ if says(WITHHELD) => Ok(Typed::Withheld),
            _ if says(CLOSED) => Ok(Typed::InputOff),
            _ if says(NO) => Ok(Typed::Gone),
            Complaint::NoServer => Ok(Typed::Gone),
            _ => Err(self.failure("paste-buffer", "", &reply)),
        }
    }
}
