//! Repairs a front matter that its parser refuses: quotes handles, as Backlog.md reads them, or suggests which value
//! needs quotes. Pure; used only after a failure.

use std::ops::Range;

use crate::model::text_lines::lines;
use crate::tasks::front_matter::unquote;

/// Lines that are tried: the line of the error and those above it.
const LINES_TRIED: usize = 6;

/// The block with quotes around unquoted handles (`@name`), which YAML forbids and Backlog.md reads. Line numbers are
/// kept. `None` if there is none. In the fields for people any unquoted text is quoted, as Backlog.md does.
pub(super) fn quote_handles(block: &str) -> Option<String> {
    let mut changed = false;
    let mut text = String::with_capacity(block.len() + 16);
    for whole in block.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let quoted = quoted_line(line);
        changed |= quoted.is_some();
        text.push_str(quoted.as_deref().unwrap_or(line));
        text.push_str(&whole[line.len()..]);
    }
    changed.then_some(text)
}

fn quoted_line(line: &str) -> Option<String> {
    let (before, key, value) = match line.trim_start().strip_prefix("- ") {
        Some(item) => {
            let item = item.trim_start();
            (&line[..line.len() - item.len()], "", item)
        }
        None => {
            let (key, value) = line.split_once(':')?;
            let value_start = key.len() + 1 + (value.len() - value.trim_start().len());
            (&line[..value_start], key.trim(), value.trim_start())
        }
    };
    let is_person = ["assignee", "reporter"].contains(&key);
    let (value, comment) = match value.split_once(" #") {
        Some((value, _)) => (value.trim_end(), &line[before.len() + value.trim_end().len()..]),
        None => (value.trim_end(), ""),
    };
    let gap = if before.ends_with(':') { " " } else { "" };
    let handle = |text: &str| text.starts_with('@') || text.starts_with('`');
    if let Some(items) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        let items: Vec<&str> = items.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        if !items.iter().any(|item| handle(item)) {
            return None;
        }
        let items: Vec<String> =
            items.iter().map(|item| if handle(item) { single_quoted(item) } else { (*item).to_owned() }).collect();
        return Some(format!("{before}{gap}[{}]{comment}", items.join(", ")));
    }
    let plain = !value.is_empty() && !value.starts_with(['[', '\'', '"', '-', '|', '>', '#']);
    (handle(value) || is_person && plain).then(|| format!("{before}{gap}{}{comment}", single_quoted(value)))
}

/// The corrected line, if quotes around its value repair the block: `title: 'Colon: in title'`. `at` is the line of the
/// error, from 0; `next_error` returns the line of a block's first error, or `None`.
pub(super) fn suggest_quotes(
    block: &str,
    at: usize,
    separator: char,
    next_error: &dyn Fn(&str) -> Option<usize>,
) -> Option<(Range<usize>, String)> {
    let before: Vec<(Range<usize>, &str)> = lines(block, 0).take(at + 1).collect();
    for (range, line) in before.into_iter().rev().take(LINES_TRIED) {
        let Some((key, value)) = line.split_once(separator) else { continue };
        let value = value.trim();
        let name = key.trim_matches([' ', '\t', '-', '"']);
        let is_key = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        // An unclosed list or mapping is no text.
        let is_open = value.starts_with('[') && !value.contains(']') || value.starts_with('{') && !value.contains('}');
        if value.is_empty() || !is_key || is_open || key.starts_with('#') {
            continue;
        }
        let quoted = match separator {
            ':' => format!("{key}: {}", yaml_quoted(value)),
            _ => format!("{key}{separator} {}", serde_json::Value::String(unquote(value).to_owned())),
        };
        let tried = format!("{}{quoted}{}", &block[..range.start], &block[range.end..]);
        // A later error is another mistake.
        if next_error(&tried).is_none_or(|next| next > at) {
            return Some((range, quoted));
        }
    }
    None
}

/// The text in quotes that need no escapes.
fn yaml_quoted(value: &str) -> String {
    // The value may have quotes already, which do not fit its content.
    let value = unquote(value);
    if value.contains('\'') && !value.contains(['"', '\\']) { format!("\"{value}\"") } else { single_quoted(value) }
}

fn single_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The id in an unreadable front matter, so that the file is reported under it.
pub(super) fn id_of_broken(head: &str) -> Option<&str> {
    lines(head, 0).find_map(|(_, line)| {
        let (key, value) = line.split_once([':', '='])?;
        (key.trim() == "id").then(|| unquote(value)).filter(|id| !id.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_get_quotes_and_lines_keep_their_places() {
        for (line, expected) in [
            ("assignee: @me", "assignee: '@me'"),
            ("assignee: @me # and a comment", "assignee: '@me' # and a comment"),
            ("assignee: [@a, 'b', \"@c\"]", "assignee: ['@a', 'b', \"@c\"]"),
            ("  - @a", "  - '@a'"),
            ("reporter: Ann: the boss", "reporter: 'Ann: the boss'"),
            ("owner: @o'x", "owner: '@o''x'"),
        ] {
            let block = format!("id: x\r\n{line}\r\nend: 1\r\n");
            let quoted = quote_handles(&block).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(quoted, format!("id: x\r\n{expected}\r\nend: 1\r\n"));
        }
        assert_eq!(quote_handles("assignee: '@me'\ntitle: a@b\nassignee: []\n"), None);
    }

    #[test]
    fn quotes_are_suggested_only_where_they_repair() {
        // In place of a parser that fails at a second colon in a plain value.
        let next_error = |text: &str| {
            let bad = |line: &str| {
                line.split_once(": ").is_some_and(|(_, value)| !value.starts_with('\'') && value.contains(": "))
            };
            lines(text, 0).position(|(_, line)| bad(line))
        };
        let suggest =
            |block: &str| suggest_quotes(block, next_error(block).unwrap(), ':', &next_error).map(|(_, line)| line);
        assert_eq!(suggest("id: x\ntitle: a: b\n"), Some("title: 'a: b'".to_owned()));
        assert_eq!(suggest("title: a: b\nother: c: d\n"), Some("title: 'a: b'".to_owned()));
        // An error that stays in its line.
        assert_eq!(suggest_quotes("id: x\ntags: [a\n", 1, ':', &|_| Some(1)), None);
    }

    #[test]
    fn a_broken_head_names_its_id() {
        assert_eq!(id_of_broken("---\ntitle: [\nid: 'T-1'\n"), Some("T-1"));
        assert_eq!(id_of_broken("+++\nid = \"T-1\"\n"), Some("T-1"));
        assert_eq!(id_of_broken("---\ntitle: [\n"), None);
    }
}
