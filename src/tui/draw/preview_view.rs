//! The chosen run beside the list: its head, the tabs, and the content of the chosen tab.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Borders, Paragraph};
use unicode_width::UnicodeWidthChar as _;

use crate::agents::sanitize_line;
use crate::snapshot::ListedRun;
use crate::tui::draw::list_view::state_style;
use crate::tui::draw::side;
use crate::tui::preview::PreviewTab;
use crate::tui::ui_state::{Focus, UiState};

/// Draws it. Returns the areas of the tabs and of the content.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &UiState) -> (Rect, Rect) {
    if area.is_empty() {
        return (Rect::ZERO, Rect::ZERO);
    }
    let borders = if state.areas.is_narrow { Borders::TOP } else { Borders::TOP | Borders::LEFT };
    let title = state.chosen().map_or_else(|| Line::raw(""), title);
    let block = side(title, state.focus == Focus::Preview, borders);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(chosen) = state.chosen() else { return (Rect::ZERO, inner) };
    let parts = [Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1)];
    let [about_area, tabs_area, content_area] = Layout::vertical(parts).areas(inner);
    frame.render_widget(about(state, chosen), about_area);
    frame.render_widget(tabs(state, chosen), tabs_area);
    let lines = content(state, content_area);
    frame.render_widget(Paragraph::new(lines), content_area);
    (tabs_area, content_area)
}

fn title(chosen: &ListedRun) -> Line<'static> {
    let badge = &chosen.badge;
    Line::from(vec![
        Span::styled(format!(" {} {} ", badge.mode, badge.task), Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(format!("{} ", sanitize_line(&badge.word)), state_style(badge.key)),
    ])
}

/// What it does or why it is in its state, else the title of its task.
fn about(state: &UiState, chosen: &ListedRun) -> Line<'static> {
    let badge = &chosen.badge;
    let title = state.titles.get(&badge.task).map_or("", String::as_str);
    let text = [badge.reason.as_str(), chosen.view.hint.as_deref().unwrap_or_default()];
    let text: Vec<&str> = text.into_iter().filter(|text| !text.is_empty()).collect();
    let text = if text.is_empty() { title.to_owned() } else { text.join("; ") };
    Line::styled(sanitize_line(&text), Style::new().fg(Color::DarkGray))
}

fn tabs(state: &UiState, chosen: &ListedRun) -> Line<'static> {
    let (has_window, shown) = (chosen.run.facts.form.has_window(), state.shown_tab());
    let tab = |tab: PreviewTab| {
        let style = match tab == shown {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        Span::styled(format!(" {} ", tab.name(has_window)), style)
    };
    Line::from(PreviewTab::ALL.map(tab).to_vec())
}

/// The lines that fit: from the first line shown, or the last ones. Long lines are wrapped, except those of a screen.
fn content(state: &UiState, area: Rect) -> Vec<Line<'static>> {
    let preview = &state.preview;
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let is_screen =
        state.shown_tab() == PreviewTab::Output && state.chosen().is_some_and(|run| run.run.facts.form.has_window());
    let wrapped = |line: &Line<'static>| if is_screen { vec![line.clone()] } else { wrap(line, width) };
    match preview.top {
        Some(top) => preview.lines.iter().skip(top).flat_map(wrapped).take(height).collect(),
        None => {
            let mut rows: Vec<Line<'static>> = Vec::new();
            for line in preview.lines.iter().rev() {
                rows.extend(wrapped(line).into_iter().rev());
                if rows.len() >= height {
                    break;
                }
            }
            rows.truncate(height);
            rows.reverse();
            rows
        }
    }
}

/// The line in rows of at most `width` columns, with its styles.
pub(super) fn wrap(line: &Line<'static>, width: usize) -> Vec<Line<'static>> {
    if line.width() <= width || width == 0 {
        return vec![line.clone()];
    }
    let mut rows = Vec::new();
    let mut row: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for span in &line.spans {
        let mut part = String::new();
        for c in span.content.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width {
                row.push(Span::styled(std::mem::take(&mut part), span.style));
                rows.push(Line::from(std::mem::take(&mut row)).style(line.style));
                used = 0;
            }
            part.push(c);
            used += columns;
        }
        row.push(Span::styled(part, span.style));
    }
    rows.push(Line::from(row).style(line.style));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_with_their_styles() {
        let red = Style::new().fg(Color::Red);
        let line = Line::from(vec![Span::raw("abc"), Span::styled("def日", red)]);
        let rows = wrap(&line, 4);
        let texts: Vec<String> = rows.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["abcd", "ef日"]);
        assert_eq!(rows[1].spans[0].style, red);
        assert_eq!(wrap(&line, 0).len(), 1);
    }
}
