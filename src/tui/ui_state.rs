//! The state of the view. Keys and messages change it, and give effects to carry out. Pure.

use std::collections::{HashMap, VecDeque};

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::snapshot::{ListedRun, RunGroups};
use crate::tui::act::Act;
use crate::tui::choices;
use crate::tui::list::{self, ListChoice};
use crate::tui::popup::{PickPurpose, Popup};
use crate::tui::preview::{PreviewId, PreviewRequest, PreviewTab};
use crate::view::catalog_view::CatalogView;

/// What the owner of the terminal is to do.
#[derive(Debug)]
pub(super) enum Effect {
    Act(Act),
    Preview(Box<PreviewRequest>),
    /// Show a run's window until the person comes back.
    Attach(Box<Run>),
    /// Show a run's log in the user's pager.
    Page(Box<Run>),
    /// Let the person write the text of the open line in their editor.
    Edit(String),
    OpenPages,
    Suspend,
    Quit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    #[default]
    List,
    Preview,
}

/// One line for the person, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) text: String,
    pub(super) is_error: bool,
}

#[derive(Debug, Default)]
pub(super) struct UiState {
    /// `None` until the first observation.
    pub(super) groups: Option<RunGroups>,
    /// Why the runs cannot be read.
    pub(super) trouble: Option<String>,
    pub(super) catalog: Option<Box<CatalogView>>,
    /// The titles of the tasks.
    pub(super) titles: HashMap<String, String>,
    /// The first error of the manifest, and its place.
    pub(super) broken: Option<String>,
    pub(super) list: ListChoice,
    pub(super) focus: Focus,
    pub(super) tab: PreviewTab,
    pub(super) preview: PreviewState,
    pub(super) popup: Option<Popup>,
    pub(super) notice: Option<StatusLine>,
    /// Acts that were begun and have not ended.
    pub(super) acting: usize,
    pub(super) areas: Areas,
}

#[derive(Debug, Default)]
pub(super) struct PreviewState {
    pub(super) id: Option<PreviewId>,
    /// What the shown content depends on: with another value it is read again.
    pub(super) of: Option<(PreviewId, &'static str, Option<String>)>,
    pub(super) lines: VecDeque<Line<'static>>,
    /// The first line shown; `None`: the last lines are shown, also when more come.
    pub(super) top: Option<usize>,
}

/// Where the last frame showed what, for the mouse and for pages of keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Areas {
    /// The rows of the list, without its frame.
    pub(super) list: Rect,
    /// The lines of the preview, without its frame.
    pub(super) preview: Rect,
    /// The names of the tabs.
    pub(super) tabs: Rect,
    /// Only one half is shown.
    pub(super) is_narrow: bool,
}

impl UiState {
    /// The chosen run.
    pub(super) fn chosen(&self) -> Option<&ListedRun> {
        let (groups, id) = (self.groups.as_ref()?, self.list.run.as_ref()?);
        self.find(groups, id)
    }

    pub(super) fn run(&self, id: &RunId) -> Option<&ListedRun> {
        self.find(self.groups.as_ref()?, id)
    }

    /// A run that waits for its start has no output: why it waits is shown instead.
    pub(super) fn shown_tab(&self) -> PreviewTab {
        let waits = self.chosen().is_some_and(|chosen| matches!(chosen.run.state, RunState::Queued(_)));
        if waits && self.tab == PreviewTab::Output { PreviewTab::Evidence } else { self.tab }
    }

    fn find<'a>(&self, groups: &'a RunGroups, id: &RunId) -> Option<&'a ListedRun> {
        let all = ListChoice::default().rows(groups);
        list::runs(all).into_iter().find(|run| run.run.id() == id)
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(StatusLine { text: text.into(), is_error: false });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(StatusLine { text: text.into(), is_error: true });
    }

    pub(super) fn act(&mut self, act: Act) -> Vec<Effect> {
        self.acting += 1;
        vec![Effect::Act(act)]
    }

    pub(super) fn pick_mode(&mut self, task: String, preferred: Option<&str>) {
        if let Some(catalog) = &self.catalog {
            let picker = choices::modes(catalog, &task, preferred);
            self.popup = Some(Popup::Pick { purpose: PickPurpose::Mode { task }, picker });
        }
    }

    /// The request for what the preview should show now, if it does not show it.
    pub(super) fn request_preview(&mut self) -> Option<Effect> {
        let Some(chosen) = self.chosen() else {
            self.preview = PreviewState::default();
            return None;
        };
        let tab = self.shown_tab();
        let id = PreviewId { run: chosen.run.id().clone(), tab };
        // The log of a job is followed to its end; everything else is read again in another state.
        let follows = tab == PreviewTab::Output && chosen.run.facts.form.is_job();
        let key = if follows { "" } else { chosen.badge.key };
        let detail = (!follows).then(|| chosen.badge.reason.clone());
        let of = Some((id.clone(), key, detail));
        if self.preview.of == of {
            return None;
        }
        let needs = self.catalog.as_ref().and_then(|catalog| catalog.needs.get(&chosen.badge.mode));
        let request =
            PreviewRequest { id: id.clone(), run: chosen.run.clone(), needs: needs.cloned().unwrap_or_default() };
        if self.preview.id.as_ref() != Some(&id) {
            self.preview = PreviewState { top: (tab != PreviewTab::Output).then_some(0), ..PreviewState::default() };
        }
        self.preview.id = Some(id);
        self.preview.of = of;
        Some(Effect::Preview(Box::new(request)))
    }
}

impl PreviewState {
    /// Scrolls by this many lines.
    pub(super) fn scroll(&mut self, by: isize, height: usize) {
        let last = self.lines.len().saturating_sub(height);
        let top = self.top.unwrap_or(last).saturating_add_signed(by).min(last);
        self.top = (top < last || by < 0 && last > 0).then_some(top);
        if top >= last && by > 0 {
            self.top = None;
        }
    }
}
