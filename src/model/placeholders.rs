//! Words of a user's command with placeholders, such as `{{ command }}`, that are replaced when the command is started.
//! They are not templates: only these names are known, and their values are whole texts.

/// Part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordPart<'a> {
    Text(&'a str),
    /// One of the known names.
    Placeholder(&'static str),
}

/// An expression in a word that is none of the known placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownExpression(pub String);

/// Splits a word at each `{{ name }}` whose name is among `known`. Fails on any other expression.
pub fn split<'a>(word: &'a str, known: &[&'static str]) -> Result<Vec<WordPart<'a>>, UnknownExpression> {
    let (mut parts, mut rest) = (Vec::new(), word);
    while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let Some(length) = rest[open..].find("}}").map(|at| at + 2) else {
            return Err(UnknownExpression(rest[open..].to_owned()));
        };
        let expression = &rest[open..open + length];
        let name = expression.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")).map(str::trim);
        let Some(name) = known.iter().copied().find(|known| Some(*known) == name) else {
            return Err(UnknownExpression(expression.to_owned()));
        };
        if open > 0 {
            parts.push(WordPart::Text(&rest[..open]));
        }
        parts.push(WordPart::Placeholder(name));
        rest = &rest[open + length..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(WordPart::Text(rest));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_split_at_its_placeholders() {
        use WordPart::{Placeholder, Text};
        for (word, parts) in [
            ("{{ command }}", vec![Placeholder("command")]),
            ("{{command}}", vec![Placeholder("command")]),
            ("exec {{ command }}; read", vec![Text("exec "), Placeholder("command"), Text("; read")]),
            ("{{ file }}:{{ line }}", vec![Placeholder("file"), Text(":"), Placeholder("line")]),
            ("-e", vec![Text("-e")]),
            ("", vec![Text("")]),
        ] {
            assert_eq!(split(word, &["command", "file", "line"]).unwrap(), parts, "{word}");
        }
        for word in
            ["{{ task.id }}", "{{ command", "{% if x %}", "{{ command }} {{ x }}", "{% command }}", "{{{ command }}"]
        {
            assert!(split(word, &["command"]).is_err(), "{word}");
        }
    }
}
