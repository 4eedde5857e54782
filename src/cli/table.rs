//! Tables. The last column is cut or wrapped to fit the terminal.

use std::io::{self, IsTerminal as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::agents::sanitize_line;
use crate::cli::context::CommandContext;
use crate::cli::output;

/// A cell with its colour (an SGR number).
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    colour: Option<&'static str>,
}

impl Cell {
    /// Sanitizes the text.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: sanitize_line(text.as_ref()), colour: None }
    }

    pub(crate) fn coloured(text: impl AsRef<str>, colour: &'static str) -> Self {
        Self { colour: Some(colour), ..Self::new(text) }
    }
}

/// The terminal's columns. `None`: stdout is no terminal, and nothing is cut.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// Prints the rows, cut to the terminal's width.
pub(crate) fn print(context: &CommandContext, heads: &[&str], rows: &[Vec<Cell>]) -> io::Result<()> {
    output::write(render(heads, rows, terminal_width(), context.colour.0).as_bytes())
}

/// Lays out the rows, one line each; the last column is cut to `width`.
pub(crate) fn render(heads: &[&str], rows: &[Vec<Cell>], width: Option<usize>, colour: bool) -> String {
    lay_out(heads, rows, width, colour, |text, width| vec![cut(text, width)])
}

/// As [`render`], but the last column continues on further lines.
pub(crate) fn render_wrapped(heads: &[&str], rows: &[Vec<Cell>], width: Option<usize>, colour: bool) -> String {
    lay_out(heads, rows, width, colour, wrap)
}

fn lay_out(
    heads: &[&str],
    rows: &[Vec<Cell>],
    width: Option<usize>,
    colour: bool,
    fit: impl Fn(&str, usize) -> Vec<String>,
) -> String {
    let columns = heads.len();
    let mut widths: Vec<usize> = heads.iter().map(|head| head.width()).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate().take(columns) {
            widths[at] = widths[at].max(cell.text.width());
        }
    }
    if let (Some(width), Some(last)) = (width, columns.checked_sub(1)) {
        let before: usize = widths[..last].iter().map(|w| w + 2).sum();
        widths[last] = widths[last].min(width.saturating_sub(before).max(8));
    }
    let mut out = String::new();
    let head: Vec<Cell> =
        heads.iter().map(|head| if colour { Cell::coloured(head, "1") } else { Cell::new(head) }).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate().take(columns) {
            let is_last = at + 1 == columns;
            let texts = if is_last { fit(&cell.text, widths[at]) } else { vec![cell.text.clone()] };
            for (number, text) in texts.iter().enumerate() {
                if number > 0 {
                    out.push_str(line.trim_end());
                    out.push('\n');
                    line = " ".repeat(widths[..at].iter().map(|w| w + 2).sum());
                }
                match cell.colour.filter(|_| colour && !text.is_empty()) {
                    Some(sgr) => line.push_str(&format!("\x1b[{sgr}m{text}\x1b[0m")),
                    None => line.push_str(text),
                }
                line.push_str(&" ".repeat(if is_last { 0 } else { widths[at] - text.width() + 2 }));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Breaks the text at blanks into lines of at most `width`. A longer word has its own line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_gives_way_and_wide_characters_count_twice() {
        let rows =
            vec![vec![Cell::new("a"), Cell::new("日本語のタイトルです")], vec![Cell::new("bcd"), Cell::new("x")]];
        let text = render(&["ID", "TITLE"], &rows, Some(18), false);
        assert!(text.lines().all(|line| line.width() <= 18), "{text}");
        assert!(text.contains('…'), "{text}");
        let whole = render(&["ID", "TITLE"], &rows, None, false);
        assert!(whole.contains("日本語のタイトルです"), "{whole}");
    }

    #[test]
    fn a_wrapped_column_loses_no_word_and_keeps_its_place() {
        let rows = vec![vec![Cell::new("a"), Cell::new("one two three averyverylongword four")]];
        let text = render_wrapped(&["WHAT", "FOUND"], &rows, Some(16), false);
        assert_eq!(text, "WHAT  FOUND\na     one two\n      three\n      averyverylongword\n      four\n");
    }

    #[test]
    fn a_cell_cannot_colour_or_move_the_cursor_by_itself() {
        let rows = vec![vec![Cell::new("\x1b[2Jboo\nmore")]];
        let text = render(&["X"], &rows, None, false);
        assert!(!text.contains('\x1b'), "{text:?}");
        assert_eq!(text.lines().count(), 2);
    }
}
