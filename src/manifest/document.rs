//! One parsed file and the problems found while it is read. A problem refers to a node; its position in the text is
//! found at the end, since that costs another parse of the file.

use std::cell::RefCell;
use std::sync::Arc;

use crate::manifest::merge_keys;
use crate::manifest::repair;
use crate::manifest::source::Source;
use crate::manifest::syntax::is_blank;
use crate::manifest::text_place::{self, Span};
use crate::manifest::tree::{self, Node, NodeId, NodeKind, Parsed};
use crate::model::problem::Problem;
use crate::model::text_lines::line_of;

/// Each problem's position costs a parse of the file; further problems are only counted.
const PROBLEMS_MAX: usize = 50;

#[derive(Debug)]
pub(crate) struct Document {
    pub source: Source,
    problems: RefCell<Vec<(At, Problem)>>,
}

/// The part of the file that a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Node(NodeId),
    /// A byte range within a text node's value.
    Within(NodeId, std::ops::Range<usize>),
    /// A byte range of the file.
    Bytes(usize, usize),
}

/// A user's text for a message: one line, without control characters, shortened.
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
        let text = &self.source.text;
        let error = match tree::parse(text) {
            Ok(Parsed { root, tagged }) => {
                for id in tagged {
                    self.error(At::Node(id), "YAML tags (`!…`) are not supported");
                }
                let is_empty = matches!(root.kind, NodeKind::Null);
                let root = if is_empty { Node { kind: NodeKind::Map(Vec::new()), ..root } } else { root };
                return Some(if text.contains("<<") { merge_keys::expand(self, root) } else { root });
            }
            Err(error) => error,
        };
        if let Some(repair) = error.offset.and_then(|offset| repair::find(text, offset)) {
            self.add(At::Bytes(repair.start, repair.end), Problem::error(repair.message).hint(repair.hint));
            return None;
        }
        let start = error.offset.unwrap_or(0);
        let mut problem = Problem::error(error.message);
        problem.hints.extend(error.hint.map(str::to_owned));
        self.add(At::Bytes(start, text_place::next_char(text, start)), problem);
        None
    }

    /// Adds a problem once: a value that several modes inherit is read several times.
    pub(crate) fn add(&self, at: At, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if !problems.iter().any(|(known, other)| *known == at && other.message == problem.message) {
            problems.push((at, problem));
        }
    }

    pub(crate) fn error(&self, at: At, message: impl Into<String>) {
        self.add(at, Problem::error(message));
    }

    /// All problems with their positions, in the order of the text.
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
        // An alias is a node of its own at the place of its anchor.
        placed.dedup_by(|(start, problem), (earlier, other)| start == earlier && problem.message == other.message);
        let mut problems: Vec<Problem> = placed.into_iter().map(|(_, problem)| problem).collect();
        if left_out > 0 {
            let problem = Problem::error(format!("{left_out} more problems are not shown"));
            problems.push(problem.in_file(self.source.path));
        }
        problems
    }

    /// The line of key `name` below the line `section` (`modes:`), from 1; `None` if it is not found without parsing.
    pub(crate) fn key_line(&self, section: &str, name: &str) -> Option<usize> {
        let key = |line: &str| line.split(':').next().is_some_and(|key| key.trim_matches(['"', '\'']) == name);
        self.lines_below(section).find(|(_, line)| key(line)).map(|(number, _)| number)
    }

    /// The lines of the items of the list below the line `section` (`runs:`), from 1, as far as they are found without
    /// parsing.
    pub(crate) fn item_lines(&self, section: &str) -> Vec<usize> {
        self.lines_below(section).map(|(number, _)| number).collect()
    }

    /// The lines directly below the line `section`, numbered from 1: the keys or items of one block have equal
    /// indentation, and their values are indented deeper.
    fn lines_below<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let lines = self.source.text.lines().zip(1..).skip_while(move |(line, _)| !opens(line, section)).skip(1);
        let mut first = None;
        lines
            .filter(|(line, _)| !is_blank(line))
            .map_while(move |(line, number)| {
                let text = line.trim_start_matches(' ');
                let indent = line.len() - text.len();
                let first = *first.get_or_insert(indent);
                // Without indentation only a list continues.
                let ends = indent < first || indent == 0 && !(text == "-" || text.starts_with("- "));
                (!ends).then_some((number, text, indent == first))
            })
            .filter_map(|(number, text, is_direct)| is_direct.then_some((number, text)))
    }

    /// The indentation of a node that is the first in its line. Costs a parse of the file.
    pub(crate) fn column(&self, id: NodeId) -> Option<usize> {
        let start = place(&self.source.text, &At::Node(id)).start;
        let line = self.source.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &self.source.text[line..start];
        // The first key of a list's item follows its `-`.
        before.trim_start_matches(' ').trim_start_matches('-').trim().is_empty().then(|| start - line)
    }

    /// The line of a node, from 1. Costs a parse of the file.
    pub(crate) fn line(&self, id: NodeId) -> usize {
        let start = place(&self.source.text, &At::Node(id)).start;
        line_of(&self.source.text, start) + 1
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
