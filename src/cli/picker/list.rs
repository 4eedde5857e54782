//! The list of the picker: how keys change it, and its lines. Pure.

use unicode_width::UnicodeWidthStr as _;

use crate::cli::picker::keys::Key;
use crate::cli::table::{self, Cell};

/// Lines that are not rows: the heads, the filter or the keys.
const FRAME: usize = 2;

/// An item to pick, as the cells of a row.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<String>);

/// The rows, the filter and the cursor.
#[derive(Clone, Debug)]
pub(super) struct List {
    rows: Vec<Row>,
    /// `Some` while the user types a filter.
    filter: Option<String>,
    /// The position among the rows that match the filter.
    cursor: usize,
}

/// The effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Stay,
    /// The index of a row among all rows.
    Picked(usize),
    Left,
    Interrupted,
}

impl List {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self { rows, filter: None, cursor: 0 }
    }

    pub(super) fn press(&mut self, key: Key) -> Pressed {
        let shown = self.shown();
        let last = shown.len().saturating_sub(1);
        match (key, &mut self.filter) {
            (Key::Interrupt, _) => return Pressed::Interrupted,
            (Key::Enter, _) => return shown.get(self.cursor).map_or(Pressed::Stay, |row| Pressed::Picked(*row)),
            (Key::Up, _) | (Key::Char('k'), None) => self.cursor = self.cursor.saturating_sub(1),
            (Key::Down, _) | (Key::Char('j'), None) => self.cursor = (self.cursor + 1).min(last),
            (Key::Home, _) | (Key::Char('g'), None) => self.cursor = 0,
            (Key::End, _) | (Key::Char('G'), None) => self.cursor = last,
            (Key::PageUp, _) => self.cursor = self.cursor.saturating_sub(10),
            (Key::PageDown, _) => self.cursor = (self.cursor + 10).min(last),
            (Key::Escape | Key::Char('q'), None) => return Pressed::Left,
            (Key::Escape, filter) => {
                *filter = None;
                self.cursor = 0;
            }
            (Key::Char('/'), filter @ None) => *filter = Some(String::new()),
            (Key::Char(digit @ '1'..='9'), None) => {
                let place = usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(usize::MAX);
                return shown.get(place).map_or(Pressed::Stay, |row| Pressed::Picked(*row));
            }
            (Key::Char(c), Some(filter)) => {
                filter.push(c);
                self.cursor = 0;
            }
            (Key::Backspace, filter) => {
                if filter.as_mut().and_then(String::pop).is_none() {
                    *filter = None;
                }
                self.cursor = 0;
            }
            (Key::Char(_), None) => {}
        }
        Pressed::Stay
    }

    /// The indexes of the rows that contain every word of the filter.
    fn shown(&self) -> Vec<usize> {
        let filter = self.filter.as_deref().unwrap_or_default().to_lowercase();
        let holds = |row: &Row| {
            let text = row.0.join(" ").to_lowercase();
            filter.split_whitespace().all(|word| text.contains(word))
        };
        (0..self.rows.len()).filter(|at| holds(&self.rows[*at])).collect()
    }

    /// At most `height` lines of at most `width` columns.
    pub(super) fn lines(&self, heads: &[&str], (width, height): (usize, usize), colour: bool) -> Vec<String> {
        let shown = self.shown();
        let room = height.saturating_sub(FRAME).max(1);
        let first = self.cursor.saturating_sub(room - 1);
        let cells = |(place, row): (usize, &usize)| {
            let mark = if place == self.cursor { ">" } else { " " };
            let number = if place < 9 { (place + 1).to_string() } else { String::new() };
            let mut cells = vec![Cell::new(format!("{mark} {number}"))];
            cells.extend(self.rows[*row].0.iter().map(Cell::new));
            cells
        };
        let rows: Vec<Vec<Cell>> = shown.iter().enumerate().skip(first).take(room).map(cells).collect();
        let heads: Vec<&str> = std::iter::once("").chain(heads.iter().copied()).collect();
        let text = table::render(&heads, &rows, Some(width), colour);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let foot = match &self.filter {
            Some(filter) if shown.is_empty() => format!("/{filter}   nothing matches"),
            Some(filter) => format!("/{filter}"),
            None => "Enter or a number: go there   /: filter   q: leave".to_owned(),
        };
        lines.push(if foot.width() < width { foot } else { foot.chars().take(width.saturating_sub(1)).collect() });
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> List {
        List::new((1..=count).map(|n| Row(vec![format!("TASK-{n}"), "talk".to_owned()])).collect())
    }

    fn press(list: &mut List, keys: &str) -> Pressed {
        keys.chars().map(|c| list.press(Key::Char(c))).last().unwrap()
    }

    #[test]
    fn arrows_numbers_and_letters_move_and_pick() {
        let mut three = list(3);
        assert_eq!(three.press(Key::Enter), Pressed::Picked(0));
        assert_eq!(three.press(Key::Up), Pressed::Stay);
        press(&mut three, "jjjj");
        assert_eq!(three.press(Key::Enter), Pressed::Picked(2), "it stays at the last");
        press(&mut three, "k");
        assert_eq!(three.press(Key::Enter), Pressed::Picked(1));
        assert_eq!(press(&mut three, "3"), Pressed::Picked(2));
        assert_eq!(press(&mut three, "4"), Pressed::Stay);
        assert_eq!(press(&mut three, "q"), Pressed::Left);
        assert_eq!(three.press(Key::Escape), Pressed::Left);
        assert_eq!(three.press(Key::Interrupt), Pressed::Interrupted);
    }

    #[test]
    fn a_filter_takes_every_key_that_is_text() {
        let mut many = list(42);
        assert_eq!(press(&mut many, "/42 q"), Pressed::Stay);
        assert_eq!(many.press(Key::Enter), Pressed::Stay, "nothing matches");
        many.press(Key::Backspace);
        assert_eq!(many.press(Key::Enter), Pressed::Picked(41));
        assert_eq!(many.press(Key::Escape), Pressed::Stay, "out of the filter first");
        assert_eq!(many.press(Key::Enter), Pressed::Picked(0));
        assert_eq!(press(&mut many, "/TALK task-1"), Pressed::Stay);
        many.press(Key::Down);
        assert_eq!(many.press(Key::Enter), Pressed::Picked(9), "TASK-1, then TASK-10");
        assert_eq!(many.press(Key::Interrupt), Pressed::Interrupted);
    }

    #[test]
    fn it_fits_the_terminal_and_shows_the_cursor() {
        let mut many = list(42);
        let lines = many.lines(&["TASK", "MODE"], (30, 8), false);
        assert!(lines.len() <= 8 && lines.iter().all(|line| line.width() < 30), "{lines:?}");
        assert!(lines[1].starts_with("> 1  TASK-1"), "{lines:?}");
        many.press(Key::End);
        let lines = many.lines(&["TASK", "MODE"], (30, 8), false);
        assert!(lines[lines.len() - 2].starts_with(">"), "{lines:?}");
        assert!(lines[lines.len() - 2].contains("TASK-42"), "{lines:?}");
        many.press(Key::Char('/'));
        press(&mut many, "none");
        assert!(many.lines(&["TASK", "MODE"], (30, 8), false).last().unwrap().contains("nothing matches"));
        assert!(!list(1).lines(&["TASK", "MODE"], (1, 1), true).is_empty());
    }
}
