//! The version of the installed git.

use std::path::Path;

use crate::os::git::error::GitError;
use crate::os::git::{command, said};

/// The oldest supported git: the first with `--pathspec-from-file`.
pub const FLOOR: (u32, u32) = (2, 26);

/// The version as two numbers, and as git prints it.
pub fn version() -> Result<((u32, u32), String), GitError> {
    let root = Path::new("/");
    let text = said(command(root).arg("version"), "version", root)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let odd = || GitError::Failed { command: "version", stderr: format!("`{}` is not a version", text.escape_debug()) };
    parse(&text).ok_or_else(odd)
}

/// `git version 2.39.5 (Apple Git-154)`.
fn parse(text: &str) -> Option<((u32, u32), String)> {
    let word = text.trim().strip_prefix("git version ")?.split(' ').next()?;
    let mut numbers = word.split('.');
    let (major, minor) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(((major, minor), word.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(parse("git version 2.39.5 (Apple Git-154)\n"), Some(((2, 39), "2.39.5".to_owned())));
        assert_eq!(parse("git version 2.9.rc0.windows"), Some(((2, 9), "2.9.rc0.windows".to_owned())));
        assert_eq!(parse("hub"), None);
        assert!((2, 9) < FLOOR && (2, 26) >= FLOOR && (3, 0) > FLOOR);
    }
}
