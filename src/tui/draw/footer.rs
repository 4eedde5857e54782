//! The last line: a notice, or the keys that apply now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::agents::sanitize_line;
use crate::snapshot::ListedRun;
use crate::tui::ui_state::UiState;
use crate::view::key_table::of_terminal;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &UiState) {
    let line = match &state.notice {
        Some(notice) => {
            let colour = if notice.is_error { Color::Red } else { Color::Green };
            Line::styled(sanitize_line(&notice.text), Style::new().fg(colour).add_modifier(Modifier::BOLD))
        }
        None if state.acting > 0 => Line::raw("working…"),
        None => keys(state),
    };
    frame.render_widget(line, area);
}

fn keys(state: &UiState) -> Line<'static> {
    let mut spans = Vec::new();
    let chosen = state.chosen();
    for entry in of_terminal().filter(|entry| !entry.short.is_empty() && applies(&entry.key, chosen)) {
        spans.push(Span::styled(entry.label.as_str(), Style::new().add_modifier(Modifier::BOLD)));
        spans.push(Span::raw(format!(" {}  ", entry.short)));
    }
    spans.push(Span::styled("?", Style::new().add_modifier(Modifier::BOLD)));
    spans.push(Span::raw(" help"));
    Line::from(spans)
}

/// Whether a key does something with the chosen run.
fn applies(key: &str, chosen: Option<&ListedRun>) -> bool {
    let has_window = |run: &ListedRun| run.badge.active && run.run.facts.form.has_window();
    match key {
        "a" | "i" => chosen.is_some_and(has_window),
        "s" => chosen.is_some_and(|run| run.badge.active),
        "R" => chosen.is_some_and(|run| !run.badge.active),
        "y" | "x" => chosen.is_some_and(|run| run.badge.gate),
        "B" | "l" | "d" | "Enter" => chosen.is_some(),
        _ => true,
    }
}
