//! The boxes above the view.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::agents::sanitize_line;
use crate::tui::draw::picker_view;
use crate::tui::draw::preview_view::wrap;
use crate::tui::popup::{LinePopup, PlanPopup, Popup};
use crate::view::amounts::count_of_changes;
use crate::view::key_table::of_terminal;
use crate::view::plan_view::StepView;

/// Widest box, in columns.
const WIDTH: u16 = 100;
/// Lines of a box with a list that are not rows.
const PICKER_FRAME: usize = 4;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, popup: &Popup) {
    match popup {
        Popup::Help { top } => {
            let lines = help();
            let is_cut = lines.len() + 2 > usize::from(area.height);
            boxed(frame, area, if is_cut { " Keys   j/k: scroll " } else { " Keys " }, lines, |_| *top);
        }
        Popup::Confirm { question, .. } => {
            let lines = vec![Line::raw(sanitize_line(question)), Line::raw(""), Line::raw("y: yes   n: no")];
            boxed(frame, area, "", lines, |_| 0);
        }
        Popup::Line(line) => boxed(frame, area, &format!(" {} ", line.title()), line_box(line), cursor_row),
        Popup::Pick { picker, .. } => {
            let height = u16::try_from(picker.rows.len() + PICKER_FRAME).unwrap_or(u16::MAX);
            let inner = place(frame, area, height, &format!(" {} ", sanitize_line(&picker.title)));
            frame.render_widget(Paragraph::new(picker_view::lines(picker, inner)), inner);
        }
        Popup::Plan(plan) => {
            let inner = place(frame, area, area.height, " Plan ");
            frame.render_widget(Paragraph::new(plan_lines(plan, inner)), inner);
        }
    }
}

/// A box that is as high as its lines. If the screen is lower, `top` gives the first row shown, unless that leaves
/// room at the end.
fn boxed(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    top: impl FnOnce(&[Line<'static>]) -> usize,
) {
    let width = usize::from(WIDTH.min(area.width).saturating_sub(4)).max(1);
    let rows: Vec<Line<'static>> = lines.iter().flat_map(|line| wrap(line, width)).collect();
    let inner = place(frame, area, u16::try_from(rows.len() + 2).unwrap_or(u16::MAX), title);
    let last = rows.len().saturating_sub(usize::from(inner.height));
    let top = top(&rows).min(last);
    frame.render_widget(Paragraph::new(rows.into_iter().skip(top).collect::<Vec<_>>()), inner);
}

/// The row of a typed line's cursor.
fn cursor_row(rows: &[Line<'static>]) -> usize {
    let is_cursor = |span: &Span<'_>| span.style.add_modifier.contains(Modifier::REVERSED);
    rows.iter().position(|row| row.spans.iter().any(is_cursor)).unwrap_or(0)
}

/// Clears the place of a box, draws its frame, and returns the area inside.
fn place(frame: &mut Frame<'_>, area: Rect, height: u16, title: &str) -> Rect {
    let [row] = Layout::vertical([Constraint::Length(height.min(area.height))]).flex(Flex::Center).areas(area);
    let [at] = Layout::horizontal([Constraint::Length(WIDTH.min(area.width))]).flex(Flex::Center).areas(row);
    frame.render_widget(Clear, at);
    let block = Block::bordered().border_style(Style::new().fg(Color::Cyan)).title(title.to_owned());
    let inner = block.inner(at);
    frame.render_widget(block, at);
    let [_, inner, _] =
        Layout::horizontal([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
    inner
}

fn help() -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let row = |label: &str, meaning: &str| {
        Line::from(vec![Span::styled(format!("{label:<8}"), bold), Span::raw(meaning.to_owned())])
    };
    of_terminal().map(|entry| row(&entry.label, &entry.meaning)).collect()
}

fn line_box(line: &LinePopup) -> Vec<Line<'static>> {
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    let (before, after) = line.input.parts();
    // The line ends of a text from the editor.
    let shown = |text: &str| sanitize_line(&text.replace('\n', "⏎"));
    let mut cursor = after.chars();
    let under = cursor.next().map_or_else(|| " ".to_owned(), |c| shown(&c.to_string()));
    let mut lines = vec![Line::from(vec![
        Span::raw("> "),
        Span::raw(shown(before)),
        Span::styled(under, reversed),
        Span::raw(shown(cursor.as_str())),
    ])];
    if let Some(note) = &line.note {
        lines.push(Line::styled(sanitize_line(note.text()), Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)));
    }
    lines.push(Line::raw(""));
    let keys = if line.is_sent { "working…" } else { line.keys() };
    lines.push(Line::styled(keys, Style::new().fg(Color::DarkGray)));
    lines
}

fn plan_lines(popup: &PlanPopup, area: Rect) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(note) = &popup.note {
        lines.push(Line::styled(sanitize_line(note), Style::new().add_modifier(Modifier::BOLD)));
    }
    let Some(plan) = &popup.plan else {
        lines.push(Line::raw(if popup.note.is_some() { "" } else { "reading the plan…" }));
        return lines;
    };
    let keys = match plan.changes {
        0 => "Nothing to do.   Esc: close".to_owned(),
        changes => format!(
            "{}.   Enter: apply all   j/k: scroll   Esc: close",
            count_of_changes(u64::try_from(changes).unwrap_or(u64::MAX))
        ),
    };
    lines.push(Line::styled(keys, Style::new().fg(Color::DarkGray)));
    let steps = plan.steps.iter().skip(popup.top).flat_map(step_lines);
    lines.extend(steps);
    lines.truncate(usize::from(area.height));
    lines
}

fn step_lines(step: &StepView) -> Vec<Line<'static>> {
    let style = match step.action.as_str() {
        "start" => Style::new().fg(Color::Green),
        "restart" | "recreate" => Style::new().fg(Color::Yellow),
        "stop" => Style::new().fg(Color::Red),
        _ => Style::new().fg(Color::DarkGray),
    };
    let mut reason = sanitize_line(&step.reason);
    if let Some(needed_by) = &step.needed_by {
        reason = format!("{reason}; needed by {}", sanitize_line(needed_by));
    }
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{}{:<10}", "  ".repeat(step.depth), step.action), style),
        Span::raw(format!("{} {}  ", step.mode, step.task)),
        Span::styled(reason, Style::new().fg(Color::DarkGray)),
    ])];
    for drift in &step.drift {
        let value = |value: &Option<String>| sanitize_line(value.as_deref().unwrap_or("?"));
        lines.push(Line::raw(format!(
            "    {}: {} → {}",
            sanitize_line(&drift.field),
            value(&drift.was),
            value(&drift.would_be)
        )));
    }
    lines
}
