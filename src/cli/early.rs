//! `status` starts its tmux listing before it parses its arguments.

use std::ffi::OsStr;

use crate::runner::early::{self, Early};
use crate::runner::locate::Whence;

/// `None` unless all arguments are known not to change the listing.
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
