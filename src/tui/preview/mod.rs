//! The content beside the list, read in a thread of its own: the log or screen of a run, its task's changes, why it is
//! in its state, or the text of its task.

mod evidence;
mod log;
mod screen;
mod styled_text;
mod task_pages;

use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ratatui::text::Line;

use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::event_fd::EventFd;
use crate::os::watch::wait_readable;
use crate::snapshot::Live;
use crate::tui::message::{Message, MessageSender, PreviewChange};
use crate::tui::preview::log::LogPreview;
use crate::tui::preview::screen::ScreenPreview;
use crate::worker::WorkerPool;

/// Lines that are kept of a log.
pub(super) const LINES: usize = 5000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PreviewTab {
    /// The log of a job, the screen of a window.
    #[default]
    Output,
    Diff,
    Evidence,
    Task,
}

impl PreviewTab {
    pub(super) const ALL: [Self; 4] = [Self::Output, Self::Diff, Self::Evidence, Self::Task];

    pub(super) fn name(self, has_window: bool) -> &'static str {
        match self {
            Self::Output if has_window => "Screen",
            Self::Output => "Log",
            Self::Diff => "Diff",
            Self::Evidence => "Why",
            Self::Task => "Task",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PreviewId {
    pub(super) run: RunId,
    pub(super) tab: PreviewTab,
}

#[derive(Clone, Debug)]
pub(super) struct PreviewRequest {
    pub(super) id: PreviewId,
    pub(super) run: Run,
    /// The modes that the run's mode needs by the manifest.
    pub(super) needs: Vec<String>,
}

/// Hands requests to the thread.
#[derive(Clone, Debug)]
pub(super) struct Previewer {
    request: Arc<Mutex<Option<PreviewRequest>>>,
    waker: EventFd,
}

/// What follows a run until the next request.
enum PreviewSource {
    Still,
    Log(LogPreview),
    Screen(ScreenPreview),
}

/// What the thread works with.
pub(super) struct PreviewTools {
    pub(super) live: Arc<Live>,
    pub(super) workers: Arc<WorkerPool>,
    pub(super) sender: MessageSender,
    /// Woken by requests and by what the tail of a log waits for.
    pub(super) waker: EventFd,
}

impl Previewer {
    /// Starts the thread. It ends with the receiver of the messages.
    pub(super) fn start(live: Arc<Live>, workers: Arc<WorkerPool>, sender: MessageSender) -> io::Result<Self> {
        let waker = EventFd::new()?;
        let previewer = Self { request: Arc::default(), waker: waker.clone() };
        let request = Arc::clone(&previewer.request);
        let tools = PreviewTools { live, workers, sender, waker };
        std::thread::Builder::new().name("preview".to_owned()).spawn(move || {
            let mut source = PreviewSource::Still;
            loop {
                let next = request.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(request) = next {
                    source = tools.open(request);
                }
                if !source.step(&tools) {
                    return;
                }
                if wait_readable(&[tools.waker.as_fd()], source.interval()).is_err() {
                    return;
                }
                tools.waker.clear();
            }
        })?;
        Ok(previewer)
    }

    /// Replaces the request before.
    pub(super) fn show(&self, request: PreviewRequest) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        self.waker.wake();
    }
}

impl PreviewTools {
    fn open(&self, request: PreviewRequest) -> PreviewSource {
        match request.id.tab {
            PreviewTab::Output if request.run.facts.form.has_window() => {
                return PreviewSource::Screen(ScreenPreview::new(request));
            }
            PreviewTab::Output => match LogPreview::open(self, &request) {
                Ok(log) => return PreviewSource::Log(log),
                Err(error) => self.replace(&request.id, vec![Line::raw(format!("the log cannot be read: {error}"))]),
            },
            PreviewTab::Evidence => self.replace(&request.id, evidence::lines(self.live.store(), &request)),
            PreviewTab::Diff | PreviewTab::Task => task_pages::read(self, request),
        };
        PreviewSource::Still
    }

    fn replace(&self, id: &PreviewId, lines: Vec<Line<'static>>) -> bool {
        self.sender.send(Message::Preview(id.clone(), PreviewChange::Replace(lines)))
    }
}

impl PreviewSource {
    /// Sends what is new. False if nobody receives it any more.
    fn step(&mut self, tools: &PreviewTools) -> bool {
        match self {
            Self::Still => true,
            Self::Log(log) => log.step(tools),
            Self::Screen(screen) => screen.step(tools),
        }
    }

    /// When to look again without being woken.
    fn interval(&self) -> Option<Duration> {
        match self {
            Self::Still | Self::Log(_) => None,
            Self::Screen(screen) => screen.interval(),
        }
    }
}
