//! How messages of other threads change the view. Pure.

use crate::tui::act::{Act, ActDone, ActFailure, ActResult, problem_line};
use crate::tui::message::{Message, PreviewChange};
use crate::tui::popup::{LineNote, LinePurpose, PlanPopup, Popup};
use crate::tui::preview::{LINES, PreviewId};
use crate::tui::ui_state::{Effect, UiState};
use crate::view::catalog_view::{BrokenView, CatalogView};
use crate::view::plan_view::PlanView;

impl UiState {
    pub(super) fn on_message(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Groups(Ok(groups)) => {
                self.trouble = None;
                self.list.settle(&groups);
                self.groups = Some(groups);
                self.note_ended_window();
                self.request_preview().into_iter().collect()
            }
            Message::Groups(Err(failure)) => {
                self.trouble = Some(failure.to_string());
                Vec::new()
            }
            Message::Catalog(Ok(catalog)) => {
                self.on_catalog(catalog);
                self.request_preview().into_iter().collect()
            }
            // The tasks and modes from before stay in use.
            Message::Catalog(Err(failure)) => {
                self.broken = Some(first_problem(&BrokenView::from(failure)));
                Vec::new()
            }
            Message::Preview(id, change) => {
                self.on_preview(&id, change);
                Vec::new()
            }
            Message::Done(done) => {
                self.acting = self.acting.saturating_sub(1);
                self.on_done(done);
                Vec::new()
            }
            Message::Opened(Ok(address)) => {
                self.say(format!("opened {address}"));
                Vec::new()
            }
            Message::Opened(Err(why)) => {
                self.complain(why);
                Vec::new()
            }
        }
    }

    fn on_catalog(&mut self, catalog: Box<CatalogView>) {
        self.broken = catalog.broken.as_ref().map(first_problem);
        self.titles = catalog.tasks.iter().map(|task| (task.id.clone(), task.title.clone())).collect();
        self.catalog = Some(catalog);
    }

    fn on_preview(&mut self, id: &PreviewId, change: PreviewChange) {
        let preview = &mut self.preview;
        if preview.id.as_ref() != Some(id) {
            return;
        }
        match change {
            PreviewChange::Replace(lines) => preview.lines = lines.into(),
            PreviewChange::Append(lines) => preview.lines.extend(lines),
        }
        let excess = preview.lines.len().saturating_sub(LINES);
        preview.lines.drain(..excess);
        preview.top = preview.top.map(|top| top.saturating_sub(excess));
    }

    fn on_done(&mut self, done: ActDone) {
        // The box of the line whose act this was, if it is still open.
        let is_open =
            matches!(&self.popup, Some(Popup::Line(line)) if line.is_sent && line.act().as_ref() == Some(&done.act));
        if let Ok(ActResult::Started(_, Some(run))) = &done.result {
            self.list.expect(run);
        }
        match done.result {
            Ok(ActResult::Said(text) | ActResult::Started(text, _)) => {
                let is_applied = matches!(done.act, Act::Apply { .. }) && matches!(self.popup, Some(Popup::Plan(_)));
                if is_open || is_applied {
                    self.popup = None;
                }
                if !text.is_empty() {
                    self.say(text);
                }
            }
            Ok(ActResult::Plan(plan)) => self.show_plan(plan, None),
            Ok(ActResult::PlanChanged(plan)) => {
                let note = "The plan has changed: nothing was applied. This is the new one.".to_owned();
                self.show_plan(plan, Some(note));
            }
            Err(ActFailure { message, hints }) => {
                let text = [vec![message], hints].concat().join("; ");
                match &mut self.popup {
                    Some(Popup::Line(line)) if is_open => {
                        line.is_sent = false;
                        line.note = Some(LineNote::Failed(text));
                    }
                    Some(Popup::Plan(popup)) if matches!(done.act, Act::Plan | Act::Apply { .. }) => {
                        popup.note = Some(text);
                    }
                    _ => self.complain(text),
                }
            }
        }
    }

    /// Only into the box that asked for it: the person may have closed it.
    fn show_plan(&mut self, plan: PlanView, note: Option<String>) {
        if let Some(Popup::Plan(popup)) = &mut self.popup {
            *popup = PlanPopup { plan: Some(plan), note, top: 0 };
        }
    }

    /// While a person types to a window that has ended, the box says so and keeps the text.
    fn note_ended_window(&mut self) {
        let Some(Popup::Line(line)) = &self.popup else { return };
        let LinePurpose::Send(run) = &line.purpose else { return };
        let is_active = self.run(run.id()).is_some_and(|run| run.badge.active);
        // Why an attempt to send failed is not replaced.
        let is_free = !matches!(line.note, Some(LineNote::Failed(_)));
        if !is_active
            && is_free
            && let Some(Popup::Line(line)) = &mut self.popup
        {
            line.note = Some(LineNote::RunEnded);
        }
    }
}

/// `dispatch.yaml:12:3: unknown key`, or the message as a whole.
fn first_problem(broken: &BrokenView) -> String {
    broken.problems.first().map_or_else(|| broken.message.clone(), problem_line)
}
