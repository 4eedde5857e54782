//! Problems as text with the source line, a caret and hints, as rustc prints them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::agents::{is_bidi_control, sanitize_line};
use crate::lifecycle::project::show;
use crate::model::problem::{Problem, Severity};

/// One problem as text, with a final newline.
pub(crate) fn render(problem: &Problem, colour: bool) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = problem.message.lines().map(sanitize_line).collect::<Vec<_>>().join("; ");
    let title = level.primary_title(message.clone());
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = match problem.place.as_ref() {
        Some(place) => {
            let path = shown(&place.path);
            match &place.excerpt {
                Some(excerpt) => {
                    let source = without_bidi(&excerpt.source);
                    let source: &str = &source;
                    let span = excerpt.start..excerpt.end;
                    let snippet = Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(span));
                    renderer.render(&[title.element(snippet)])
                }
                None => {
                    let origin = annotate_snippets::Origin::path(path);
                    renderer.render(&[title.element(origin)])
                }
            }
        }
        None => renderer.render(&[Group::with_title(title)]),
    };
    text.push('\n');
    for hint in &problem.hints {
        text.push_str(&format!("hint: {}\n", sanitize_line(hint)));
    }
    text
}

/// Replaces bidirectional control characters by visible ones of equal length in bytes, so that positions stay valid.
fn without_bidi(text: &str) -> Cow<'_, str> {
    if !text.contains(is_bidi_control) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| match c.len_utf8() {
        _ if !is_bidi_control(c) => c,
        2 => '\u{b7}',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(visible).collect())
}

/// The current folder.
pub(crate) fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// A path relative to the current folder, if it is below it.
pub(crate) fn shown(path: &Path) -> String {
    show::path(path, &here())
}
