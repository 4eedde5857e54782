//! The state of the view → one frame. Reads only; the places of the parts are returned for the mouse.

mod footer;
mod list_view;
mod picker_view;
mod popup_view;
mod preview_view;
mod safe_cells;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::agents::sanitize_line;
use crate::tui::ui_state::{Areas, Focus, UiState};
use crate::view::amounts::dollars;

pub(crate) use picker_view::draw_picker;

/// From this width on both halves are shown.
const WIDE: u16 = 100;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    pub(crate) colour: bool,
    /// Characters beyond ASCII.
    pub(crate) unicode: bool,
}

pub(super) fn draw(frame: &mut Frame<'_>, state: &UiState, abilities: Abilities, now: Timestamp) -> (Areas, usize) {
    let rows = Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]);
    let [head, body, foot] = rows.areas(frame.area());
    frame.render_widget(header(state, now), head);
    let is_narrow = frame.area().width < WIDE;
    let (left, right) = match (is_narrow, state.focus) {
        (true, Focus::List) => (body, Rect::ZERO),
        (true, Focus::Preview) => (Rect::ZERO, body),
        (false, _) => {
            let [left, right] = Layout::horizontal([Constraint::Percentage(45), Constraint::Fill(1)]).areas(body);
            (left, right)
        }
    };
    let (list, top) = list_view::draw(frame, left, state, now);
    let (tabs, preview) = preview_view::draw(frame, right, state);
    footer::draw(frame, foot, state);
    if let Some(popup) = &state.popup {
        popup_view::draw(frame, body, popup);
    }
    safe_cells::apply(frame.buffer_mut(), abilities);
    (Areas { list, preview, tabs, is_narrow }, top)
}

/// Project, slots, cost, usage limit, and how many runs need the user.
fn header(state: &UiState, now: Timestamp) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut spans = vec![Span::styled(" dispatch ", bold.add_modifier(Modifier::REVERSED)), Span::raw(" ")];
    if let Some(catalog) = &state.catalog {
        spans.push(Span::styled(sanitize_line(&catalog.project.name), bold));
        spans.push(Span::raw("  "));
    }
    if let Some(trouble) = state.trouble.as_ref().or(state.broken.as_ref()) {
        spans.push(Span::styled(sanitize_line(trouble), Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)));
        return Line::from(spans);
    }
    let Some(groups) = &state.groups else { return Line::from(spans) };
    if !groups.needs.is_empty() {
        let count = groups.needs.len();
        spans.push(Span::styled(format!("{count} need{} you", if count == 1 { "s" } else { "" }), needs_style()));
        spans.push(Span::raw("  "));
    }
    let limits = state.catalog.as_ref().map(|catalog| catalog.limits).unwrap_or_default();
    let slots = match limits.jobs {
        0 => String::new(),
        jobs => format!("slots {}/{jobs}  ", groups.capacity.slots_in_use),
    };
    spans.push(Span::raw(slots));
    let spent = dollars(groups.capacity.spent_today_usd);
    let today = match limits.budget_day {
        Some(budget) => format!("{spent} of {} today", dollars(budget)),
        None => format!("{spent} today"),
    };
    spans.push(Span::raw(today));
    if let Some(limit) = groups.capacity.usage_limits.first().filter(|limit| limit.until > now) {
        let agent = sanitize_line(limit.agent.as_deref().unwrap_or("agent"));
        let until = crate::os::clock::local_moment(limit.until, now);
        spans.push(Span::styled(format!("  {agent}: usage limit until {until}"), needs_style()));
    }
    Line::from(spans)
}

fn needs_style() -> Style {
    Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD)
}

/// A frame on the side where the other half is.
fn side(title: Line<'static>, has_focus: bool, borders: Borders) -> Block<'static> {
    let style = if has_focus { Style::new().fg(Color::Cyan) } else { Style::new().fg(Color::DarkGray) };
    Block::new().borders(borders).border_style(style).title(title)
}
