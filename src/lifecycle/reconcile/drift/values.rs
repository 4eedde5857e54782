//! The values of a field that drifted as text for people, of bounded length.

use serde::Serialize;
use serde_json::Value;

use crate::plan::drift::DriftValues;

/// Characters of one value.
const LONGEST: usize = 600;
/// Lines of a prompt.
const LINES: usize = 6;

pub(super) fn of(was: &impl Serialize, would_be: &impl Serialize) -> DriftValues {
    let text = |value: Option<Value>| cut(&plain(&value.unwrap_or_default()));
    DriftValues { was: text(serde_json::to_value(was).ok()), would_be: text(serde_json::to_value(would_be).ok()) }
}

/// The lines from the one before the first difference of the prompts.
pub(super) fn of_prompts(was: &[u8], would_be: &[u8]) -> DriftValues {
    let (was, would_be) = (String::from_utf8_lossy(was), String::from_utf8_lossy(would_be));
    let same = was.lines().zip(would_be.lines()).take_while(|(was, would_be)| was == would_be).count();
    let skipped = same.saturating_sub(1);
    let text = |prompt: &str| {
        let mut lines: Vec<&str> = prompt.lines().skip(skipped).take(LINES).collect();
        if skipped > 0 {
            lines.insert(0, "…");
        }
        cut(&lines.join("\n"))
    };
    DriftValues { was: text(&was), would_be: text(&would_be) }
}

/// Text as it is, a list of texts as a command line, nothing as `none`, all else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            shell_words::join(items.iter().filter_map(Value::as_str))
        }
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_of_bounded_length() {
        let changed = of(&vec!["claude", "a b"], &Some("x"));
        assert_eq!((changed.was.as_str(), changed.would_be.as_str()), ("claude 'a b'", "x"));
        let changed = of(&None::<u8>, &"é".repeat(LONGEST + 1));
        assert_eq!((changed.was.as_str(), changed.would_be.chars().count()), ("none", LONGEST + 1));
    }

    #[test]
    fn of_prompts_the_first_lines_that_differ_are_shown() {
        let changed = of_prompts(b"a\nb\nc\nd", b"a\nb\nC\n");
        assert_eq!((changed.was.as_str(), changed.would_be.as_str()), ("…\nb\nc\nd", "…\nb\nC"));
        let changed = of_prompts(b"", b"x\xff");
        assert_eq!((changed.was.as_str(), changed.would_be.as_str()), ("", "x\u{fffd}"));
    }
}
