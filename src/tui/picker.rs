//! A list to pick a row from: how keys change it. Pure.

use crate::tui::keys::{Key, MouseKind};
use crate::tui::line_input::LineInput;

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// The rows, the filter and the cursor.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    pub(crate) title: String,
    pub(crate) heads: Vec<&'static str>,
    /// The cells of each row.
    pub(crate) rows: Vec<Vec<String>>,
    filter: LineInput,
    is_typing: bool,
    /// Whether every key that is text goes into the filter from the start.
    is_search: bool,
    /// The position among the rows that match the filter.
    pub(crate) cursor: usize,
}

/// The effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    Stay,
    /// The index of a row among all rows.
    Picked(usize),
    Left,
    Interrupted,
}

impl Picker {
    pub(crate) fn new(title: String, heads: Vec<&'static str>, rows: Vec<Vec<String>>) -> Self {
        let filter = LineInput::default();
        Self { title, heads, rows, filter, is_typing: false, is_search: false, cursor: 0 }
    }

    /// A list that is searched rather than walked through.
    pub(super) fn searched(self) -> Self {
        Self { is_typing: true, is_search: true, ..self }
    }

    pub(super) fn at(self, row: usize) -> Self {
        Self { cursor: row.min(self.rows.len().saturating_sub(1)), ..self }
    }

    /// The filter, while it is typed.
    pub(crate) fn typed(&self) -> Option<&LineInput> {
        self.is_typing.then_some(&self.filter)
    }

    pub(crate) fn press(&mut self, key: &Key) -> Pressed {
        let shown = self.shown();
        let last = shown.len().saturating_sub(1);
        match key {
            Key::Ctrl('c') => return Pressed::Interrupted,
            Key::Enter => return shown.get(self.cursor).map_or(Pressed::Stay, |row| Pressed::Picked(*row)),
            Key::Up | Key::Ctrl('p') => self.cursor = self.cursor.saturating_sub(1),
            Key::Down | Key::Ctrl('n') => self.cursor = (self.cursor + 1).min(last),
            Key::PageUp => self.cursor = self.cursor.saturating_sub(PAGE),
            Key::PageDown => self.cursor = (self.cursor + PAGE).min(last),
            Key::Mouse(mouse) if mouse.kind == MouseKind::WheelUp => self.cursor = self.cursor.saturating_sub(1),
            Key::Mouse(mouse) if mouse.kind == MouseKind::WheelDown => self.cursor = (self.cursor + 1).min(last),
            Key::Escape if self.is_typing && !self.is_search => self.end_filter(),
            Key::Escape => return Pressed::Left,
            Key::Backspace if self.is_typing && self.filter.text().is_empty() && !self.is_search => self.end_filter(),
            key if self.is_typing => {
                self.filter.press(key);
                self.cursor = 0;
            }
            Key::Char('k') => self.cursor = self.cursor.saturating_sub(1),
            Key::Char('j') => self.cursor = (self.cursor + 1).min(last),
            Key::Home | Key::Char('g') => self.cursor = 0,
            Key::End | Key::Char('G') => self.cursor = last,
            Key::Char('q') => return Pressed::Left,
            Key::Char('/') => self.is_typing = true,
            Key::Char(digit @ '1'..='9') => {
                let place = usize::try_from(u32::from(*digit) - u32::from('1')).unwrap_or(usize::MAX);
                return shown.get(place).map_or(Pressed::Stay, |row| Pressed::Picked(*row));
            }
            _ => {}
        }
        Pressed::Stay
    }

    fn end_filter(&mut self) {
        self.is_typing = false;
        self.filter = LineInput::default();
        self.cursor = 0;
    }

    /// The indexes of the rows that contain every word of the filter.
    pub(crate) fn shown(&self) -> Vec<usize> {
        let filter = self.filter.text().to_lowercase();
        let holds = |row: &[String]| {
            let text = row.join(" ").to_lowercase();
            filter.split_whitespace().all(|word| text.contains(word))
        };
        (0..self.rows.len()).filter(|at| holds(&self.rows[*at])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> Picker {
        let rows = (1..=count).map(|n| vec![format!("TASK-{n}"), "talk".to_owned()]).collect();
        Picker::new(String::new(), vec!["TASK", "MODE"], rows)
    }

    fn press(list: &mut Picker, keys: &str) -> Pressed {
        keys.chars().map(|c| list.press(&Key::Char(c))).last().unwrap()
    }

    #[test]
    fn arrows_numbers_and_letters_move_and_pick() {
        let mut three = list(3);
        assert_eq!(three.press(&Key::Enter), Pressed::Picked(0));
        assert_eq!(three.press(&Key::Up), Pressed::Stay);
        press(&mut three, "jjjj");
        assert_eq!(three.press(&Key::Enter), Pressed::Picked(2), "it stays at the last");
        press(&mut three, "k");
        assert_eq!(three.press(&Key::Enter), Pressed::Picked(1));
        assert_eq!(press(&mut three, "3"), Pressed::Picked(2));
        assert_eq!(press(&mut three, "4"), Pressed::Stay);
        assert_eq!(press(&mut three, "q"), Pressed::Left);
        assert_eq!(three.press(&Key::Escape), Pressed::Left);
        assert_eq!(three.press(&Key::Ctrl('c')), Pressed::Interrupted);
    }

    #[test]
    fn a_filter_takes_every_key_that_is_text() {
        let mut many = list(42);
        assert_eq!(press(&mut many, "/42 q"), Pressed::Stay);
        assert_eq!(many.press(&Key::Enter), Pressed::Stay, "nothing matches");
        many.press(&Key::Backspace);
        assert_eq!(many.press(&Key::Enter), Pressed::Picked(41));
        assert_eq!(many.press(&Key::Escape), Pressed::Stay, "out of the filter first");
        assert_eq!(many.press(&Key::Enter), Pressed::Picked(0));
        assert_eq!(press(&mut many, "/TALK task-1"), Pressed::Stay);
        many.press(&Key::Down);
        assert_eq!(many.press(&Key::Enter), Pressed::Picked(9), "TASK-1, then TASK-10");
        assert_eq!(many.press(&Key::Ctrl('c')), Pressed::Interrupted);
    }

    #[test]
    fn a_search_is_typed_at_once_and_left_at_once() {
        let mut many = list(42).searched();
        assert_eq!(press(&mut many, "sk-17"), Pressed::Stay);
        assert_eq!(many.press(&Key::Enter), Pressed::Picked(16));
        assert_eq!(many.press(&Key::Escape), Pressed::Left);
    }
}
