//! Text from outside → lines with its colours, and nothing else that a terminal would obey.

use ansi_to_tui::IntoText as _;
use ratatui::text::{Line, Text};

use crate::agents::Sanitizer;

pub(super) fn lines(bytes: &[u8]) -> Vec<Line<'static>> {
    let mut safe = Vec::with_capacity(bytes.len());
    let mut sanitizer = Sanitizer::new();
    sanitizer.feed(bytes, &mut safe);
    sanitizer.finish(&mut safe);
    of_safe(&safe)
}

/// As [`lines`], of bytes that went through the sanitizer.
pub(super) fn of_safe(safe: &[u8]) -> Vec<Line<'static>> {
    let text = safe.into_text().unwrap_or_else(|_| Text::raw(String::from_utf8_lossy(safe).into_owned()));
    text.lines.into_iter().map(with_spaces).collect()
}

/// Tabs as spaces: a cell of the screen holds no tab.
fn with_spaces(mut line: Line<'static>) -> Line<'static> {
    for span in &mut line.spans {
        if span.content.contains('\t') {
            span.content = span.content.replace('\t', "    ").into();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn colours_are_kept_and_everything_else_is_text() {
        let found = lines(b"a\x1b[31mred\x1b[0m\tb\x1b]0;title\x07\x1b[2Jc\nsecond\n");
        assert_eq!(found.len(), 2);
        let text: String = found[0].spans.iter().map(|span| span.content.as_ref()).collect();
        assert_eq!(text, "ared    bc");
        assert_eq!(found[0].spans[1].style.fg, Some(Color::Red));
    }
}
