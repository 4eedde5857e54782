//! How a pane's program and the user talk: what tmux and the terminal itself remember of output,
//! of the bell and of who turned to the window.
//!
//! tmux's own `window_activity` is the last output *or* the last time that a client turned to the
//! window, and its bell flag is neither set while somebody looks nor kept once somebody did. So a
//! session that we make notes both times, each on the window they are about, and only where the
//! window is a run's. Must not judge what any of it means.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::system::tmux::{EXEC_WORD, quote};

/// For a listing. A note that somebody else spoilt is no number, and never breaks the line.
pub(super) const TALK: &str = "#{window_activity} #{window_bell_flag} #{window_panes} \
                               #{?@dispatch_bell,#{e|+:0,#{@dispatch_bell}},0} \
                               #{?@dispatch_seen,#{e|+:0,#{@dispatch_seen}},0} #{pane_tty}";
const RUNG: &str = "@dispatch_bell";
const SEEN: &str = "@dispatch_seen";
/// On a pane whose bell is to be told: the command for `sh` that does it.
pub(super) const RINGS: &str = "@dispatch_rings";

/// What is remembered of a living pane. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// The last output in its window, or the last time that a client turned to that.
    pub active: i64,
    /// It rang while nobody looked, and nobody has looked since.
    pub flagged: bool,
    /// Panes in its window: what is said of the window is said of them all.
    pub panes: u32,
    /// When it rang last, where that was noted.
    pub rung: Option<i64>,
    /// When a client turned to it last, where that was noted.
    pub seen: Option<i64>,
    /// Its terminal.
    pub tty: PathBuf,
}

impl Talk {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(6, ' ');
        let active = words.next()?.parse().ok()?;
        let flagged = words.next()? == "1";
        let panes = words.next()?.parse().ok()?;
        let mut noted = || words.next().map(|word| word.parse().ok().filter(|at| *at > 0));
        let (rung, seen) = (noted()?, noted()?);
        Some(Self { active, flagged, panes, rung, seen, tty: words.next()?.into() })
    }

    /// When something was last written on its terminal, in seconds since 1970 and at the earliest:
    /// Linux writes down only the first of each eight seconds.
    pub fn written(&self) -> Option<i64> {
        std::fs::metadata(&self.tty).ok().map(|terminal| terminal.mtime())
    }
}

/// Commands by which a session that we have just made takes these notes. Not where the user has a
/// hook of that kind, which ours would replace. They print nothing and cannot fail: either would
/// come up on the user's screen.
pub(super) fn note_in(session: &str) -> String {
    let session = quote::word(session);
    let is_run = quote::word(&format!("#{{m:* {EXEC_WORD} *,#{{pane_start_command}}}}"));
    let tell = format!("run-shell -b {}", quote::word(&format!("#{{{RINGS}}}")));
    let tell = format!(" ; if-shell -F {} {}", quote::word(&format!("#{{{RINGS}}}")), quote::word(&tell));
    let hooks = [("alert-bell", RUNG, tell.as_str()), ("session-window-changed", SEEN, "")];
    let hooks = hooks.map(|(hook, note, then)| {
        let hears = format!("if-shell -F {is_run} {}", quote::word(&format!("{}{then}", set("", note))));
        let set_hook = format!("set-hook -t {session} {hook} {}", quote::word(&hears));
        format!("if-shell -F -t {session} '#{{{hook}[0]}}' '' {}", quote::word(&set_hook))
    });
    hooks.join(" ; ")
}

/// The command that notes a client of ours turning to a window of a run's: `target`, quoted.
pub(super) fn note_seen(target: &str) -> String {
    set(&format!("-t {target} "), SEEN)
}

fn set(target: &str, note: &str) -> String {
    format!("set-option -w {target}-F {note} {}", quote::word("#{window_activity}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_noted_is_not_there() {
        let talk = Talk::parse("1700000000 1 2 0 0 /dev/pts/7").unwrap();
        assert_eq!((talk.active, talk.flagged, talk.panes, talk.rung, talk.seen), (1_700_000_000, true, 2, None, None));
        let talk = Talk::parse("5 0 1 4 3 /a b").unwrap();
        assert_eq!((talk.flagged, talk.rung, talk.seen, talk.tty), (false, Some(4), Some(3), "/a b".into()));
        // What was no number, and one that is no time.
        let talk = Talk::parse("5 0 1  -9223372036854775808 /dev/pts/7").unwrap();
        assert_eq!((talk.rung, talk.seen), (None, None));
        assert_eq!(Talk::parse(""), None);
    }
}
