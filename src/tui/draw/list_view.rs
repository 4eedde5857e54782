//! The list of runs.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Borders, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use crate::agents::sanitize_line;
use crate::os::clock;
use crate::snapshot::ListedRun;
use crate::tui::draw::{needs_style, side};
use crate::tui::list::ListRow;
use crate::tui::ui_state::{Focus, UiState};
use crate::view::amounts::{cost, duration};

/// Columns of the age and of the cost.
const AGE: usize = 8;
const COST: usize = 9;
/// Columns of the longest state, mode and task.
const STATE: usize = 14;
const MODE: usize = 14;
const TASK: usize = 20;

/// Columns of each part of a row; the title or reason gets the rest.
struct Columns {
    state: usize,
    task: usize,
    mode: usize,
    has_cost: bool,
    about: usize,
    /// Of all.
    width: usize,
}

/// Draws the list. Returns the area of its rows, and the first row shown.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &UiState, now: Timestamp) -> (Rect, usize) {
    if area.is_empty() {
        return (area, state.list.top);
    }
    let block = side(title(state), state.focus == Focus::List, Borders::TOP);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(groups) = &state.groups else {
        frame.render_widget(Paragraph::new("reading the runs…"), inner);
        return (inner, 0);
    };
    let rows = state.list.rows(groups);
    let is_chosen =
        |row: &ListRow<'_>| matches!(row, ListRow::Run(run) if Some(run.run.id()) == state.list.run.as_ref());
    let chosen = rows.iter().position(is_chosen).unwrap_or(0);
    let height = usize::from(inner.height);
    // The heading above the chosen run stays in sight where it can.
    let upper = chosen.saturating_sub(1);
    let last = if matches!(rows.get(chosen + 1), Some(ListRow::About(_))) { chosen + 1 } else { chosen };
    let top = state.list.top.min(upper).max((last + 1).saturating_sub(height));
    let columns = Columns::new(usize::from(inner.width), &rows);
    let lines: Vec<Line<'static>> = rows
        .iter()
        .enumerate()
        .skip(top)
        .take(height)
        .map(|(at, row)| match row {
            ListRow::Heading(group, count) => heading(group.name(), *count),
            ListRow::None(words) => Line::styled(format!("  {words}"), Style::new().fg(Color::DarkGray)),
            ListRow::Run(run) => {
                let has_line = matches!(rows.get(at + 1), Some(ListRow::About(_)));
                let line = columns.line(run, state, now, has_line);
                if at == chosen { reversed(line) } else { line }
            }
            ListRow::About(run) => about(run, state, columns.width),
        })
        .collect();
    if rows.is_empty() {
        frame.render_widget(Paragraph::new("nothing matches"), inner);
    }
    frame.render_widget(Paragraph::new(lines), inner);
    (inner, top)
}

fn title(state: &UiState) -> Line<'static> {
    let filter = &state.list.filter;
    let mut title = match (state.list.only_needs, state.list.is_typing) {
        (true, _) => " what needs me ".to_owned(),
        (false, _) => " runs ".to_owned(),
    };
    if state.list.is_typing {
        let (before, after) = filter.parts();
        title.push_str(&format!("/{before}▏{after} "));
    } else if !filter.text().is_empty() {
        title.push_str(&format!("/{} ", filter.text()));
    }
    Line::raw(title)
}

fn heading(name: &str, count: usize) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Line::from(vec![
        Span::styled(name.to_owned(), bold),
        Span::styled(format!(" {count}"), Style::new().fg(Color::DarkGray)),
    ])
}

