//! How keys and clicks change the view. Pure.

use ratatui::layout::Position;

use crate::model::run::Run;
use crate::snapshot::ListedRun;
use crate::tui::act::Act;
use crate::tui::choices;
use crate::tui::keys::{Key, MouseEvent, MouseKind};
use crate::tui::line_input::LineInput;
use crate::tui::list::ListRow;
use crate::tui::popup::{LinePopup, LinePurpose, PickPurpose, PlanPopup, Popup};
use crate::tui::preview::PreviewTab;
use crate::tui::ui_state::{Effect, Focus, UiState};

/// Lines that the wheel moves by.
const WHEEL: isize = 3;

impl UiState {
    pub(super) fn on_key(&mut self, key: &Key) -> Vec<Effect> {
        self.notice = None;
        let mut effects = match key {
            Key::Ctrl('c') if self.popup.is_none() => vec![Effect::Quit],
            Key::Ctrl('z') => vec![Effect::Suspend],
            _ if self.popup.is_some() => self.on_popup_key(key),
            _ if self.list.is_typing => self.on_filter_key(key),
            Key::Mouse(mouse) => self.on_mouse(*mouse),
            _ => self.on_view_key(key),
        };
        effects.extend(self.request_preview());
        effects
    }

    fn on_filter_key(&mut self, key: &Key) -> Vec<Effect> {
        match key {
            Key::Enter => self.list.is_typing = false,
            Key::Escape => {
                self.list.is_typing = false;
                self.list.filter = LineInput::default();
            }
            Key::Up => self.move_choice(-1),
            Key::Down => self.move_choice(1),
            key => {
                self.list.filter.press(key);
                if let Some(groups) = &self.groups {
                    self.list.refiltered(groups);
                }
            }
        }
        self.keep_choice();
        Vec::new()
    }

    fn on_view_key(&mut self, key: &Key) -> Vec<Effect> {
        if self.on_move(key) {
            return Vec::new();
        }
        match key {
            Key::Char('q') => return vec![Effect::Quit],
            Key::Char('?') => self.popup = Some(Popup::Help { top: 0 }),
            Key::Char('/') => self.list.is_typing = true,
            Key::Char('n') => {
                self.list.only_needs = !self.list.only_needs;
                self.keep_choice();
            }
            Key::Char('.') => {
                if let Some(groups) = &self.groups {
                    self.list.next_need(groups);
                }
            }
            Key::Escape if self.focus == Focus::Preview => self.focus = Focus::List,
            Key::Escape => {
                self.list.filter = LineInput::default();
                self.list.only_needs = false;
                self.keep_choice();
            }
            Key::Left => self.focus = Focus::List,
            Key::Right => self.focus = Focus::Preview,
            Key::Tab => self.turn_tab(1),
            Key::BackTab => self.turn_tab(PreviewTab::ALL.len() - 1),
            Key::Char('d') => self.show_tab(PreviewTab::Diff),
            Key::Char('w') => self.show_tab(PreviewTab::Evidence),
            Key::Char('p') => {
                self.popup = Some(Popup::Plan(PlanPopup { plan: None, note: None, top: 0 }));
                return self.act(Act::Plan);
            }
            Key::Char('o') => return vec![Effect::OpenPages],
            Key::Char('r') => self.choose_what_to_run(),
            key => return self.on_run_key(key),
        }
        Vec::new()
    }

    /// Keys that move in the list or the preview.
    fn on_move(&mut self, key: &Key) -> bool {
        let height = isize::try_from(match self.focus {
            Focus::List => self.areas.list.height,
            Focus::Preview => self.areas.preview.height,
        })
        .unwrap_or(1);
        let by = match key {
            Key::Down | Key::Char('j') => 1,
            Key::Up | Key::Char('k') => -1,
            Key::PageDown | Key::Ctrl('d' | 'f') => height.max(2) - 1,
            Key::PageUp | Key::Ctrl('u' | 'b') => 1 - height.max(2),
            Key::Home | Key::Char('g') => -isize::MAX,
            Key::End | Key::Char('G') => isize::MAX,
            _ => return false,
        };
        match self.focus {
            Focus::List => self.move_choice(by),
            Focus::Preview => self.preview.scroll(by, usize::from(self.areas.preview.height)),
        }
        true
    }

