//! Notices by the terminal emulator, for SSH sessions and containers without a desktop: escape sequences, written
//! directly to the terminals of tmux clients.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The sequence that shows a notice in a terminal of this `kind` (the name that it reports, else its `TERM`). Other
/// terminals ignore it.
pub fn sequence(kind: &str, title: &str, text: &str) -> Vec<u8> {
    let kind = kind.to_ascii_lowercase();
    // iTerm2 and kitty support sequence 9, which has one text; most others support 777 or none. Only one is sent: some
    // terminals would show two notices. It ends with ST: terminals that support neither would ring at BEL.
    let body = if ["iterm", "kitty"].iter().any(|name| kind.contains(name)) {
        format!("9;{}: {}", plain(title), plain(text))
    } else {
        // The first text ends at the first `;`.
        format!("777;notify;{};{}", plain(title).replace(';', ","), plain(text))
    };
    format!("\x1b]{body}\x1b\\").into_bytes()
}

/// One line without control characters, which could end the sequence or start another.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Writes to one of the user's terminals. Does not block on a terminal that accepts no output.
pub fn write(terminal: &Path, sequence: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let mut file = OpenOptions::new().write(true).custom_flags(flags).open(terminal)?;
    let meta = file.metadata()?;
    if !meta.file_type().is_char_device() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is not a terminal of this user"));
    }
    file.write_all(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_gets_the_one_that_it_knows_and_no_text_ends_it() {
        let shown = |kind: &str, title: &str, text: &str| String::from_utf8(sequence(kind, title, text)).unwrap();
        assert_eq!(shown("iTerm2 3.5", "a", "b"), "\x1b]9;a: b\x1b\\");
        assert_eq!(shown("xterm-kitty", "a", "b"), "\x1b]9;a: b\x1b\\");
        assert_eq!(shown("WezTerm 2024", "a", "b;c"), "\x1b]777;notify;a;b;c\x1b\\");
        assert_eq!(shown("", "a;b", "\x1b\\\x07\u{9c}\nx"), "\x1b]777;notify;a,b; \\   x\x1b\\");
    }
}
