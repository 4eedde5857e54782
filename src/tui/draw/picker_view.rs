//! A list to pick from.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use crate::agents::sanitize_line;
use crate::tui::draw::list_view::fitted;
use crate::tui::draw::{Abilities, safe_cells};
use crate::tui::picker::Picker;

/// Lines that are not rows: the heads, and the filter or the keys.
const FRAME: usize = 2;

/// As the only content of the screen.
pub(crate) fn draw_picker(frame: &mut Frame<'_>, picker: &Picker, abilities: Abilities) {
    let area = frame.area();
    frame.render_widget(Paragraph::new(lines(picker, area)), area);
    safe_cells::apply(frame.buffer_mut(), abilities);
}

pub(super) fn lines(picker: &Picker, area: Rect) -> Vec<Line<'static>> {
    let shown = picker.shown();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let room = height.saturating_sub(FRAME).max(1);
    let first = picker.cursor.saturating_sub(room - 1);
    let columns = columns(picker, width.saturating_sub(4));
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&columns).map(|(cell, width)| fitted(&sanitize_line(cell), *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(format!("     {}", row(&mut picker.heads.iter().copied())), bold)];
    for (place, at) in shown.iter().enumerate().skip(first).take(room) {
        let mark = if place == picker.cursor { ">" } else { " " };
        let number = if place < 9 { (place + 1).to_string() } else { " ".to_owned() };
        let line = format!("{mark} {number}  {}", row(&mut picker.rows[*at].iter().map(String::as_str)));
        let style = if place == picker.cursor { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        lines.push(Line::styled(line, style));
    }
    lines.push(Line::raw(match picker.typed() {
        Some(filter) if shown.is_empty() => format!("/{}   nothing matches", filter.text()),
        Some(filter) => {
            let (before, after) = filter.parts();
            format!("/{before}▏{after}")
        }
        None => "Enter or a number: go there   /: filter   q: leave".to_owned(),
    }));
    lines
}

/// The width of each column: the last one gets what is left.
fn columns(picker: &Picker, width: usize) -> Vec<usize> {
    let longest = |column: usize| {
        let cells = picker.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([picker.heads[column].width()]).max().unwrap_or(0)
    };
    let mut left = width;
    let count = picker.heads.len();
    (0..count)
        .map(|column| {
            let most = if column + 1 == count { left } else { left / 2 };
            let width = longest(column).min(most);
            left = left.saturating_sub(width + 2);
            width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::Key;

    #[test]
    fn it_fits_the_terminal_and_shows_the_cursor() {
        let rows = (1..=42).map(|n| vec![format!("TASK-{n}"), "talk".to_owned()]).collect();
        let mut many = Picker::new(String::new(), vec!["TASK", "MODE"], rows);
        let text = |picker: &Picker, width, height| -> Vec<String> {
            lines(picker, Rect::new(0, 0, width, height)).iter().map(ToString::to_string).collect()
        };
        let shown = text(&many, 30, 8);
        assert!(shown.len() <= 8, "{shown:?}");
        assert!(shown[1].starts_with("> 1  TASK-1"), "{shown:?}");
        many.press(&Key::End);
        let shown = text(&many, 30, 8);
        assert!(shown[shown.len() - 2].starts_with('>') && shown[shown.len() - 2].contains("TASK-42"), "{shown:?}");
        for c in "/none".chars() {
            many.press(&Key::Char(c));
        }
        assert!(text(&many, 30, 8).last().unwrap().contains("nothing matches"));
        assert!(!text(&many, 1, 1).is_empty());
    }
}
