//! Ends panes of ours, and reads the last screen of a pane.

use std::collections::HashMap;

use crate::model::run_id::RunId;
use crate::os::ids;
use crate::os::tmux::client::ClientFailure;
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Tmux, quote};

/// In panes. A call holds at most 16 KiB; one guarded command takes less than 200 bytes.
const PER_CALL: usize = 64;
/// In panes: the commands for a screen take three times as much.
const SCREENS_PER_CALL: usize = 20;
const YES: &str = "dispatch-yes";
const DEAD: &str = "dispatch-dead";
const NO: &str = "dispatch-no";

/// The result for one pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    Killed,
    /// No pane has this id, or it belongs to another run: nothing was changed.
    Refused,
}

impl Tmux {
    /// Kills each pane that still is its run's, by one client for up to 64 panes. The results are in order. tmux only
    /// sends SIGHUP: end the process tree first if all of it must end.
    pub fn kill_panes(&self, guards: &[(&str, &RunId)]) -> Result<Vec<Killed>, TmuxError> {
        let mut answers = Vec::with_capacity(guards.len());
        for some in guards.chunks(PER_CALL) {
            answers.extend(self.kill_some(some)?);
        }
        Ok(answers)
    }

    /// Removes the hooks that run when the processes of these panes end: the caller ends and records them itself.
    pub fn unhook_panes(&self, guards: &[(&str, &RunId)]) -> Result<(), TmuxError> {
        for some in guards.chunks(PER_CALL) {
            let unhook = |pane: &str| format!("set-hook -p -u -t {pane} pane-died");
            let args = guarded(some, |pane, _| unhook(pane));
            if !args.is_empty() {
                self.client(&args)?;
            }
        }
        Ok(())
    }

    fn kill_some(&self, guards: &[(&str, &RunId)]) -> Result<Vec<Killed>, TmuxError> {
        let mut args: Vec<String> = Vec::new();
        for (pane, run) in guards {
            if !quote::is_pane_id(pane) {
                args.extend(["display-message", "-p", NO, ";"].map(str::to_owned));
                continue;
            }
            // The reply is printed before the kill: a server exits with its last pane.
            let kill = format!("display-message -p {YES} ; kill-pane -t {pane}");
            let refuse = format!("display-message -p {NO}");
            args.extend(["if-shell", "-F", "-t", pane].map(str::to_owned));
            args.extend([quote::is_run(run), kill, refuse, ";".to_owned()]);
        }
        args.pop();
        let reply = self.client(&args)?;
        let text = reply.stdout_text();
        let mut answers: Vec<Killed> = text
            .lines()
            .filter_map(|line| match line {
                YES => Some(Killed::Killed),
                NO => Some(Killed::Refused),
                _ => None,
            })
            .collect();
        if answers.len() != guards.len() {
            match ClientFailure::read(&reply.stderr) {
                // The server exited with the last pane, or did not run.
                ClientFailure::NoServer | ClientFailure::ServerEnds => answers.resize(guards.len(), Killed::Refused),
                _ => return Err(self.failure("kill-pane", "", &reply)),
            }
        }
        Ok(answers)
    }

    /// The visible screen of a run's pane as plain text; `None` if the pane is not the run's.
    pub fn capture(&self, pane: &str, run: &RunId) -> Result<Option<String>, TmuxError> {
        self.captured(pane, run, "")
    }

    /// As [`Tmux::capture`], with colours and attributes as escape sequences.
    pub fn capture_styled(&self, pane: &str, run: &RunId) -> Result<Option<String>, TmuxError> {
        self.captured(pane, run, "-e ")
    }

    /// The screens of many dead panes, by few clients. A pane that is not its run's is omitted.
    pub fn capture_many(&self, panes: &[(String, RunId)]) -> Result<HashMap<RunId, String>, TmuxError> {
        let mut screens = HashMap::new();
        for some in panes.chunks(SCREENS_PER_CALL) {
            // A new id separates the screens: no screen can contain it.
            let mark = format!("{YES}-{}", ids::new_run_id());
            let args = guarded(some, |pane, run| {
                format!("display-message -p -t {pane} '{mark} {run} {}' ; {}", state(), show(pane, ""))
            });
            let reply = self.client(&args)?;
            let text = reply.stdout_text();
            for part in text.split(&format!("{mark} ")).skip(1) {
                if let Some((head, screen)) = part.split_once('\n')
                    && let Some((run, state)) = head.split_once(' ')
                    && let Some(run) = RunId::parse(run)
                {
                    screens.insert(run, program_output(state, screen));
                }
            }
        }
        Ok(screens)
    }

    fn captured(&self, pane: &str, run: &RunId, how: &str) -> Result<Option<String>, TmuxError> {
        if !quote::is_pane_id(pane) {
            return Ok(None);
        }
        let show = format!("display-message -p -t {pane} '{}' ; {}", state(), show(pane, how));
        let refuse = format!("display-message -p {NO}");
        let reply = self.client(&["if-shell", "-F", "-t", pane, &quote::is_run(run), &show, &refuse])?;
        let text = reply.stdout_text();
        match text.split_once('\n') {
            Some((state @ (YES | DEAD), screen)) if reply.ok => Ok(Some(program_output(state, screen))),
            Some((NO, _)) => Ok(None),
            _ => match self.failure("capture-pane", "", &reply) {
                TmuxError::NoServer { .. } => Ok(None),
                error => Err(error),
            },
        }
    }
}
/// Arguments of one call that runs `command` on each pane that still is its run's.
fn guarded<P: AsRef<str>, R: std::borrow::Borrow<RunId>>(
    panes: &[(P, R)],
    command: impl Fn(&str, &RunId) -> String,
) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    for (pane, run) in panes.iter().filter(|(pane, _)| quote::is_pane_id(pane.as_ref())) {
        let (pane, run) = (pane.as_ref(), run.borrow());
        args.extend(["if-shell", "-F", "-t", pane].map(str::to_owned));
        args.extend([quote::is_run(run), command(pane, run), ";".to_owned()]);
    }
    args.pop();
    args
}

/// The command that prints the visible screen of a pane.
fn show(pane: &str, how: &str) -> String {
    // tmux scrolls a dead pane by one line to print that it is dead; that line may be all of the output.
    let scrolled = "#{&&:#{pane_dead},#{==:#{alternate_on},0}}";
    let capture = format!("capture-pane -p {how}-t {pane}");
    format!("if-shell -F -t {pane} '{scrolled}' '{capture} -S -1' '{capture}'")
}

/// A format: `DEAD` if tmux has printed that the pane is dead, which it does once it knows how the process ended; else
/// `YES`.
fn state() -> String {
    let written = "#{&&:#{pane_dead},#{!=:#{pane_dead_status}#{pane_dead_signal},}}";
    format!("#{{?{written},{DEAD},{YES}}}")
}

/// The screen without the last row of a dead pane, where tmux prints its own message, far below a short output.
fn program_output(state: &str, screen: &str) -> String {
    let rows = screen.strip_suffix('\n').unwrap_or(screen);
    let own = if state == DEAD { rows.rfind('\n').map_or("", |end| &rows[..end]) } else { rows };
    own.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_of_a_dead_pane_is_not_the_programs() {
        assert_eq!(program_output(DEAD, "first\nlast words\n\n\nPane is dead (status 6)\n"), "first\nlast words");
        assert_eq!(program_output(DEAD, "Pane is dead (status 6)\n"), "");
        assert_eq!(program_output(YES, "first\n\nlast\n\n"), "first\n\nlast");
    }
}
