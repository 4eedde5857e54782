//! Quoting for tmux's command parser, its formats, and `sh`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::model::run_id::RunId;
use crate::os::tmux::EXEC_WORD;

/// One word for tmux's command parser or for `sh`: both read single quotes alike.
pub(super) fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Commands as arguments of a client. A word `;` separates commands, and so would a `;` at the end of another word.
pub(super) fn arguments(words: &[OsString]) -> Vec<OsString> {
    words.iter().map(|word| if word == ";" { word.clone() } else { argument(word) }).collect()
}

fn argument(text: &OsStr) -> OsString {
    let bytes = text.as_bytes();
    match bytes.split_last() {
        Some((b';', head)) => OsString::from_vec([head, br"\;"].concat()),
        _ => text.to_owned(),
    }
}

/// A condition that is true if the pane was started for this run.
pub(super) fn is_run(run: &RunId) -> String {
    // A run id holds no character that a format or a pattern treats as special.
    format!("#{{m:* {EXEC_WORD} *{run}*,#{{pane_start_command}}}}")
}

/// Whether `text` is `%` and digits, the only form in which a pane is addressed.
pub(super) fn is_pane_id(text: &str) -> bool {
    text.strip_prefix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `text` is `@` and digits.
pub(super) fn is_window_id(text: &str) -> bool {
    text.strip_prefix('@').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_semicolon_stays_a_character() {
        for (given, passed) in [("a;", r"a\;"), (";", r"\;"), ("a;b", "a;b"), ("", "")] {
            assert_eq!(argument(OsStr::new(given)), OsStr::new(passed));
        }
    }

    #[test]
    fn only_ids_are_addresses() {
        assert!(is_pane_id("%12") && is_window_id("@0"));
        for bad in ["", "%", "12", "%1;", "%-1", "%1.2", "@", "=s:", "-1"] {
            assert!(!is_pane_id(bad) && !is_window_id(bad), "{bad}");
        }
    }
}
