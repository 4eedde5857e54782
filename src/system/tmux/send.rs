//! Types into a pane of ours.

use std::process::Stdio;

use crate::model::run_id::RunId;
use crate::system::ids;
use crate::system::tmux::client::Complaint;
use crate::system::tmux::error::TmuxError;
use crate::system::tmux::{Tmux, quote};

const YES: &str = "dispatch-yes";
const NO: &str = "dispatch-no";

impl Tmux {
    /// Types `text` and Enter into the run's pane, by one client. False, and nothing is typed, where
    /// the pane is not the run's or its process has ended.
    pub fn send(&self, pane: &str, run: &RunId, text: &[u8]) -> Result<bool, TmuxError> {
        if !quote::is_pane_id(pane) {
            return Ok(false);
        }
        // The text goes through a buffer of this call: no word of a command can carry every byte.
        let buffer = format!("dispatch-{}", ids::new_random_name());
        let lives = format!("#{{&&:#{{==:#{{pane_dead}},0}},{}}}", quote::is_run(run));
        let mut args: Vec<&str> = Vec::new();
        let (mut paste, mut forget) = (String::new(), String::new());
        // tmux keeps no empty buffer.
        if !text.is_empty() {
            args.extend(["load-buffer", "-b", &buffer, "-", ";"]);
            // In brackets where the program asked for them: then lines stay one text.
            paste = format!("paste-buffer -p -d -b {buffer} -t {pane} ; ");
            forget = format!("delete-buffer -b {buffer} ; ");
        }
        let send = format!("{paste}send-keys -t {pane} Enter ; display-message -p {YES}");
        let refuse = format!("{forget}display-message -p {NO}");
        args.extend(["if-shell", "-F", "-t", pane, &lives, &send, &refuse]);
        let reply = self.start(None, &args, Stdio::piped())?.finish(text)?;
        let said = reply.stdout_text();
        if said.lines().any(|line| line == YES) {
            return Ok(true);
        }
        match Complaint::read(&reply.stderr) {
            Complaint::NoServer => Ok(false),
            _ if said.lines().any(|line| line == NO) => Ok(false),
            _ => Err(self.failure("paste-buffer", "", &reply)),
        }
    }
}
