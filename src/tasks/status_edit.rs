//! Sets the status in the text of a task file and keeps every other byte. Pure.
//!
//! The changed front matter is read again: unless only its status differs, the file is not changed.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::model::text_lines::{line_of, lines};
use crate::tasks::field_names::{STATUS, is_name};
use crate::tasks::front_matter::{self, Form, Split, plain, split, unquote};
use crate::tasks::open::{HEAD_MAX, text_of};

/// A task file with its front matter, read from all its bytes.
#[derive(Debug)]
pub struct TaskText<'a> {
    bytes: &'a [u8],
    /// The part of the bytes that is certainly text: at least the front matter.
    pub(super) head: &'a str,
    pub(super) parts: Split,
    pub(super) meta: BTreeMap<String, Value>,
}

impl<'a> TaskText<'a> {
    /// `None` if the file could not be listed either.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let shown = &bytes[..bytes.len().min(HEAD_MAX)];
        // What follows the front matter may be no text.
        let head = match text_of(shown, shown.len() == bytes.len()) {
            Ok(head) => head,
            Err(_) => std::str::from_utf8(&shown[..valid_len(shown)]).unwrap_or_default(),
        };
        let parts = match split(head) {
            Ok(parts) => parts,
            Err(unclosed) if unclosed.certain => return None,
            Err(_) => plain(head),
        };
        let meta = front_matter::read(parts.form, head.get(parts.block.clone())?).ok()?;
        Some(Self { bytes, head, parts, meta })
    }

    /// The whole file with the status `spelled`; `None` if no change of one line does exactly that.
    pub fn with_status(&self, spelled: &str) -> Option<Vec<u8>> {
        let edits = match self.status_key() {
            Some(_) => self.replacements(spelled),
            None => vec![self.insertion(spelled)],
        };
        edits.into_iter().find(|(at, text)| self.changes_status_alone(at, text, spelled)).map(|(at, text)| {
            let [before, after] = [&self.bytes[..at.start], &self.bytes[at.end..]];
            [before, text.as_bytes(), after].concat()
        })
    }

    /// The status as written, without blanks around it; empty if there is none.
    pub fn status(&self) -> String {
        let value = self.status_key().and_then(|key| self.meta.get(key));
        let only = value.map(|value| value.as_array().and_then(|items| items.first()).unwrap_or(value));
        only.and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    }

    /// The line of the status, counted from 1; without one, the line at which the front matter ends.
    pub fn status_line(&self) -> usize {
        let key = |line: &str| line.find([':', '=']).is_some_and(|at| is_name(unquote(&line[..at]), STATUS[0]));
        let block = self.parts.block.clone();
        let mut of_block = lines(self.head, block.start).take_while(|(range, _)| range.start < block.end);
        line_of(self.head, of_block.find(|(_, line)| key(line)).map_or(block.end, |(range, _)| range.start)) + 1
    }

    /// The key that sets the status, as written.
    fn status_key(&self) -> Option<&str> {
        let exact = self.meta.get_key_value(STATUS[0]).map(|(key, _)| key);
        let named = || self.meta.keys().find(|key| is_name(key, STATUS[0]));
        exact.or_else(named).map(String::as_str)
    }

    /// The changes that may be right, the likeliest first.
    fn replacements(&self, spelled: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        let block = self.parts.block.clone();
        let separator = if self.parts.form == Form::Toml { '=' } else { ':' };
        let of_block = lines(self.head, block.start).take_while(|(range, _)| range.start < block.end);
        for (range, line) in of_block {
            let Some(at) = line.find(separator) else { continue };
            if !is_name(unquote(&line[..at]), STATUS[0]) {
                continue;
            }
            let rest = &line[at + 1..];
            let start = range.start + at + 1 + (rest.len() - rest.trim_start().len());
            let value = rest.trim();
            for length in value_lengths(value) {
                for text in spellings(&value[..length], spelled, self.parts.form) {
                    let gap = if value.is_empty() && !rest.starts_with([' ', '\t']) { " " } else { "" };
                    found.push((start..start + length, format!("{gap}{text}")));
                }
            }
        }
        found
    }

    /// A new line in the front matter, or a new front matter.
    fn insertion(&self, spelled: &str) -> (Range<usize>, String) {
        let end = if self.head.contains("\r\n") { "\r\n" } else { "\n" };
        let block = self.parts.block.clone();
        match self.parts.form {
            Form::Plain => (block.start..block.start, format!("---{end}status: {spelled}{end}---{end}")),
            Form::Toml => {
                let of_block = lines(self.head, block.start).take_while(|(range, _)| range.start < block.end);
                // What follows a `[table]` belongs to it.
                let table = of_block.into_iter().find(|(_, line)| line.trim_start().starts_with('['));
                let at = table.map_or(block.end, |(range, _)| range.start);
                (at..at, format!("status = {}{end}", Value::from(spelled)))
            }
            Form::Yaml | Form::TitleFirst => (block.end..block.end, format!("status: {spelled}{end}")),
        }
    }

    fn changes_status_alone(&self, at: &Range<usize>, text: &str, spelled: &str) -> bool {
        let Some((before, after)) = self.head.get(..at.start).zip(self.head.get(at.end..)) else { return false };
        let changed = format!("{before}{text}{after}");
        let Ok(parts) = split(&changed) else { return false };
        let Some(block) = changed.get(parts.block.clone()) else { return false };
        let mut wanted = self.meta.clone();
        wanted.insert(self.status_key().unwrap_or(STATUS[0]).to_owned(), Value::from(spelled));
        let is_form = parts.form == self.parts.form || self.parts.form == Form::Plain;
        is_form && front_matter::read(parts.form, block).is_ok_and(|meta| meta == wanted)
    }
}

