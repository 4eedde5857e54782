//! Adapts a finished frame to what the terminal can show. Whatever a widget was given, no cell holds anything that a
//! terminal would obey.

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::agents::is_bidi_control;
use crate::tui::draw::Abilities;

pub(super) fn apply(buffer: &mut Buffer, abilities: Abilities) {
    for cell in &mut buffer.content {
        if !abilities.colour {
            (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
        }
        let symbol = cell.symbol();
        if symbol.contains(|c: char| c.is_control() || is_bidi_control(c)) {
            cell.set_symbol("?");
        } else if !abilities.unicode && !symbol.is_ascii() {
            let plain = in_ascii(symbol);
            cell.set_symbol(plain);
        }
    }
}

fn in_ascii(symbol: &str) -> &'static str {
    match symbol {
        "│" | "▏" => "|",
        "─" => "-",
        "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" => "+",
        "…" => "~",
        "●" => "*",
        "○" => "o",
        "·" => ".",
        "✓" => "+",
        "✗" => "x",
        "→" => ">",
        "←" => "<",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_cell_holds_only_what_the_terminal_shows() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "a●é│", Style::new().fg(Color::Red));
        buffer.content[4].set_symbol("\u{1b}");
        buffer.content[5].set_symbol("\u{202e}");
        let plain = |abilities| {
            let mut buffer = buffer.clone();
            apply(&mut buffer, abilities);
            let text: String = buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect();
            (text, buffer.content[0].fg)
        };
        assert_eq!(plain(Abilities { colour: true, unicode: true }), ("a●é│??".to_owned(), Color::Red));
        assert_eq!(plain(Abilities { colour: false, unicode: false }), ("a*?|??".to_owned(), Color::Reset));
    }
}
