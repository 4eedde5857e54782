//! Cuts a text to a few safe words.

use crate::agents::sanitize::sanitize_line;

/// The first line that is not blank, without control characters, cut at `chars` characters.
pub(super) fn shorten(text: &str, chars: usize) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // Text far beyond the cut need not be cleaned.
    let part: String = line.trim().chars().take(chars * 4).collect();
    let clean = sanitize_line(&part);
    match clean.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}
