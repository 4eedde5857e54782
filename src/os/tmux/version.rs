//! The version of the installed tmux, by `tmux -V`, which contacts no server.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::os::tmux::client::RunningClient;
use crate::os::tmux::error::TmuxError;

/// The oldest supported tmux.
pub const FLOOR: TmuxVersion = TmuxVersion::Release { major: 3, minor: 2, suffix: String::new() };

/// A version as tmux prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TmuxVersion {
    /// `3.3a`, and `next-3.6` (what will become 3.6) as 3.6 with the suffix `-next`.
    Release { major: u32, minor: u32, suffix: String },
    /// `master` or `openbsd-7.6`: numbered differently, and newer than any floor.
    Other(String),
}

impl TmuxVersion {
    /// Parses `tmux 3.3a` or `3.3a`; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let word = text.strip_prefix("tmux ").unwrap_or(text).trim();
        if word == "master" || word.starts_with("openbsd-") {
            return Some(Self::Other(word.to_owned()));
        }
        let (numbers, next) = match word.strip_prefix("next-") {
            Some(rest) => (rest, true),
            None => (word, false),
        };
        let (major, rest) = numbers.split_once('.')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (minor, suffix) = rest.split_at(digits);
        let suffix = if next { format!("{suffix}-next") } else { suffix.to_owned() };
        Some(Self::Release { major: major.parse().ok()?, minor: minor.parse().ok()?, suffix })
    }

    pub fn is_supported(&self) -> bool {
        self.numbers() >= FLOOR.numbers()
    }

    /// Whether it reports the signal that ended a pane (3.3 and newer).
    pub fn tells_signals(&self) -> bool {
        self.numbers() >= (3, 3)
    }

    fn numbers(&self) -> (u32, u32) {
        match self {
            Self::Release { major, minor, .. } => (*major, *minor),
            Self::Other(_) => (u32::MAX, 0),
        }
    }
}

impl fmt::Display for TmuxVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { major, minor, suffix } => write!(f, "{major}.{minor}{suffix}"),
            Self::Other(word) => f.write_str(word),
        }
    }
}

/// The installed tmux. Starts one process; for `doctor` and to explain a failure.
pub fn version() -> Result<TmuxVersion, TmuxError> {
    let mut command = Command::new("tmux");
    command.arg("-V");
    let client = RunningClient::start(&mut command, Stdio::null(), Duration::from_secs(5), "-V".to_owned())?;
    let printed = client.finish(b"")?.stdout_text();
    TmuxVersion::parse(&printed).ok_or_else(|| TmuxError::Unknown {
        command: "-V".to_owned(),
        stderr: format!("`{}` is not a version", printed.trim().escape_debug()),
    })
}

/// Fails with [`TmuxError::TooOld`] if the installed tmux is not supported.
pub(super) fn require_supported() -> Result<(), TmuxError> {
    let found = version()?;
    if found.is_supported() { Ok(()) } else { Err(TmuxError::TooOld { found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supported(text: &str) -> bool {
        TmuxVersion::parse(text).unwrap().is_supported()
    }

    #[test]
    fn reads_every_way_tmux_names_itself() {
        for (text, shown) in [
            ("tmux 3.3a\n", "3.3a"),
            ("tmux next-3.6", "3.6-next"),
            ("tmux master", "master"),
            ("tmux openbsd-7.6", "openbsd-7.6"),
            ("3.10", "3.10"),
        ] {
            assert_eq!(TmuxVersion::parse(text).unwrap().to_string(), shown);
        }
        assert_eq!(TmuxVersion::parse("screen"), None);
        assert_eq!(TmuxVersion::parse(""), None);
    }

    #[test]
    fn the_floor_is_3_2() {
        assert!(supported("tmux 3.2") && supported("tmux 3.10") && supported("tmux next-3.3") && supported("4.0"));
        assert!(!supported("tmux 3.1c") && !supported("tmux 2.9") && !supported("tmux 1.8"));
        assert_eq!(FLOOR.to_string(), "3.2");
    }
}
