//! Finds the front matter at the start of a task file, and parses it.
//!
//! Three forms: TOML between `+++`, YAML between `---`, and title-first (`# Title`, blank lines, then a `---` block).
//! Anything else is plain Markdown.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::model::text_lines::{line_of, lines};
use crate::tasks::lenient::{quote_handles, suggest_quotes};
use crate::tasks::value::read_mapping;

/// The form of a file's front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Toml,
    Yaml,
    TitleFirst,
    Plain,
}

/// The parts of a file, in bytes of the text that was split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) form: Form,
    /// The heading of a title-first file.
    pub(super) title: Option<String>,
    pub(super) block: Range<usize>,
    pub(super) body: usize,
}

/// The opening line of a front matter without an end in the given text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    pub(super) fence: Range<usize>,
    /// A `---` under a heading may be a rule: then the file is [`Form::Plain`].
    pub(super) certain: bool,
}

/// An error in a front matter, with its position in bytes of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetaError {
    pub(super) message: String,
    pub(super) at: Option<Range<usize>>,
    /// The corrected line, if its value lacks only quotes.
    pub(super) write: Option<String>,
}

/// Treats the whole text as a body.
pub(super) fn plain(text: &str) -> Split {
    let start = bom_len(text);
    Split { form: Form::Plain, title: None, block: start..start, body: start }
}

/// Splits `text`, which may be only the start of a file.
pub(super) fn split(text: &str) -> Result<Split, Unclosed> {
    let mut rest = lines(text, bom_len(text)).skip_while(|(_, line)| line.trim().is_empty());
    let Some((first_range, first)) = rest.next() else { return Ok(plain(text)) };
    let (form, title, fence) = match first.trim_end() {
        "+++" => (Form::Toml, None, first_range),
        "---" => (Form::Yaml, None, first_range),
        line => {
            let Some(title) = line.strip_prefix("# ") else { return Ok(plain(text)) };
            let mut rest = rest.skip_while(|(_, line)| line.trim().is_empty());
            match rest.next() {
                Some((range, rule)) if rule.trim_end() == "---" => {
                    let key = rest.find(|(_, line)| !line.trim().is_empty());
                    if key.is_some_and(|(_, line)| !starts_with_key(line)) {
                        return Ok(plain(text));
                    }
                    (Form::TitleFirst, Some(title.trim().to_owned()), range)
                }
                _ => return Ok(plain(text)),
            }
        }
    };
    let closes = |line: &str| match form {
        Form::Toml => line == "+++",
        _ => line == "---" || line == "...",
    };
    let mut start = None;
    for (range, line) in lines(text, fence.start).skip(1) {
        let block_start = *start.get_or_insert(range.start);
        if closes(line.trim_end()) {
            let after = lines(text, range.start).nth(1).map_or(text.len(), |(next, _)| next.start);
            return Ok(Split { form, title, block: block_start..range.start, body: after });
        }
    }
    Err(Unclosed { fence, certain: form != Form::TitleFirst })
}

/// Parses the block that [`split`] found.
pub(super) fn read(form: Form, block: &str) -> Result<BTreeMap<String, Value>, MetaError> {
    let parse = |parse: Parse, separator| parse(block).map_err(|error| with_quotes(error, block, separator, parse));
    match form {
        Form::Plain => Ok(BTreeMap::new()),
        Form::Toml => parse(parse_toml, '='),
        Form::Yaml => parse(parse_quoted, ':'),
        Form::TitleFirst => parse(parse_quoted, ':').or_else(|error| read_lines(block).ok_or(error)),
    }
}

fn parse_toml(block: &str) -> Result<BTreeMap<String, Value>, MetaError> {
    toml::Deserializer::parse(block).and_then(read_mapping).map_err(|error| MetaError {
        message: first_line(error.message()),
        at: error.span(),
        write: None,
    })
}

/// Parses YAML; if it is refused, parses it with quoted handles, whose error is the real mistake.
fn parse_quoted(block: &str) -> Result<BTreeMap<String, Value>, MetaError> {
    parse_yaml(block).or_else(|error| match quote_handles(block) {
        Some(quoted) => parse_yaml(&quoted).map_err(|other| at_line_of(other, &quoted, block)),
        None => Err(error),
    })
}

fn parse_yaml(block: &str) -> Result<BTreeMap<String, Value>, MetaError> {
    read_mapping(serde_yaml::Deserializer::from_str(block)).map_err(|error| {
        let text = error.to_string();
        // The position is data, and is shown relative to the file, not to the block.
        let message = text.split(" at line ").next().unwrap_or(&text);
        let at = error.location().map(|place| place.index().min(block.len()));
        MetaError { message: first_line(message), at: at.map(|at| at..at), write: None }
    })
}

/// Moves the error to the line of `block` with the number that its line has in `quoted`.
fn at_line_of(error: MetaError, quoted: &str, block: &str) -> MetaError {
    let at = error.at.as_ref().map(|at| {
        let start = lines(block, 0).nth(line_of(quoted, at.start)).map_or(block.len(), |(range, _)| range.start);
        start..start
    });
    MetaError { at, ..error }
}

/// A parser of a block.
type Parse = fn(&str) -> Result<BTreeMap<String, Value>, MetaError>;

/// Moves the error to the line that quotes would repair, if there is one, and adds the corrected line.
fn with_quotes(error: MetaError, block: &str, separator: char, parse: Parse) -> MetaError {
    let Some(at) = error.at.as_ref().map(|at| line_of(block, at.start)) else { return error };
    let next = |text: &str| parse(text).err().map(|error| error.at.map_or(0, |at| line_of(text, at.start)));
    match suggest_quotes(block, at, separator, &next) {
        Some((range, line)) => MetaError { at: Some(range), write: Some(line.trim().to_owned()), ..error },
        None => error,
    }
}

/// Title-first files are often written by hand: if YAML refuses a line `key: value`, its value is taken unchanged
/// (`title: Fix: the parser`, `assignee: @me`).
fn read_lines(block: &str) -> Option<BTreeMap<String, Value>> {
    let mut map = BTreeMap::new();
    for (_, line) in lines(block, 0).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        if !starts_with_key(line) {
            return None;
        }
        let (key, value) = line.split_once(':')?;
        let value = value.trim();
        let inner = value.strip_prefix('[').and_then(|v| v.strip_suffix(']'));
        let value = match inner {
            Some(items) => items.split(',').map(unquote).filter(|item| !item.is_empty()).collect(),
            None => Value::String(unquote(value).to_owned()),
        };
        if map.insert(key.trim().to_owned(), value).is_some() {
            return None;
        }
    }
    Some(map)
}

/// Removes surrounding blanks and quotes.
pub(super) fn unquote(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn starts_with_key(line: &str) -> bool {
    let end = line.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(line.len());
    let rest = line[end..].trim_start_matches([' ', '\t']);
    end > 0 && rest.strip_prefix(':').is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t']))
}

fn bom_len(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("").trim_end_matches('.').to_owned()
}
