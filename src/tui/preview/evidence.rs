//! Why a run is in its state: the recorded facts of an ended run, what a gate waits for, the signs of an agent's
//! activity.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::agents::sanitize_line;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::exit_explanation::{self, Bears};
use crate::lifecycle::summary::{explain, gate_facts};
use crate::model::run::Run;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::clock;
use crate::tui::preview::{PreviewRequest, styled_text};
use crate::view::amounts::{cost, duration};
use crate::view::run_view::RunView;

pub(super) fn lines(store: &Store, request: &PreviewRequest) -> Vec<Line<'static>> {
    let run = &request.run;
    let mut lines = facts(run);
    if run.state == RunState::Queued(WaitingFor::Gate) {
        lines.extend(gate(store, run, &request.needs));
    }
    for sign in explain::activity_signs(store, run) {
        let ago = sign.at.map(|at| format!(", {} ago", duration(clock::millis_between(at, clock::now()))));
        lines.push(row(sign.name, &format!("{}{}", sign.says, ago.unwrap_or_default())));
    }
    for fact in exit_explanation::why_ended(store, run) {
        let colour = match fact.bears {
            Bears::Success => Some(Color::Green),
            Bears::Failure => Some(Color::Red),
            Bears::Neither => None,
        };
        let line = row(fact.about, &fact.says);
        lines.push(colour.map_or(line.clone(), |colour| line.patch_style(Style::new().fg(colour))));
    }
    store.close_index();
    lines
}

/// What its records say about every run.
fn facts(run: &Run) -> Vec<Line<'static>> {
    let view = RunView::new(run, clock::now());
    let state = match view.waiting_for {
        Some(what) => format!("{}: {what}", view.state),
        None => view.state.replace('_', " "),
    };
    let rows = [
        ("state", Some(state)),
        ("reason", view.reason.clone()),
        ("hint", view.hint.clone()),
        ("node", view.node.clone()),
        ("cost", view.cost_usd.map(cost)),
        ("folder", Some(view.cwd.display().to_string())),
        ("started by", view.started_by.map(str::to_owned)),
        ("go on", view.go_on.clone()),
        ("run", Some(view.run_id.clone())),
    ];
    let mut lines: Vec<Line<'static>> = rows.into_iter().filter_map(|(name, value)| Some(row(name, &value?))).collect();
    for denial in &view.denials {
        lines.push(row("denied", &format!("{} {}", denial.tool, denial.input)));
    }
    if let Some(answer) = &view.answer {
        lines.push(Line::raw(""));
        lines.push(Line::styled("Answer", Style::new().add_modifier(Modifier::BOLD)));
        lines.extend(styled_text::lines(answer.as_bytes()));
        lines.push(Line::raw(""));
    }
    lines
}

/// What a person decides on.
fn gate(store: &Store, run: &Run, needed: &[String]) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let facts = match gate_facts::gate_facts(store, run, needed) {
        Ok(facts) => facts,
        Err(error) => return vec![Line::raw(error.to_string())],
    };
    let mut lines = vec![Line::raw(""), Line::styled("Waits for approval: y approves, x rejects", bold)];
    for need in &facts.needs {
        let view = RunView::new(need, clock::now());
        lines.push(row("needed", &format!("{} {}", need.pair(), view.state.replace('_', " "))));
        lines.extend(styled_text::lines(view.answer.unwrap_or_default().as_bytes()));
    }
    if let Some(prompt) = facts.prompt {
        lines.push(Line::styled("Its prompt", bold));
        lines.extend(styled_text::lines(prompt.as_bytes()));
    }
    lines
}

fn row(name: &str, value: &str) -> Line<'static> {
    let value = sanitize_line(&value.replace('\n', " "));
    Line::from(vec![Span::styled(format!("{name:<10} "), Style::new().fg(Color::DarkGray)), Span::raw(value)])
}
