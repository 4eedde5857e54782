//! YAML values on one line, for hints that show the text to write.

use crate::manifest::document::shown;
use crate::manifest::tree::{Node, NodeKind};

/// Longer values are shown as `…`.
const LENGTH_MAX: usize = 48;

/// `key: value`.
pub(crate) fn entry(key: &str, value: &Node) -> String {
    format!("{}: {}", text(key), node(value))
}

/// A value on one line; `…` if it is long.
pub(crate) fn node(node: &Node) -> String {
    let full = whole(node);
    if full.chars().count() > LENGTH_MAX { "…".to_owned() } else { full }
}

fn whole(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "…".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Int(value) => value.to_string(),
        NodeKind::Float(value) => value.to_string(),
        NodeKind::Text(value) => text(value),
        NodeKind::List(items) => list(items.iter().map(whole)),
        NodeKind::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", whole(key), whole(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// `[a, b]` from values that are YAML already.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A text as part of a flow value: plain if YAML reads it as text, else in quotes.
pub(crate) fn text(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.chars().all(|c| c.is_alphanumeric() || "_./-+@".contains(c))
        && !value.starts_with(['@', '.'])
        && value != "-"
        && stays_text(value)
        // YAML 1.1 parsers read these words as booleans.
        && !["yes", "no", "on", "off"].contains(&value.to_ascii_lowercase().as_str());
    if is_plain { value.to_owned() } else { format!("\"{}\"", shown(value).replace('"', "\\\"")) }
}

/// Whether YAML reads `value` without quotes as text.
pub(crate) fn stays_text(value: &str) -> bool {
    let is_word = ["true", "false", "null", "~"].contains(&value.to_ascii_lowercase().as_str());
    let is_number =
        value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && value.parse::<f64>().is_ok();
    !is_word && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        for (value, shown) in [
            ("lint", "lint"),
            ("--verbose", "--verbose"),
            ("a/b.md", "a/b.md"),
            ("1", "\"1\""),
            ("true", "\"true\""),
            ("", "\"\""),
            ("*.md", "\"*.md\""),
            ("say \"x\"", "\"say \\\"x\\\"\""),
        ] {
            assert_eq!(text(value), shown);
        }
    }

    #[test]
    fn values_are_written_on_one_line() {
        let root = crate::manifest::tree::parse("a: [1, x]\nb: { c: 'd: e' }\n").unwrap().root;
        assert_eq!(node(&root), "{ a: [1, x], b: { c: \"d: e\" } }");
    }
}