impl Columns {
    fn new(width: usize, rows: &[ListRow<'_>]) -> Self {
        let longest = |of: &dyn Fn(&ListedRun) -> usize, most: usize| {
            let runs = rows.iter().filter_map(|row| if let ListRow::Run(run) = row { Some(of(run)) } else { None });
            runs.max().unwrap_or(0).min(most)
        };
        let has_cost = width > 60;
        let state = longest(&|run| word(run).width() + 2, STATE + 2);
        let fixed = state + AGE + 3 + if has_cost { COST } else { 0 };
        let room = width.saturating_sub(fixed);
        let mode = longest(&|run| run.badge.mode.width(), MODE.min(room / 2));
        let task = longest(&|run| run.badge.task.width(), TASK.min(room - mode));
        Self { state, task, mode, has_cost, about: room.saturating_sub(task + mode + 2), width }
    }

    fn line(&self, run: &ListedRun, state: &UiState, now: Timestamp, has_line: bool) -> Line<'static> {
        let badge = &run.badge;
        let style = state_style(badge.key);
        let since = badge.since.map(|since| duration(clock::millis_between(since, now))).unwrap_or_default();
        let mut spans = vec![
            Span::styled(fitted(&format!("{} {}", symbol(badge.key), word(run)), self.state), style),
            Span::raw(" "),
            Span::styled(fitted(&badge.task, self.task), Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" "),
            Span::raw(fitted(&badge.mode, self.mode)),
            Span::raw(format!(" {since:>AGE$}")),
        ];
        if self.has_cost {
            let cost = run.view.cost_usd.map(cost).unwrap_or_default();
            spans.push(Span::raw(format!("{cost:>COST$}")));
        }
        // What needs its user has a line of its own for that.
        if self.about > 4 && !has_line {
            let title = state.titles.get(&badge.task).map_or("", String::as_str);
            let about = if badge.reason.is_empty() { title } else { &badge.reason };
            let about = fitted(&sanitize_line(about), self.about.saturating_sub(2));
            spans.push(Span::styled(format!("  {about}"), Style::new().fg(Color::DarkGray)));
        }
        Line::from(spans)
    }
}

/// Why the run needs its user, and the keys that help.
fn about(run: &ListedRun, state: &UiState, width: usize) -> Line<'static> {
    let badge = &run.badge;
    let title = state.titles.get(&badge.task).map_or("", String::as_str);
    let (why, keys) = match badge.key {
        "gate" => (title, "[y] approve  [x] reject"),
        "waiting" => (badge.reason.as_str(), "[i] answer  [a] attach"),
        _ => (badge.reason.as_str(), "[Enter] log  [w] why"),
    };
    let room = width.saturating_sub(keys.width() + 5);
    let why = fitted(&sanitize_line(why), room.min(why.width()));
    Line::from(vec![Span::raw(format!("    {why} ")), Span::styled(keys, Style::new().fg(Color::Cyan))])
}

/// In one colour: reversed, several would be a patchwork.
fn reversed(mut line: Line<'static>) -> Line<'static> {
    for span in &mut line.spans {
        span.style.fg = None;
    }
    line.patch_style(Style::new().add_modifier(Modifier::REVERSED))
}

fn word(run: &ListedRun) -> String {
    match run.view.exit_code {
        Some(code) if run.badge.key == "failed" => format!("failed, exit {code}"),
        _ => sanitize_line(&run.word),
    }
}

/// `text` in exactly this many columns.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let is_long = text.width() > columns;
    let room = if is_long { columns.saturating_sub(1) } else { columns };
    for c in text.chars() {
        let width = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used + width > room {
            break;
        }
        out.push(c);
        used += width;
    }
    if is_long && columns > 0 {
        out.push('…');
        used += 1;
    }
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// Tells the states apart without colours.
fn symbol(key: &str) -> &'static str {
    match key {
        "waiting" | "gate" => "!",
        "failed" | "timed_out" | "lost" | "dependency_failed" => "✗",
        "succeeded" | "fresh" => "✓",
        "queued" => "○",
        "stopped" | "idle" => "·",
        "unknown" => "?",
        _ => "●",
    }
}

pub(super) fn state_style(key: &str) -> Style {
    match key {
        "waiting" | "gate" => needs_style(),
        "failed" | "timed_out" | "lost" | "dependency_failed" => Style::new().fg(Color::Red),
        "succeeded" | "fresh" | "working" | "running" => Style::new().fg(Color::Green),
        "queued" => Style::new().fg(Color::Cyan),
        "unknown" => Style::new().fg(Color::Magenta),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_columns() {
        for (text, columns, fit) in
            [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("日本語", 5, "日本…"), ("日本語", 4, "日… "), ("a", 0, "")]
        {
            assert_eq!(fitted(text, columns), fit);
        }
    }
}
