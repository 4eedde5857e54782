//! The output and the bell of a pane, and when a client last showed it, as far as tmux and the terminal record these.
//!
//! tmux's own `window_activity` is the last output *or* the last time that a client switched to the window. Its bell
//! flag is not set while a client shows the window, and is cleared when one does. So a session that we create records
//! both times as options of a run's window. Must not judge what they mean.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::os::tmux::{EXEC_WORD, quote};

/// The part of a listing's format. A value that another program damaged is read as missing and never breaks the line.
pub(super) const ACTIVITY: &str = "#{window_activity} #{window_bell_flag} #{window_panes} \
                               #{?@dispatch_bell,#{e|+:0,#{@dispatch_bell}},0} \
                               #{?@dispatch_seen,#{e|+:0,#{@dispatch_seen}},0} #{pane_tty}";
const BELL_TIME: &str = "@dispatch_bell";
const SEEN_TIME: &str = "@dispatch_seen";
/// The option of a pane that holds the shell command to run at its bell.
pub(super) const BELL_COMMAND: &str = "@dispatch_rings";

/// The activity of a live pane. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneActivity {
    /// The last output in its window, or the last time that a client switched to it.
    pub active: i64,
    /// A bell rang while no client showed the window, and no client has shown it since.
    pub flagged: bool,
    /// Panes in its window: the values of the window are shared by all of them.
    pub panes: u32,
    /// When its bell last rang, if recorded.
    pub bell_at: Option<i64>,
    /// When a client last switched to it, if recorded.
    pub seen: Option<i64>,
    /// Its terminal.
    pub tty: PathBuf,
}

impl PaneActivity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(6, ' ');
        let active = words.next()?.parse().ok()?;
        let flagged = words.next()? == "1";
        let panes = words.next()?.parse().ok()?;
        let mut noted = || words.next().map(|word| word.parse().ok().filter(|at| *at > 0));
        let (bell_at, seen) = (noted()?, noted()?);
        Some(Self { active, flagged, panes, bell_at, seen, tty: words.next()?.into() })
    }

    /// A lower bound of the last write to its terminal, in seconds since 1970: Linux updates this time at most every
    /// eight seconds.
    pub fn written(&self) -> Option<i64> {
        std::fs::metadata(&self.tty).ok().map(|terminal| terminal.mtime())
    }
}

/// Commands that make a session record these times; none for a hook that the user has set, which ours would replace.
/// They print nothing and cannot fail: tmux would show either on the user's screen.
pub(super) fn note_in(session: &str) -> String {
    let session = quote::word(session);
    let is_run = quote::word(&format!("#{{m:* {EXEC_WORD} *,#{{pane_start_command}}}}"));
    let run = format!("run-shell -b {}", quote::word(&format!("#{{{BELL_COMMAND}}}")));
    let run = format!(" ; if-shell -F {} {}", quote::word(&format!("#{{{BELL_COMMAND}}}")), quote::word(&run));
    let hooks = [("alert-bell", BELL_TIME, run.as_str()), ("session-window-changed", SEEN_TIME, "")];
    let hooks = hooks.map(|(hook, note, then)| {
        let command = format!("if-shell -F {is_run} {}", quote::word(&format!("{}{then}", set("", note))));
        let set_hook = format!("set-hook -t {session} {hook} {}", quote::word(&command));
        format!("if-shell -F -t {session} '#{{{hook}[0]}}' '' {}", quote::word(&set_hook))
    });
    hooks.join(" ; ")
}

/// The command that records that our client switched to a run's window. `target` is quoted.
pub(super) fn note_seen(target: &str) -> String {
    set(&format!("-t {target} "), SEEN_TIME)
}

fn set(target: &str, note: &str) -> String {
    format!("set-option -w {target}-F {note} {}", quote::word("#{window_activity}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_noted_is_not_there() {
        let talk = PaneActivity::parse("1700000000 1 2 0 0 /dev/pts/7").unwrap();
        assert_eq!(
            (talk.active, talk.flagged, talk.panes, talk.bell_at, talk.seen),
            (1_700_000_000, true, 2, None, None)
        );
        let talk = PaneActivity::parse("5 0 1 4 3 /a b").unwrap();
        assert_eq!((talk.flagged, talk.bell_at, talk.seen, talk.tty), (false, Some(4), Some(3), "/a b".into()));
        // A value that is no number, and a number that is no time.
        let talk = PaneActivity::parse("5 0 1  -9223372036854775808 /dev/pts/7").unwrap();
        assert_eq!((talk.bell_at, talk.seen), (None, None));
        assert_eq!(PaneActivity::parse(""), None);
    }
}
