//! Errors in the syntax of a YAML file, and valid YAML that is refused, with messages for the user.

use crate::model::text_lines::lines;

/// The parser needs quadratic time for nested brackets before it refuses them.
const BRACKETS_MAX: usize = 500;

/// The position of the error as a byte offset, if it is known.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub offset: Option<usize>,
    pub hint: Option<&'static str>,
}

/// Refuses text that the parser would need very long for, and directives, which it would silently ignore.
pub(crate) fn refuse_early(text: &str) -> Result<(), SyntaxError> {
    if let Some(offset) = too_many_brackets(text) {
        let message = format!("more than {BRACKETS_MAX} brackets are open at once");
        return Err(SyntaxError { message, offset: Some(offset), hint: None });
    }
    if let Some(offset) = directive(text) {
        let message = "YAML directives (`%…`) are not supported".to_owned();
        return Err(SyntaxError { message, offset: Some(offset), hint: Some("remove the line") });
    }
    Ok(())
}

impl SyntaxError {
    /// Converts the parser's error.
    pub(crate) fn new(text: &str, error: &serde_yaml::Error) -> Self {
        let full = error.to_string();
        let offset = error.location().map(|location| location.index());
        // The problem has its position as data; remove the parser's " at line 3 column 5".
        let mut message = full.as_str();
        if let Some(cut) = message.find(" at line ") {
            message = &message[..cut];
        }
        let message = message.rsplit_once(".: ").map_or(message, |(_, rest)| rest);
        if message.contains("more than one document") {
            return Self {
                message: "the file holds more than one YAML document".to_owned(),
                offset: second_document(text),
                hint: Some("keep one document; remove the `---` line"),
            };
        }
        let hint = if text.contains('\t') && message.contains("cannot start any token") {
            Some("indent with spaces; YAML does not allow tabs")
        } else if message.contains("did not find expected") || message.contains("mapping values are not allowed") {
            Some("check the indentation, and quote text that holds `: `, `{`, `[`, `#` or `*`")
        } else {
            None
        };
        Self { message: message.to_owned(), offset, hint }
    }
}

/// The byte offset of the second line that starts a document.
fn second_document(text: &str) -> Option<usize> {
    let mut content = lines(text, 0).skip_while(|(_, line)| is_blank(line));
    content.next()?;
    content.find(|(_, line)| line.starts_with("---")).map(|(range, _)| range.start)
}

/// Whether a line holds nothing but blanks or a comment.
pub(crate) fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn directive(text: &str) -> Option<usize> {
    let (range, line) = lines(text, 0).find(|(_, line)| !is_blank(line))?;
    line.starts_with('%').then_some(range.start)
}

/// A rough count that ignores quotes: only text with hundreds of unclosed brackets can be misjudged.
fn too_many_brackets(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (offset, c) in text.char_indices() {
        match c {
            '[' | '{' => open += 1,
            ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > BRACKETS_MAX {
            return Some(offset);
        }
    }
    None
}
