//! `status` asks tmux first and reads its arguments while the answer is on its way.

use std::ffi::OsStr;

use crate::runner::early::{self, Early};
use crate::runner::locate::Whence;

/// Only where every word is one that does not change what is asked: else it is asked in its turn.
pub(crate) fn ask() -> Option<Early> {
    let mut words = std::env::args_os().skip(1);
    let is_status = words.next().is_some_and(|word| ["status", "list", "ls"].iter().any(|name| word == *name));
    let plain = |word: &OsStr| {
        ["--json", "-q", "--quiet", "-a", "--all", "--explain", "--tmux"].iter().any(|name| word == *name)
    };
    if !is_status || !words.all(|word| plain(&word)) {
        return None;
    }
    let folder = std::env::current_dir().ok()?;
    early::ask(&Whence { file: None, folder })
}
