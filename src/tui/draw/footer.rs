//! The last line: a notice, or the keys that apply now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::agents::sanitize_line;
use crate::snapshot::ListedRun;
use crate::tui::ui_state::UiState;
use crate::view::key_table::{KeyEntry, of_terminal};

/// The key that leaves the view.
const LEAVE: &str = "q";

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &UiState) {
    let line = match &state.notice {
        Some(notice) => {
            let colour = if notice.is_error { Color::Red } else { Color::Green };
            Line::styled(sanitize_line(&notice.text), Style::new().fg(colour).add_modifier(Modifier::BOLD))
        }
        None if state.acting > 0 => Line::raw("working…"),
        None => keys(state, usize::from(area.width)),
    };
    frame.render_widget(line, area);
}

/// As many as fit: first those for the chosen run, and always those for help and to leave.
fn keys(state: &UiState, width: usize) -> Line<'static> {
    let key = |label: &'static str, short: &str| {
        [Span::styled(label, Style::new().add_modifier(Modifier::BOLD)), Span::raw(format!(" {short}  "))]
    };
    let last = [key("?", "help"), key(LEAVE, "quit")].concat();
    let mut room = width.saturating_sub(last.iter().map(Span::width).sum());
    let chosen = state.chosen();
    let named = |entry: &&KeyEntry| !entry.short.is_empty() && entry.key != LEAVE;
    let shown = of_terminal().filter(named).filter(|entry| applies(&entry.key, chosen));
    let (for_all, for_run): (Vec<&KeyEntry>, Vec<&KeyEntry>) = shown.partition(|entry| applies(&entry.key, None));
    let mut spans = Vec::new();
    for entry in for_run.into_iter().chain(for_all) {
        let shown = key(&entry.label, &entry.short);
        let columns: usize = shown.iter().map(Span::width).sum();
        if columns > room {
            break;
        }
        room -= columns;
        spans.extend(shown);
    }
    spans.extend(last);
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
        "B" | "l" | "d" | "w" | "Enter" => chosen.is_some(),
        _ => true,
    }
}
