//! From the start of a YAML node to the bytes that a message underlines. The start is exact, the end is a guess.

use std::ops::Range;

/// A byte range of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

/// The range extended to whole characters: parser and template engine may report an offset inside one.
pub(crate) fn whole_characters(text: &str, start: usize, end: usize) -> Span {
    let end = end.min(text.len());
    let start = (0..=start.min(end)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let end = (end..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    Span { start, end }
}

/// The offset after the character at `start`.
pub(crate) fn next_char(text: &str, start: usize) -> usize {
    text.get(start..).and_then(|rest| rest.chars().next()).map_or(start, |c| start + c.len_utf8())
}

/// The token at `start`: a quoted text, a plain text up to its end on this line, or a single bracket.
pub(crate) fn token(text: &str, start: usize) -> Span {
    let start = skip_anchor(text, start);
    let rest = text.get(start..).unwrap_or("");
    let line = rest.split(['\n', '\r']).next().unwrap_or("");
    let length = match line.chars().next() {
        None => 0,
        Some(quote @ ('"' | '\'')) => quoted_length(line, quote),
        Some('[' | '{') => 1,
        Some(_) => plain_length(line),
    };
    Span { start, end: start + length }
}

/// The part `range` of a text node's value, if the file contains the value unchanged or as a literal block; else the
/// node's first token.
pub(crate) fn within(text: &str, start: usize, range: &Range<usize>) -> Span {
    let start = skip_anchor(text, start);
    let rest = text.get(start..).unwrap_or("");
    let whole = token(text, start);
    match rest.chars().next() {
        Some('|') => within_block(text, start, range).unwrap_or(whole),
        Some('"' | '\'') => {
            let inner = text.get(start + 1..whole.end.max(start + 1)).unwrap_or("");
            let plain = !inner.contains('\\') && !inner.contains("''");
            if plain && range.end < whole.end - start { shifted(range, start + 1) } else { whole }
        }
        Some(_) if range.end <= rest.lines().next().unwrap_or("").len() => shifted(range, start),
        _ => whole,
    }
}

fn shifted(range: &Range<usize>, by: usize) -> Span {
    Span { start: range.start + by, end: range.end + by }
}

/// A literal block keeps its lines and loses only the indentation.
fn within_block(text: &str, start: usize, range: &Range<usize>) -> Option<Span> {
    let body = start + text[start..].find('\n')? + 1;
    let indent = text[body..].lines().find(|line| !line.trim().is_empty())?;
    let indent = indent.len() - indent.trim_start_matches(' ').len();
    let mut consumed = 0;
    let mut offset = body;
    for line in text[body..].split_inclusive('\n') {
        let length = line.len().saturating_sub(indent).max(1);
        if range.start < consumed + length {
            let first = offset + indent + (range.start - consumed);
            let last = (first + range.len()).min(offset + line.trim_end().len()).max(first);
            return text.get(first..last).map(|_| Span { start: first, end: last });
        }
        consumed += length;
        offset += line.len();
    }
    None
}

/// Skips an anchor, so that the value itself is underlined.
fn skip_anchor(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    if !rest.starts_with('&') {
        return start;
    }
    let word = rest.find([' ', '\n']).unwrap_or(rest.len());
    let gap = rest[word..].len() - rest[word..].trim_start_matches(' ').len();
    if rest[word + gap..].starts_with('\n') { start } else { start + word + gap }
}

fn quoted_length(line: &str, quote: char) -> usize {
    let mut chars = line.char_indices().skip(1).peekable();
    while let Some((offset, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            chars.next();
        } else if c == quote {
            if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') {
                chars.next();
                continue;
            }
            return offset + 1;
        }
    }
    line.trim_end().len()
}

/// The length up to a comment, a key's colon, or the end of an item in an enclosing flow collection.
fn plain_length(line: &str) -> usize {
    let bytes = line.as_bytes();
    let mut open = 0usize;
    let mut end = bytes.len();
    for (i, byte) in bytes.iter().enumerate() {
        let spaced = bytes.get(i + 1).is_none_or(|next| matches!(next, b' ' | b'\t'));
        let ends = match byte {
            b':' => spaced,
            b',' => spaced && open == 0,
            b'#' => i > 0 && bytes[i - 1] == b' ',
            b']' | b'}' => open == 0,
            _ => false,
        };
        if ends {
            end = i;
            break;
        }
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open -= 1,
            _ => {}
        }
    }
    line[..end].trim_end().len().max(1.min(line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn underlined(text: &str, start: usize) -> &str {
        let span = token(text, start);
        &text[span.start..span.end]
    }

    #[test]
    fn a_token_ends_where_a_reader_would_say() {
        assert_eq!(underlined("key: value", 0), "key");
        assert_eq!(underlined("a b c # why", 0), "a b c");
        assert_eq!(underlined("[one, two]", 1), "one");
        assert_eq!(underlined("\"a \\\" b\": 1", 0), "\"a \\\" b\"");
        assert_eq!(underlined("'it''s' x", 0), "'it''s'");
        assert_eq!(underlined("http://x y", 0), "http://x y");
        assert_eq!(underlined("&anchor text", 0), "text");
        assert_eq!(underlined("", 0), "");
    }

    #[test]
    fn a_range_within_a_value_is_found_in_plain_quoted_and_block_text() {
        let inside = |text: &str, range: Range<usize>| {
            let span = within(text, text.find(['|', '"', 'x']).unwrap(), &range);
            text[span.start..span.end].to_owned()
        };
        assert_eq!(inside("k: xab cd", 1..3), "ab");
        assert_eq!(inside("k: \"one two\"", 4..7), "two");
        assert_eq!(inside("k: |\n    one\n    two three\n", 8..13), "three");
    }
}