/// How many bytes of `value` may be the value: up to its closing quote, up to a comment, or all.
fn value_lengths(value: &str) -> Vec<usize> {
    let quoted = value.chars().next().filter(|first| ['"', '\''].contains(first)).and_then(|quote| {
        let close = value.get(1..)?.find(quote)?;
        Some(close + 2)
    });
    let comment = value.find(" #").map(|at| value[..at].trim_end().len());
    quoted.into_iter().chain(comment).chain([value.len()]).collect()
}

/// `spelled` in the quotes of the old value, else in those that the form needs.
fn spellings(old: &str, spelled: &str, form: Form) -> Vec<String> {
    let double = Value::from(spelled).to_string();
    let single = format!("'{spelled}'");
    match (old.chars().next(), form) {
        (Some('\''), _) => vec![single, double],
        (Some('"'), _) | (_, Form::Toml) => vec![double],
        _ => vec![spelled.to_owned(), single, double],
    }
}

/// How many bytes at the start are text.
fn valid_len(bytes: &[u8]) -> usize {
    std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, spelled: &str) -> Option<String> {
        let changed = TaskText::read(text.as_bytes())?.with_status(spelled)?;
        Some(String::from_utf8(changed).unwrap())
    }

    #[test]
    fn only_the_value_changes_in_the_quotes_that_it_has() {
        for (text, expected) in [
            ("---\nid: x\nstatus: To Do\n---\nb", "---\nid: x\nstatus: Done\n---\nb"),
            ("---\r\nstatus:  'To Do'   # why\r\n---\r\n", "---\r\nstatus:  'Done'   # why\r\n---\r\n"),
            ("---\nstatus: To Do # why: not\n---\n", "---\nstatus: Done # why: not\n---\n"),
            ("---\nStatus: \"To Do\"\n---\n", "---\nStatus: \"Done\"\n---\n"),
            ("---\nstatus:\nid: x\n---\n", "---\nstatus: Done\nid: x\n---\n"),
            ("---\nid: x\n---\n", "---\nid: x\nstatus: Done\n---\n"),
            ("+++\nstatus = \"ðŸŸ¡ To Do\" # x\n+++\n", "+++\nstatus = \"Done\" # x\n+++\n"),
            (
                "+++\nid = \"x\"\n[a]\nstatus = \"y\"\n+++\n",
                "+++\nid = \"x\"\nstatus = \"Done\"\n[a]\nstatus = \"y\"\n+++\n",
            ),
            ("# T\n\n---\nstatus: To Do\nowner: a: b\n---\n", "# T\n\n---\nstatus: Done\nowner: a: b\n---\n"),
            ("# T\r\n\r\ntext\r\n", "---\r\nstatus: Done\r\n---\r\n# T\r\n\r\ntext\r\n"),
            ("---\nnote: |\n  status: no\nstatus: [To Do]\n---\n", "---\nnote: |\n  status: no\nstatus: Done\n---\n"),
            ("\u{feff}---\nstatus: To Do\n---\n", "\u{feff}---\nstatus: Done\n---\n"),
        ] {
            assert_eq!(set(text, "Done").as_deref(), Some(expected), "{text}");
        }
        assert_eq!(set("---\nstatus: x\n---\n", "a: b").as_deref(), Some("---\nstatus: 'a: b'\n---\n"));
    }

    #[test]
    fn what_one_line_cannot_change_is_left_alone() {
        for text in
            ["---\nstatus: |\n  To Do\n---\n", "---\n{status: To Do}\n---\n", "---\nstatus: &a To Do\nb: *a\n---\n"]
        {
            assert_eq!(set(text, "Done"), None, "{text}");
        }
        assert_eq!(set("---\nstatus: [\n---\n", "Done"), None);
    }

    #[test]
    fn what_follows_the_front_matter_may_be_no_text() {
        let bytes = b"---\nstatus: To Do\n---\n\xff\xfe\x00 end";
        let changed = TaskText::read(bytes).unwrap().with_status("Done").unwrap();
        assert_eq!(changed, b"---\nstatus: Done\n---\n\xff\xfe\x00 end");
    }
}
