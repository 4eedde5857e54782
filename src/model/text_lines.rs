//! Lines of a text with their positions. Pure.

use std::ops::Range;

/// The lines from byte `from` on, with their byte ranges; both exclude the line ending.
pub fn lines(text: &str, from: usize) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = from;
    text.get(from..).unwrap_or("").split_inclusive('\n').map(move |whole| {
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let start = at;
        at += whole.len();
        (start..start + line.len(), line)
    })
}

/// The number of the line that contains byte `at`, counted from 0.
pub fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The byte range of line `number`, counted from 1; the empty range at the end of the text if it does not exist.
pub fn line_range(text: &str, number: usize) -> Range<usize> {
    lines(text, 0).nth(number.saturating_sub(1)).map_or(text.len()..text.len(), |(range, _)| range)
}
