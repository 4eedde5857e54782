//! The results of the tasks below a task as Markdown. Titles and answers of others stay text: titles are escaped,
//! answers stand in code blocks that nothing in them can end.

use std::fmt::Write as _;

use crate::view::results_view::{ResultsView, StepResult, WorktreeChanges};

/// Deeper tasks have headings of this level.
const DEEPEST: usize = 6;

pub(super) fn text(results: &ResultsView) -> String {
    let mut text = format!("# {}: {}\n", line(&results.task), line(&results.title));
    if let Some(progress) = &results.progress {
        let _ = writeln!(
            text,
            "\n{} of {} done, {} succeeded, {} failed, {} running, {} waiting",
            progress.done, progress.all, progress.succeeded, progress.failed, progress.running, progress.waiting
        );
    }
    if let Some(cost) = results.cost_usd {
        let _ = writeln!(text, "\nCost: ${cost:.4}");
    }
    for step in &results.steps {
        add_step(&mut text, step, &results.worktrees);
    }
    if results.left > 0 {
        let _ = writeln!(text, "\n{} more tasks are left out.", results.left);
    }
    for worktree in &results.worktrees {
        add_changes(&mut text, worktree);
    }
    text
}

fn add_step(text: &mut String, step: &StepResult, worktrees: &[WorktreeChanges]) {
    let level = "#".repeat((step.depth + 2).min(DEEPEST));
    let _ = writeln!(text, "\n{level} {}: {}\n", line(&step.task), line(&step.title));
    let outcome = step.outcome.as_deref().unwrap_or("never run");
    let _ = write!(text, "- Outcome: {}", line(&outcome.replace('_', " ")));
    if let Some(reason) = &step.reason {
        let _ = write!(text, " ({})", line(reason));
    }
    text.push('\n');
    if let Some(mode) = &step.mode {
        let _ = writeln!(text, "- Mode: {}", line(mode));
    }
    if let Some(run) = &step.run_id {
        let _ = writeln!(text, "- Run: {}", line(run));
    }
    if !step.depends_on.is_empty() {
        let _ = writeln!(text, "- After: {}", line(&step.depends_on.join(", ")));
    }
    if let Some(ms) = step.duration_ms {
        let _ = writeln!(text, "- Time: {}.{:03} s", ms / 1000, ms % 1000);
    }
    if let Some(cost) = step.cost_usd {
        let _ = writeln!(text, "- Cost: ${cost:.4}");
    }
    if let Some(worktree) = step.worktree.and_then(|at| worktrees.get(at)) {
        let _ = writeln!(text, "- Changes: {}, on branch {}", counts(worktree), line(&worktree.branch));
    }
    if let Some(answer) = &step.answer {
        let _ = write!(text, "\n{}", block(answer));
        if step.answer_cut {
            text.push_str("\nThe answer is longer; the run's log has all of it.\n");
        }
    }
}

fn counts(worktree: &WorktreeChanges) -> String {
    match &worktree.error {
        Some(_) => "not known".to_owned(),
        None => {
            let files = if worktree.count == 1 { "file" } else { "files" };
            format!("{} {files}, +{} −{}", worktree.count, worktree.added, worktree.removed)
        }
    }
}

fn add_changes(text: &mut String, worktree: &WorktreeChanges) {
    let _ = writeln!(text, "\n## Changes on branch {}\n", line(&worktree.branch));
    if let Some(error) = &worktree.error {
        let _ = writeln!(text, "{}", line(error));
        return;
    }
    let _ = writeln!(text, "{}\n", counts(worktree));
    let mut stat = String::new();
    for file in &worktree.files {
        let number = |lines: Option<u64>| lines.map_or("-".to_owned(), |lines| lines.to_string());
        let from = file.from.as_ref().map(|from| format!("{from} => ")).unwrap_or_default();
        let (added, removed) = (number(file.added), number(file.removed));
        let _ = writeln!(stat, "{added}\t{removed}\t{from}{}", file.path.escape_debug());
    }
    if worktree.count > worktree.files.len() {
        let _ = writeln!(stat, "and {} more", worktree.count - worktree.files.len());
    }
    text.push_str(&block(&stat));
}

/// A code block with a fence that is longer than any in `content`. Control characters but tab and line feed are
/// replaced.
fn block(content: &str) -> String {
    let clean = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    let content: String = content.replace("\r\n", "\n").chars().map(clean).collect();
    let mut longest = 0;
    let mut length = 0;
    for c in content.chars() {
        length = if c == '`' { length + 1 } else { 0 };
        longest = longest.max(length);
    }
    let fence = "`".repeat((longest + 1).max(3));
    let end = if content.ends_with('\n') { "" } else { "\n" };
    format!("{fence}text\n{content}{end}{fence}\n")
}

/// One line of text in which no character has a meaning in Markdown or HTML.
fn line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A bare address would become a link.
            ':' => escaped.push_str("&#58;"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_has_no_meaning_in_markdown() {
        assert_eq!(line("<b> *x* [a](b)\n# c"), "&lt;b&gt; \\*x\\* \\[a\\](b) \\# c");
        assert_eq!(line("see https://evil.test & @x"), "see https&#58;//evil.test &amp; @x");
        assert_eq!(block("a\n```\nb\u{1b}[31m"), "````text\na\n```\nb\u{fffd}[31m\n````\n");
        assert_eq!(block(""), "```text\n\n```\n");
    }

    #[test]
    fn a_step_says_what_is_known() {
        let step = StepResult { task: "A".into(), title: "First".into(), ..StepResult::default() };
        let results =
            ResultsView { task: "P".into(), title: "All".into(), steps: vec![step], ..ResultsView::default() };
        assert_eq!(text(&results), "# P: All\n\n## A: First\n\n- Outcome: never run\n");
    }
}
