//! The body of a task: its text, sections and checklist. Headings and boxes inside code fences are not structure.

use std::collections::BTreeMap;

use crate::model::problem::Problem;
use crate::model::text_lines::lines;
use crate::tasks::front_matter::{plain, split};
use crate::tasks::open::read_text;
use crate::tasks::task::{Content, Task};

/// The text after the front matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskBody {
    /// As written, without leading blank lines and without the title of a title-first file.
    pub text: String,
    /// Heading → the text below it, up to the next heading of an equal or higher level. Of equal headings the first
    /// counts.
    pub sections: BTreeMap<String, String>,
    pub checklist: Vec<ChecklistItem>,
}

/// A line `- [ ] text` or `- [x] text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistItem {
    pub done: bool,
    pub text: String,
}

/// Reads a task's body. Fails with a problem that names the file if it was changed or removed since the scan.
pub fn read_body(task: &Task) -> Result<TaskBody, Problem> {
    let real = match &task.content {
        Content::Inline(text) => return Ok(TaskBody::parse(text)),
        Content::File(real) => real,
    };
    let path = task.path.as_ref().unwrap_or(real);
    let text = read_text(real).map_err(|error| error.into_problem(path))?;
    let parts = match split(&text) {
        Ok(parts) => parts,
        Err(unclosed) if !unclosed.certain => plain(&text),
        Err(_) => return Err(Problem::error("front matter is not closed").in_file(path)),
    };
    Ok(TaskBody::parse(text.get(parts.body..).unwrap_or_default()))
}

impl TaskBody {
    fn parse(text: &str) -> Self {
        let text = without_blank_start(text);
        let mut headings = Vec::new();
        let mut checklist = Vec::new();
        let mut fence = None;
        for (range, line) in lines(text, 0) {
            if in_fence(&mut fence, line) {
                continue;
            }
            if let Some((level, title)) = heading(line) {
                headings.push((level, title, range));
            } else if let Some(item) = checklist_item(line) {
                checklist.push(item);
            }
        }
        // From the last to the first heading: `open` holds the heading that ends each level.
        let mut sections = BTreeMap::new();
        let mut ends = [text.len(); 7];
        for (level, title, range) in headings.into_iter().rev() {
            let end = ends[level];
            let below = text.get(range.end..end).unwrap_or_default();
            sections.insert(title.to_owned(), without_blank_start(below).trim_end().to_owned());
            ends[level..].fill(range.start);
        }
        Self { text: text.to_owned(), sections, checklist }
    }
}

/// An open code fence: its character, length and indentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
}

/// Processes `line`; returns whether it is inside a fence or one of its ends.
pub(super) fn in_fence(open: &mut Option<Fence>, line: &str) -> bool {
    let text = line.trim_start_matches([' ', '\t']);
    let indent = line.len() - text.len();
    let mark = text.bytes().next().unwrap_or(0);
    let length = text.bytes().take_while(|b| *b == mark).count();
    let after = &text[if matches!(mark, b'`' | b'~') { length } else { 0 }..];
    if let Some(fence) = *open {
        let same = mark == fence.mark && length >= fence.length && indent < fence.indent + 4;
        if same && after.trim().is_empty() {
            *open = None;
        }
        return true;
    }
    // Any indentation is accepted: a fence in a list item is far more common than one in indented code.
    if matches!(mark, b'`' | b'~') && length >= 3 && !(mark == b'`' && after.contains('`')) {
        *open = Some(Fence { mark, length, indent });
        return true;
    }
    false
}

/// The level and text of a heading line.
pub(super) fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches(' ');
    let level = text.bytes().take_while(|b| *b == b'#').count();
    let after = &text[level..];
    let apart = after.is_empty() || after.starts_with([' ', '\t']);
    if line.len() - text.len() > 3 || !(1..=6).contains(&level) || !apart {
        return None;
    }
    let title = after.trim();
    let bare = title.trim_end_matches('#');
    let closed = bare.is_empty() || bare.ends_with([' ', '\t']);
    Some((level, if closed { bare.trim_end() } else { title }))
}

fn checklist_item(line: &str) -> Option<ChecklistItem> {
    let text = line.trim_start();
    let number = text.bytes().take_while(u8::is_ascii_digit).count();
    let after = match number {
        0 => text.strip_prefix(['-', '*', '+'])?,
        _ => text[number..].strip_prefix(['.', ')'])?,
    };
    let boxed = after.strip_prefix([' ', '\t'])?.trim_start().strip_prefix('[')?;
    let done = match boxed.bytes().next()? {
        b' ' => false,
        b'x' | b'X' => true,
        _ => return None,
    };
    let text = boxed[1..].strip_prefix(']')?;
    text.starts_with([' ', '\t']).then(|| ChecklistItem { done, text: text.trim().to_owned() })
}

/// Removes leading blank lines and keeps the indentation of the first text line.
fn without_blank_start(text: &str) -> &str {
    let start = lines(text, 0).find(|(_, line)| !line.trim().is_empty()).map_or(text.len(), |(range, _)| range.start);
    &text[start..]
}
