//! Parses commands of a manifest: a list is argv; a text is split as a shell splits it, but no shell runs. So operators
//! of the shell are refused and not passed to the program.

use crate::manifest::document::{At, Document, shown};
use crate::manifest::tree::{Node, NodeKind};
use crate::model::problem::Problem;

/// Private-use characters that replace a template expression while words are split.
const OPEN: char = '\u{e000}';
const OPEN_TEXT: &str = "\u{e000}";
const CLOSE: char = '\u{e001}';

/// Reads argv of at least one word from `node`; `None` after adding a problem.
pub(crate) fn read(document: &Document, node: &Node, what: &str) -> Option<Vec<String>> {
    let words = match &node.kind {
        NodeKind::List(_) => document.read_texts(node, what)?,
        NodeKind::Text(_) => {
            let text = document.read_text(node, what)?;
            match split(&text) {
                Ok(words) => words,
                Err(problem) => {
                    document.add(At::Node(node.id), problem);
                    return None;
                }
            }
        }
        _ => {
            document.expected(node, what, "a command: text or a list of words");
            return None;
        }
    };
    if words.first().is_none_or(|program| program.is_empty()) {
        document.error(At::Node(node.id), format!("`{what}` names no program"));
        return None;
    }
    Some(words)
}

/// Splits as a shell does, but keeps `{{ … }}` in one piece.
fn split(text: &str) -> Result<Vec<String>, Problem> {
    let (masked, expressions) = mask(text);
    if let Some(operator) = shell_operator(&masked) {
        let problem = Problem::error(format!("`{operator}` needs a shell, and no shell runs"));
        return Err(problem.hint(format!("write [sh, -c, {}]", quoted(text))));
    }
    let words = shell_words::split(&masked)
        .map_err(|_| Problem::error(format!("a quote in `{}` is not closed", shown(text))))?;
    if let Some(name) = words.first().filter(|_| words.len() > 1).and_then(|word| assignment(word)) {
        let problem = Problem::error(format!("`{name}=…` before a program needs a shell, and no shell runs"));
        return Err(problem.hint(format!("set `{name}` under `env:`")));
    }
    Ok(words.iter().map(|word| unmask(word, &expressions)).collect())
}

fn quoted(text: &str) -> String {
    format!("{:?}", text.trim())
}

fn assignment(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    crate::manifest::settings_section::is_env_name(name).then_some(name)
}

/// Replaces each `{{ … }}` and `{% … %}` by its number between [`OPEN`] and [`CLOSE`], so that it contains no blanks.
fn mask(text: &str) -> (String, Vec<&str>) {
    let mut masked = String::with_capacity(text.len());
    let mut expressions = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let close = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let Some(length) = rest[start..].find(close) else { break };
        let end = start + length + close.len();
        masked.push_str(&rest[..start]);
        masked.push_str(&format!("{OPEN}{}{CLOSE}", expressions.len()));
        expressions.push(&rest[start..end]);
        rest = &rest[end..];
    }
    masked.push_str(rest);
    (masked, expressions)
}

fn unmask(word: &str, expressions: &[&str]) -> String {
    let mut text = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once(OPEN) {
        text.push_str(before);
        let found = after.split_once(CLOSE).and_then(|(number, after)| {
            let expression: &&str = expressions.get(number.parse::<usize>().ok()?)?;
            Some((*expression, after))
        });
        let (expression, after) = found.unwrap_or((OPEN_TEXT, after));
        text.push_str(expression);
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The first shell operator outside quotes.
fn shell_operator(text: &str) -> Option<String> {
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), _) if c != '\'' => {}
            (_, '\\') => {
                chars.next();
            }
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '&' | ';' | '<' | '>') => {
                let doubled = chars.peek() == Some(&c);
                return Some(if doubled { format!("{c}{c}") } else { c.to_string() });
            }
            (Some('"') | None, '`') => return Some("`".to_owned()),
            (Some('"') | None, '$') if chars.peek() == Some(&'(') => return Some("$(".to_owned()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell_and_keeps_expressions_whole() {
        for (text, words) in [
            ("npm ci", vec!["npm", "ci"]),
            ("a 'b c' \"d;e\" f\\ g", vec!["a", "b c", "d;e", "f g"]),
            ("x {{ task.id | lower }}/y", vec!["x", "{{ task.id | lower }}/y"]),
            ("x '{{ a }} {{ b }}'", vec!["x", "{{ a }} {{ b }}"]),
            ("test -s 'a && b'", vec!["test", "-s", "a && b"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn refuses_what_only_a_shell_understands() {
        for (text, operator) in [
            ("a && b", "&&"),
            ("a || b", "||"),
            ("a | b", "|"),
            ("a; b", ";"),
            ("a > b", ">"),
            ("a 2>&1", ">"),
            ("a < b", "<"),
            ("a &", "&"),
            ("a $(b)", "$("),
            ("a \"`b`\"", "`"),
        ] {
            let problem = split(text).unwrap_err();
            assert_eq!(problem.message, format!("`{operator}` needs a shell, and no shell runs"), "{text}");
            assert!(problem.hints[0].starts_with("write [sh, -c, \""), "{text}");
        }
        assert_eq!(split("a 'b").unwrap_err().message, "a quote in `a 'b` is not closed");
        assert_eq!(split("CI=1 npm ci").unwrap_err().hints, ["set `CI` under `env:`"]);
    }
}
