//! Finds the line that makes a text invalid YAML because a character is missing, and the corrected line.
//!
//! The parser often fails a line after the mistake, so the lines before are tried too. A repair is suggested only if
//! the parser gets further with it.

use crate::manifest::sections::is_known_key;
use crate::manifest::syntax::is_blank;
use crate::manifest::{flow, tree};
use crate::model::text_lines::{line_of, lines};

/// Lines that are tried, the failed one among them.
const LINES_MAX: usize = 6;
/// In bytes: each try parses the whole text.
const TEXT_MAX: usize = 64 * 1024;

/// A line that one or two more characters make valid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repair {
    /// Byte offsets of the mistake.
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub hint: String,
}

/// Searches for the mistake behind a parse error at the byte `failed_at`.
pub(crate) fn find(text: &str, failed_at: usize) -> Option<Repair> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let failed_at = failed_at.min(text.len());
    let failed_line = line_of(text, failed_at);
    let lines: Vec<_> = lines(text, 0).take(failed_line + 1).filter(|(_, line)| !is_blank(line)).collect();
    for (range, line) in lines.into_iter().rev().take(LINES_MAX) {
        let content = line.trim_start_matches([' ', '-']);
        let start = range.end - content.len();
        let content = content.trim_end();
        for (written, message, hint) in candidates(content) {
            let repaired = format!("{}{written}{}", &text[..start], &text[start + content.len()..]);
            let helps = match tree::parse(&repaired) {
                Ok(_) => true,
                Err(error) => error.offset.is_some_and(|offset| line_of(&repaired, offset) > failed_line),
            };
            if helps {
                return Some(Repair { start, end: start + content.len(), message, hint });
            }
        }
    }
    None
}

/// Possible corrections of a line's content: the new text, the mistake, and the hint.
fn candidates(content: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let word_end =
        content.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(content.len());
    let (word, rest) = content.split_at(word_end);
    if word.is_empty() {
        return found;
    }
    let value = rest.trim_start();
    let colon = format!("a `:` is missing after `{word}`");
    if rest.is_empty() {
        found.push((format!("{word}:"), colon, format!("write `{word}:`")));
    } else if rest.starts_with(' ') && is_known_key(word) {
        let written = format!("{word}: {value}");
        found.push((written.clone(), colon, format!("write `{written}`")));
    } else if let Some(value) = rest.strip_prefix(':').filter(|value| !value.starts_with(' ') && is_known_key(word)) {
        let written = format!("{word}: {value}");
        let message = format!("a space is missing after `{word}:`");
        found.push((written.clone(), message, format!("write `{written}`")));
    } else if let Some(value) = rest.strip_prefix(": ").filter(|value| value.contains(": ") && !value.contains('"')) {
        let written = format!("{word}: {}", flow::text(value.trim()));
        let message = format!("the text of `{word}` holds `: `, so it needs quotes");
        found.push((written.clone(), message, format!("write `{written}`")));
    }
    found
}
