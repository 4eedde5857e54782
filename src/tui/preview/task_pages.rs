//! The changes of a task's worktree, and the text of a task: read by a worker, in a thread of its own because a large
//! repository takes seconds.

use std::sync::Arc;

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::tui::act::ActFailure;
use crate::tui::message::{Message, PreviewChange};
use crate::tui::preview::{PreviewRequest, PreviewTab, PreviewTools, styled_text};
use crate::view::task_view::TaskDetail;
use crate::view::work_view::DiffView;
use crate::worker::{WorkerPool, WorkerRequest};

/// Reads the page and sends it. False if that cannot be begun.
pub(super) fn read(tools: &PreviewTools, request: PreviewRequest) -> bool {
    let (workers, sender) = (Arc::clone(&tools.workers), tools.sender.clone());
    let read = move || {
        let id = request.run.facts.task.to_string();
        let lines = match request.id.tab {
            PreviewTab::Task => task(&workers, id),
            _ => diff(&workers, id),
        };
        let lines = lines.unwrap_or_else(|failure| {
            let mut lines = vec![Line::raw(failure.message)];
            lines.extend(failure.hints.into_iter().map(Line::raw));
            lines
        });
        sender.send(Message::Preview(request.id, PreviewChange::Replace(lines)))
    };
    std::thread::Builder::new().name("page".to_owned()).spawn(read).is_ok()
}

fn task(workers: &WorkerPool, id: String) -> Result<Vec<Line<'static>>, ActFailure> {
    let detail: TaskDetail = workers.fetch(&WorkerRequest::Task { id })?;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(format!("{} {}", detail.task.id, detail.task.title), bold)];
    if let Some(path) = &detail.task.path {
        lines.push(Line::styled(path.display().to_string(), Style::new().fg(Color::DarkGray)));
    }
    lines.push(Line::raw(""));
    lines.extend(styled_text::lines(detail.body.as_bytes()));
    Ok(lines)
}

fn diff(workers: &WorkerPool, id: String) -> Result<Vec<Line<'static>>, ActFailure> {
    let diff: DiffView = workers.fetch(&WorkerRequest::Diff { id })?;
    let count = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let mut lines = vec![Line::raw(format!(
        "{} against {}: {} files, +{} -{}",
        diff.branch,
        diff.base,
        diff.files.len(),
        diff.added,
        diff.removed
    ))];
    let files = diff.files.iter();
    lines.extend(
        files.map(|file| Line::raw(format!("  {} +{} -{}", file.path, count(file.added), count(file.removed)))),
    );
    lines.push(Line::raw(""));
    let patch = diff.patch.unwrap_or_default();
    lines.extend(styled_text::lines(patch.as_bytes()).into_iter().map(coloured));
    if diff.truncated {
        lines.push(Line::raw("… the rest is left out: `dispatch diff` shows all"));
    }
    Ok(lines)
}

/// A line of a patch in the usual colour.
fn coloured(line: Line<'static>) -> Line<'static> {
    let start: String = line.spans.first().map(|span| span.content.to_string()).unwrap_or_default();
    let style = match start.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'd', b'i', b'f', b'f', ..] => {
            Style::new().add_modifier(Modifier::BOLD)
        }
        [b'+', ..] => Style::new().fg(Color::Green),
        [b'-', ..] => Style::new().fg(Color::Red),
        [b'@', b'@', ..] => Style::new().fg(Color::Cyan),
        _ => return line,
    };
    line.patch_style(style)
}
