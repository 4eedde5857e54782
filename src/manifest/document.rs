//! One parsed file while it is read, and the problems found on the way.
//!
//! Problems point at nodes; places are worked out at the end, for those that there are.

use std::cell::RefCell;
use std::sync::Arc;

use crate::manifest::repair;
use crate::manifest::source::Source;
use crate::manifest::text_place::{self, Span};
use crate::manifest::tree::{self, Node, NodeId, NodeKind, Parsed};
use crate::model::problem::Problem;

/// Positions cost a second reading each; a file with more mistakes than this is told so.
const PROBLEMS_MAX: usize = 50;

#[derive(Debug)]
pub(crate) struct Document {
    pub source: Source,
    problems: RefCell<Vec<(At, Problem)>>,
}

/// What a problem points at.
#[derive(Clone, Debug)]
pub(crate) enum At {
    Node(NodeId),
    /// A byte range within a text node's value.
    Within(NodeId, std::ops::Range<usize>),
    /// A byte range of the file.
    Bytes(usize, usize),
}

/// A user's text in a message: one line, no control characters, not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short.replace("\\\"", "\"").replace("\\'", "'")
}

impl Document {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, problems: RefCell::default() }
    }

    /// The root of the file; `None` after a syntax error. An empty file is an empty mapping.
    pub(crate) fn parse(&self) -> Option<Node> {
        match tree::parse(&self.source.text) {
            Ok(Parsed { root, tagged }) => {
                for id in tagged {
                    self.error(At::Node(id), "YAML tags (`!…`) are not supported");
                }
                if matches!(root.kind, NodeKind::Null) {
                    return Some(Node { id: root.id, kind: NodeKind::Map(Vec::new()) });
                }
                Some(root)
            }
            Err(error) => {
                if let Some(repair) = error.offset.and_then(|offset| repair::find(&self.source.text, offset)) {
                    let problem = Problem::error(repair.message).hint(repair.hint);
                    self.add(At::Bytes(repair.start, repair.end), problem);
                    return None;
                }
                let start = error.offset.unwrap_or(0);
                let mut problem = Problem::error(error.message);
                problem.hints.extend(error.hint.map(str::to_owned));
                self.add(At::Bytes(start, text_place::next_char(&self.source.text, start)), problem);
                None
            }
        }
    }

    pub(crate) fn add(&self, at: At, problem: Problem) {
        self.problems.borrow_mut().push((at, problem));
    }

    pub(crate) fn error(&self, at: At, message: impl Into<String>) {
        self.add(at, Problem::error(message));
    }

    /// All problems with their places, in the order of the text.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut found = self.problems.into_inner();
        let left_out = found.len().saturating_sub(PROBLEMS_MAX);
        found.truncate(PROBLEMS_MAX);
        let mut placed: Vec<(usize, Problem)> = found
            .into_iter()
            .map(|(at, problem)| {
                let span = place(&self.source.text, &at);
                (span.start, problem.at(self.source.path.clone(), &self.source.text, span.start, span.end))
            })
            .collect();
        placed.sort_by_key(|(start, _)| *start);
        let mut problems: Vec<Problem> = placed.into_iter().map(|(_, problem)| problem).collect();
        if left_out > 0 {
            problems.push(
                Problem::error(format!("{left_out} more problems are not shown")).in_file(self.source.path.clone()),
            );
        }
        problems
    }

    /// The line of key `name` below the line `section` (`modes:`), from 1; `None` where that takes
    /// more than a glance at the text. Keys of one block mapping share their indentation,
    /// and everything within their values stands deeper.
    pub(crate) fn key_line(&self, section: &str, name: &str) -> Option<usize> {
        let mut lines = self.source.text.lines().enumerate().skip_while(|(_, line)| !opens(line, section));
        lines.next()?;
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let mut indent = None;
        for (number, line) in lines.filter(|(_, line)| !blank(line)) {
            let own = line.len() - line.trim_start_matches(' ').len();
            let indent = *indent.get_or_insert(own);
            if own == 0 {
                return None;
            }
            let key = line.trim_start().split(':').next().unwrap_or("").trim_matches(['"', '\'']);
            if own == indent && key == name {
                return Some(number + 1);
            }
        }
        None
    }

    /// The lines of the items of the list below the line `section` (`runs:`), from 1; `None` where
    /// that takes more than a glance at the text. Items of one block share their indentation.
    pub(crate) fn item_lines(&self, section: &str) -> Option<Vec<usize>> {
        let mut lines = self.source.text.lines().enumerate().skip_while(|(_, line)| !opens(line, section));
        lines.next()?;
        let mut indent = None;
        let mut found = Vec::new();
        for (number, line) in lines {
            let text = line.trim_start_matches(' ');
            let own = line.len() - text.len();
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let item = text == "-" || text.starts_with("- ");
            let indent = *indent.get_or_insert(own);
            if own < indent || (own == indent && !item) {
                break;
            }
            if own == indent {
                found.push(number + 1);
            }
        }
        Some(found)
    }

    /// How far a node is indented, where nothing but blanks stands before it in its line. Costs a reading of the
    /// file.
    pub(crate) fn column(&self, id: NodeId) -> Option<usize> {
        let start = place(&self.source.text, &At::Node(id)).start;
        let line = self.source.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &self.source.text[line..start];
        // The first key of a list's item stands behind its `-`.
        before.trim_start_matches(' ').trim_start_matches('-').trim().is_empty().then(|| start - line)
    }

    /// The line of a node, from 1. Costs a reading of the file.
    pub(crate) fn line(&self, id: NodeId) -> usize {
        let start = place(&self.source.text, &At::Node(id)).start;
        self.source.text[..start].bytes().filter(|b| *b == b'\n').count() + 1
    }
}

/// Whether `line` is the key `section` (`runs:`) with nothing but a comment after it.
fn opens(line: &str, section: &str) -> bool {
    line.strip_prefix(section).map(str::trim).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

fn place(text: &Arc<str>, at: &At) -> Span {
    let node_start = |id| tree::locate(text, id).unwrap_or(0);
    let span = match at {
        At::Node(id) => text_place::token(text, node_start(*id)),
        At::Within(id, range) => text_place::within(text, node_start(*id), range),
        At::Bytes(start, end) => Span { start: *start, end: *end },
    };
    text_place::whole_characters(text, span.start, span.end)
}