    /// Keys that do something with the chosen run.
    fn on_run_key(&mut self, key: &Key) -> Vec<Effect> {
        let Some(chosen) = self.chosen() else { return Vec::new() };
        let (run, badge) = (chosen.run.clone(), chosen.badge.clone());
        let pair = run.pair();
        let has_window = run.facts.form.has_window();
        match key {
            Key::Enter | Key::Char('a') if badge.active && has_window => return vec![Effect::Attach(Box::new(run))],
            Key::Char('a') => self.complain(format!("{pair} has no window now")),
            Key::Enter => return self.open(badge.is_failure().then(|| Box::new(run))),
            Key::Char('l') => return vec![Effect::Page(Box::new(run))],
            Key::Char('s') if badge.active => {
                self.popup = Some(Popup::Confirm { question: format!("Stop {pair}?"), act: Act::Stop(pair) });
            }
            Key::Char('s') => self.complain(format!("{pair} is not running")),
            Key::Char('B') => {
                self.popup = Some(Popup::Confirm { question: restart_question(chosen), act: Act::Restart(pair) });
            }
            Key::Char('R') if badge.active => self.complain(format!("{pair} is running; stop it first")),
            Key::Char('R') => {
                let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
                let purpose = LinePurpose::Prompt { mode, task, resume: true };
                self.popup = Some(Popup::Line(LinePopup::new(purpose)));
            }
            Key::Char('y') if badge.gate => return self.act(Act::Approve(pair)),
            Key::Char('x') if badge.gate => {
                self.popup = Some(Popup::Line(LinePopup::new(LinePurpose::Reject(pair))));
            }
            Key::Char('y' | 'x') => self.complain(format!("{pair} does not wait for approval")),
            Key::Char('i') if badge.active && has_window => {
                self.popup = Some(Popup::Line(LinePopup::new(LinePurpose::Send(Box::new(run)))));
            }
            Key::Char('i') => self.complain(format!("{pair} has no window to type into now")),
            _ => {}
        }
        Vec::new()
    }

    /// Shows a job or an ended run: its output takes the keys. `failed`: the run, if it failed; it is marked as seen.
    fn open(&mut self, failed: Option<Box<Run>>) -> Vec<Effect> {
        self.focus = Focus::Preview;
        match failed {
            Some(run) => self.act(Act::Seen(run)),
            None => Vec::new(),
        }
    }

    fn move_choice(&mut self, by: isize) {
        if let Some(groups) = &self.groups {
            self.list.step(groups, by);
        }
    }

    fn keep_choice(&mut self) {
        if let Some(groups) = &self.groups {
            self.list.settle(groups);
        }
    }

    fn show_tab(&mut self, tab: PreviewTab) {
        self.tab = tab;
        // It is read again, also if it is shown already.
        self.preview.of = None;
        if self.areas.is_narrow {
            self.focus = Focus::Preview;
        }
    }

    fn turn_tab(&mut self, by: usize) {
        let at = PreviewTab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        self.show_tab(PreviewTab::ALL[(at + by) % PreviewTab::ALL.len()]);
    }

    fn on_mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        let areas = self.areas;
        match mouse.kind {
            MouseKind::WheelUp | MouseKind::WheelDown => {
                let by = if mouse.kind == MouseKind::WheelUp { -1 } else { 1 };
                if areas.preview.contains(at) {
                    self.preview.scroll(by * WHEEL, usize::from(areas.preview.height));
                } else {
                    self.move_choice(by);
                }
            }
            MouseKind::Click if areas.list.contains(at) => self.click_row(usize::from(at.y - areas.list.y)),
            MouseKind::Click if areas.tabs.contains(at) => self.click_tab(usize::from(at.x - areas.tabs.x)),
            MouseKind::Click if areas.preview.contains(at) => self.focus = Focus::Preview,
            MouseKind::Click => {}
        }
        Vec::new()
    }

    fn click_row(&mut self, row: usize) {
        self.focus = Focus::List;
        let Some(groups) = &self.groups else { return };
        let rows = self.list.rows(groups);
        if let Some(ListRow::Run(run) | ListRow::About(run)) = rows.get(self.list.top + row) {
            let id = run.run.id().clone();
            self.list.choose(groups, &id);
        }
    }

    /// The names stand beside each other with a space around each.
    fn click_tab(&mut self, column: usize) {
        let has_window = self.chosen().is_some_and(|chosen| chosen.run.facts.form.has_window());
        let mut begins = 0;
        for tab in PreviewTab::ALL {
            begins += tab.name(has_window).len() + 2;
            if column < begins {
                self.tab = tab;
                return;
            }
        }
    }

    /// A mode for the chosen run's task, else a task first.
    fn choose_what_to_run(&mut self) {
        if let Some(broken) = &self.broken {
            return self.complain(format!("nothing can be started: {broken}"));
        }
        let Some(catalog) = &self.catalog else {
            return self.complain("the tasks are not read yet");
        };
        match self.chosen().map(|chosen| chosen.badge.clone()) {
            Some(badge) => self.pick_mode(badge.task, Some(&badge.mode)),
            None => {
                let picker = choices::tasks(catalog);
                self.popup = Some(Popup::Pick { purpose: PickPurpose::Task, picker });
            }
        }
    }
}

fn restart_question(chosen: &ListedRun) -> String {
    let pair = chosen.run.pair();
    match chosen.badge.active {
        true => format!("Stop {pair}, and start it again as the manifest is now?"),
        false => format!("Start {pair} again as the manifest is now?"),
    }
}
