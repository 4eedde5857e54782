//! Finds names in template text, with their byte ranges: the engine reports which names are unknown, but not where, and
//! nothing about filters. Must not decide what is valid; the engine does.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    Word,
    Text,
    Mark,
    /// The start of a `{{` or `{%`.
    Open,
}

#[derive(Clone, Debug)]
struct TemplateToken {
    kind: TokenKind,
    range: Range<usize>,
}

/// The words of a template's expressions and statements.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    source: &'a str,
    tokens: Vec<TemplateToken>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        let mut scan = Self { source, tokens: Vec::new() };
        let mut at = 0;
        let mut raw = false;
        while let Some(found) = source[at..].find('{') {
            let start = at + found;
            let rest = &source[start..];
            at = if raw {
                let end = rest.starts_with("{%").then(|| rest.find("%}")).flatten();
                raw = end.is_none_or(|end| rest[2..end].trim_matches(['-', '+', ' ']) != "endraw");
                start + 1
            } else if rest.starts_with("{#") {
                start + rest.find("#}").map_or(rest.len(), |end| end + 2)
            } else if rest.starts_with("{{") || rest.starts_with("{%") {
                let first = scan.tokens.len();
                let end = scan.region(start);
                raw = scan.word(first + 1) == Some("raw");
                end
            } else {
                start + 1
            };
        }
        scan
    }

    /// Reads one `{{ … }}` or `{% … %}`; returns where it ends.
    fn region(&mut self, start: usize) -> usize {
        let close = if self.source[start..].starts_with("{{") { "}}" } else { "%}" };
        self.tokens.push(TemplateToken { kind: TokenKind::Open, range: start..start + 2 });
        let mut at = start + 2;
        while let Some(c) = self.source[at..].chars().next() {
            let rest = &self.source[at..];
            if rest.starts_with(close) {
                return at + 2;
            }
            let (kind, length) = if c.is_alphanumeric() || c == '_' {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                (Some(TokenKind::Word), end)
            } else if c == '"' || c == '\'' {
                (Some(TokenKind::Text), text_length(rest, c))
            } else if c.is_whitespace() {
                (None, c.len_utf8())
            } else {
                (Some(TokenKind::Mark), c.len_utf8())
            };
            if let Some(kind) = kind {
                self.tokens.push(TemplateToken { kind, range: at..at + length });
            }
            at += length;
        }
        self.source.len()
    }

    fn text(&self, index: usize, kind: TokenKind) -> Option<&'a str> {
        let token = self.tokens.get(index).filter(|token| token.kind == kind)?;
        self.source.get(token.range.clone())
    }

    fn word(&self, index: usize) -> Option<&'a str> {
        self.text(index, TokenKind::Word)
    }

    fn mark(&self, index: usize) -> Option<&'a str> {
        self.text(index, TokenKind::Mark)
    }

    fn found(&self, index: usize) -> Option<(&'a str, Range<usize>)> {
        Some((self.word(index)?, self.tokens[index].range.clone()))
    }

    /// The names after `|`, and of `{% filter name %}`.
    pub(crate) fn filters(&self) -> Vec<(&'a str, Range<usize>)> {
        (1..self.tokens.len())
            .filter(|&i| {
                let block = self.word(i - 1) == Some("filter") && i >= 2 && self.tokens[i - 2].kind == TokenKind::Open;
                self.mark(i - 1) == Some("|") || block
            })
            .filter_map(|i| self.found(i))
            .collect()
    }

    /// The names after `is` and `is not`.
    pub(crate) fn tests(&self) -> Vec<(&'a str, Range<usize>)> {
        (1..self.tokens.len())
            .filter(|&i| {
                let negated = i >= 2 && self.word(i - 1) == Some("not") && self.word(i - 2) == Some("is");
                (self.word(i - 1) == Some("is") && self.word(i) != Some("not")) || negated
            })
            .filter_map(|i| self.found(i))
            .collect()
    }

    /// Templates named by a literal text in `include`, `import`, `from` and `extends`.
    pub(crate) fn references(&self) -> Vec<(String, Range<usize>)> {
        (0..self.tokens.len())
            .filter(|&i| self.tokens[i].kind == TokenKind::Open)
            .filter_map(|open| {
                let start = if self.mark(open + 1).is_some() { open + 2 } else { open + 1 };
                let keyword = self.word(start)?;
                ["include", "import", "from", "extends"].contains(&keyword).then_some(())?;
                let quoted = self.text(start + 1, TokenKind::Text)?;
                // `{% include "a" ignore missing %}` permits that it does not exist.
                (self.word(start + 2) != Some("ignore")).then_some(())?;
                let range = self.tokens[start + 1].range.clone();
                Some((quoted.get(1..quoted.len().checked_sub(1)?)?.to_owned(), range))
            })
            .collect()
    }

    /// Integers of seven or more digits next to a `*`, which repeats a text that often.
    pub(crate) fn huge_repeats(&self) -> Vec<Range<usize>> {
        (0..self.tokens.len())
            .filter(|&i| self.word(i).is_some_and(is_huge))
            .filter(|&i| self.mark(i + 1) == Some("*") || (i > 0 && self.mark(i - 1) == Some("*")))
            .map(|i| self.tokens[i].range.clone())
            .collect()
    }

    /// The first use of the dotted name (`task.idd`).
    pub(crate) fn name(&self, dotted: &str) -> Option<Range<usize>> {
        let parts: Vec<&str> = dotted.split('.').collect();
        (0..self.tokens.len()).find_map(|first| {
            if first > 0 && matches!(self.mark(first - 1), Some("." | "|")) {
                return None;
            }
            let last = first + 2 * (parts.len() - 1);
            let matches = parts.iter().enumerate().all(|(n, part)| {
                let here = first + 2 * n;
                self.word(here) == Some(part) && (n == 0 || self.mark(here - 1) == Some("."))
            });
            matches.then(|| self.tokens[first].range.start..self.tokens[last].range.end)
        })
    }
}

/// A number such as `1000000` or `1_000_000`.
fn is_huge(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits >= 7 && word.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        if c == quote && !escaped {
            return offset + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_filters_tests_and_references_are_found_where_they_stand() {
        let source = "a | b {# {{ x|no }} #}{{ task.id|lower }}{% if x is not odd %}{% include 'p/q.md' %}{% endif %}";
        let scan = Scan::new(source);
        let names = |found: Vec<(&str, Range<usize>)>| {
            found
                .into_iter()
                .map(|(n, r)| {
                    assert_eq!(&source[r], n);
                    n.to_owned()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names(scan.filters()), ["lower"]);
        assert_eq!(names(scan.tests()), ["odd"]);
        assert_eq!(scan.references()[0].0, "p/q.md");
        assert_eq!(&source[scan.name("task.id").unwrap()], "task.id");
        assert_eq!(scan.name("id"), None);
    }

    #[test]
    fn raw_text_and_unclosed_regions_hold_nothing_and_do_not_fail() {
        assert!(Scan::new("{% raw %}{{ a|b }}{% endraw %}").filters().is_empty());
        assert_eq!(Scan::new("{% raw %}{{ a|b }}{% endraw %}{{ c|d }}").filters().len(), 1);
        for source in ["{{", "{%", "{{ 'a", "{#", "{{ a|", "{", "{{ é|ü"] {
            Scan::new(source);
        }
    }
}
