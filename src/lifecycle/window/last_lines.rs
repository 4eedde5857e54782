//! The last lines that a window shows or a job wrote, as plain text.

use std::io;
use std::io::Read as _;

use crate::agents::is_bidi_control;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::attach;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::tmux::TmuxError;
use crate::store::logs::reader::LogStream;

/// Bytes of a log that are searched for its last lines.
const LOG_END: u64 = 8 * 1024;

/// The last `count` lines with a letter or a digit on the run's screen. Fails if tmux does not answer.
pub fn last_lines(store: &Store, run: &Run, count: usize) -> Result<Vec<String>, TmuxError> {
    let screen = attach::screen(store, run)?.unwrap_or_default();
    Ok(last(&String::from_utf8_lossy(&screen), count))
}

/// The last `count` such lines that a job wrote to its standard output. Fails if the log cannot be read.
pub fn last_logged(store: &Store, id: &RunId, count: usize) -> io::Result<Vec<String>> {
    let log = attach::log(store, id, LogStream::Stdout)?;
    let length = log.length();
    let mut text = Vec::new();
    log.part(length.saturating_sub(LOG_END), LOG_END).read_to_end(&mut text)?;
    Ok(last(&String::from_utf8_lossy(&text), count))
}

/// Lines without letters and digits are blank or frames. Characters that a terminal would obey are left out.
fn last(screen: &str, count: usize) -> Vec<String> {
    let visible = |line: &str| line.chars().filter(|c| !c.is_control() && !is_bidi_control(*c)).collect::<String>();
    let mut lines: Vec<String> = screen
        .lines()
        .rev()
        .map(|line| visible(line).trim_end().to_owned())
        .filter(|line| line.contains(char::is_alphanumeric))
        .take(count)
        .collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_frames_do_not_count() {
        let screen = "one\ntwo  \n\n  ╭────╮\nthree \u{1b}\u{202e}?\n   \n\n";
        assert_eq!(last(screen, 2), ["two", "three ?"]);
        assert_eq!(last(screen, 9), ["one", "two", "three ?"]);
        assert_eq!(last("\n\n", 6), Vec::<String>::new());
    }
}
