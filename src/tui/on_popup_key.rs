//! How keys change an open box. Pure.

use crate::tui::act::Act;
use crate::tui::choices;
use crate::tui::keys::{Key, MouseKind};
use crate::tui::picker::Pressed;
use crate::tui::popup::{LineNote, LinePopup, LinePurpose, PickPurpose, Popup};
use crate::tui::ui_state::{Effect, UiState};
use crate::view::key_table::of_terminal;

/// Steps that a page key moves a plan by.
const PAGE: usize = 10;

impl UiState {
    pub(super) fn on_popup_key(&mut self, key: &Key) -> Vec<Effect> {
        match &mut self.popup {
            None => {}
            Some(Popup::Help { top }) => match key {
                Key::Down | Key::Char('j') => *top = (*top + 1).min(of_terminal().count()),
                Key::Up | Key::Char('k') => *top = top.saturating_sub(1),
                _ => self.popup = None,
            },
            Some(Popup::Confirm { act, .. }) => {
                let act = act.clone();
                match key {
                    Key::Char('y') | Key::Enter => {
                        self.popup = None;
                        return self.act(act);
                    }
                    Key::Char('n' | 'q') | Key::Escape | Key::Ctrl('c') => self.popup = None,
                    _ => {}
                }
            }
            Some(Popup::Line(_)) => return self.on_line_key(key),
            Some(Popup::Pick { .. }) => self.on_pick_key(key),
            Some(Popup::Plan(_)) => return self.on_plan_key(key),
        }
        Vec::new()
    }

    fn on_line_key(&mut self, key: &Key) -> Vec<Effect> {
        let Some(Popup::Line(line)) = &mut self.popup else { return Vec::new() };
        match key {
            Key::Escape | Key::Ctrl('c') => self.popup = None,
            // A second one while the first is under way would do it twice.
            Key::Enter if line.is_sent => {}
            Key::Enter => match line.act() {
                Some(act) => {
                    line.is_sent = true;
                    line.note = None;
                    return self.act(act);
                }
                None => line.note = Some(LineNote::Empty),
            },
            Key::Ctrl('o') if !line.is_sent => return vec![Effect::Edit(line.input.text().to_owned())],
            _ if line.is_sent => {}
            key => {
                line.input.press(key);
            }
        }
        Vec::new()
    }

    fn on_pick_key(&mut self, key: &Key) {
        let Some(Popup::Pick { purpose, picker }) = &mut self.popup else { return };
        let row = match picker.press(key) {
            Pressed::Stay => return,
            Pressed::Left | Pressed::Interrupted => {
                self.popup = None;
                return;
            }
            Pressed::Picked(row) => row,
        };
        let name = picker.rows[row][0].clone();
        match purpose.clone() {
            PickPurpose::Task => self.pick_mode(name, None),
            PickPurpose::Mode { .. } if choices::is_other_task(picker, row) => {
                let picker = self.catalog.as_deref().map(choices::tasks);
                self.popup = picker.map(|picker| Popup::Pick { purpose: PickPurpose::Task, picker });
            }
            PickPurpose::Mode { task } => {
                let purpose = LinePurpose::Prompt { mode: name, task, resume: false };
                self.popup = Some(Popup::Line(LinePopup::new(purpose)));
            }
        }
    }

    fn on_plan_key(&mut self, key: &Key) -> Vec<Effect> {
        let Some(Popup::Plan(popup)) = &mut self.popup else { return Vec::new() };
        let last = popup.plan.as_ref().map_or(0, |plan| plan.steps.len().saturating_sub(1));
        match key {
            Key::Escape | Key::Char('q' | 'p') | Key::Ctrl('c') => self.popup = None,
            Key::Down | Key::Char('j') => popup.top = (popup.top + 1).min(last),
            Key::Up | Key::Char('k') => popup.top = popup.top.saturating_sub(1),
            Key::PageDown => popup.top = (popup.top + PAGE).min(last),
            Key::PageUp => popup.top = popup.top.saturating_sub(PAGE),
            Key::Mouse(mouse) if mouse.kind == MouseKind::WheelDown => popup.top = (popup.top + 1).min(last),
            Key::Mouse(mouse) if mouse.kind == MouseKind::WheelUp => popup.top = popup.top.saturating_sub(1),
            Key::Enter | Key::Char('A') => {
                let changes = popup.plan.as_ref().filter(|plan| plan.changes > 0);
                let Some(plan_id) = changes.map(|plan| plan.plan_id.clone()) else { return Vec::new() };
                popup.note = Some("Applying…".to_owned());
                return self.act(Act::Apply { plan_id });
            }
            _ => {}
        }
        Vec::new()
    }
}
