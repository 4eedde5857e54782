//! A line of text that a person types: how keys change it. Pure.

use crate::tui::keys::Key;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineInput {
    text: String,
    /// The cursor's position in bytes, on the boundary of a character.
    at: usize,
}

impl LineInput {
    pub(super) fn new(text: String) -> Self {
        Self { at: text.len(), text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    pub(super) fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Whether the key belongs to the input.
    pub(super) fn press(&mut self, key: &Key) -> bool {
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            // A line has no line ends: the text of several lines is written in an editor.
            Key::Pasted(text) => self.insert(&text.replace(['\r', '\n', '\t'], " ")),
            Key::Backspace => {
                if let Some(c) = self.text[..self.at].chars().next_back() {
                    self.at -= c.len_utf8();
                    self.text.remove(self.at);
                }
            }
            Key::Delete => {
                if self.at < self.text.len() {
                    self.text.remove(self.at);
                }
            }
            Key::Left => self.at -= self.text[..self.at].chars().next_back().map_or(0, char::len_utf8),
            Key::Right => self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8),
            Key::Home | Key::Ctrl('a') => self.at = 0,
            Key::End | Key::Ctrl('e') => self.at = self.text.len(),
            Key::Ctrl('u') => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            Key::Ctrl('w') => {
                let before = self.text[..self.at].trim_end();
                let from = before.rfind(' ').map_or(0, |space| space + 1);
                self.text.drain(from..self.at);
                self.at = from;
            }
            _ => return false,
        }
        true
    }

    fn insert(&mut self, text: &str) {
        let visible: String = text.chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(self.at, &visible);
        self.at += visible.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_edited_as_in_a_shell() {
        let mut input = LineInput::new("zwei wörter".to_owned());
        for key in [Key::Left, Key::Left, Key::Left, Key::Left, Key::Left, Key::Backspace, Key::Char('W')] {
            assert!(input.press(&key));
        }
        assert_eq!(input.parts(), ("zwei W", "örter"));
        input.press(&Key::Delete);
        input.press(&Key::Pasted("o\n\u{1b}é".to_owned()));
        assert_eq!(input.parts(), ("zwei Wo é", "rter"));
        input.press(&Key::Ctrl('w'));
        assert_eq!(input.parts(), ("zwei Wo ", "rter"));
        input.press(&Key::Ctrl('w'));
        input.press(&Key::Ctrl('e'));
        assert_eq!(input.parts(), ("zwei rter", ""));
        input.press(&Key::Ctrl('u'));
        assert_eq!(input.text(), "");
        input.press(&Key::Backspace);
        input.press(&Key::Left);
        assert!(!input.press(&Key::Enter));
        assert_eq!(input.parts(), ("", ""));
    }
}
