//! Notices of a terminal emulator, for who works where no desktop is reached (SSH, a container):
//! escape sequences that pass tmux by, written to the terminals of its clients.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The sequence that the terminal called `kind` shows as a notice; others ignore it. `kind` is what
/// it says of itself, else its `TERM`.
pub fn sequence(kind: &str, title: &str, text: &str) -> Vec<u8> {
    let kind = kind.to_ascii_lowercase();
    // iTerm2 and kitty know 9, which has one text; most that know any know 777. Never both: some
    // would show two notices. Ended by ST: a bell would ring in those that know neither.
    let body = if ["iterm", "kitty"].iter().any(|name| kind.contains(name)) {
        format!("9;{}: {}", plain(title), plain(text))
    } else {
        // Its first text ends at the first `;`.
        format!("777;notify;{};{}", plain(title).replace(';', ","), plain(text))
    };
    format!("\x1b]{body}\x1b\\").into_bytes()
}

/// One line without anything that ends a sequence or begins another.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Writes to a terminal of ours, without waiting for one that takes nothing.
pub fn write(terminal: &Path, sequence: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let mut file = OpenOptions::new().write(true).custom_flags(flags).open(terminal)?;
    let meta = file.metadata()?;
    if !meta.file_type().is_char_device() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is no terminal of ours"));
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
