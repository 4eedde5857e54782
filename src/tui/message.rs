//! What other threads report to the thread that owns the terminal.

use std::sync::mpsc::Sender;

use ratatui::text::Line;

use crate::lifecycle::failure::Failure;
use crate::os::event_fd::EventFd;
use crate::snapshot::RunGroups;
use crate::tui::act::ActDone;
use crate::tui::preview::PreviewId;
use crate::view::catalog_view::CatalogView;
use crate::worker::WorkerFailure;

#[derive(Debug)]
pub(super) enum Message {
    Groups(Result<RunGroups, Failure>),
    Catalog(Result<Box<CatalogView>, WorkerFailure>),
    Preview(PreviewId, PreviewChange),
    Done(ActDone),
    /// The address of the server that runs for this project, opened in the browser; or why not.
    Opened(Result<String, String>),
}

/// How the content of the preview changes.
#[derive(Clone, Debug)]
pub(super) enum PreviewChange {
    Replace(Vec<Line<'static>>),
    Append(Vec<Line<'static>>),
}

/// Sends messages and wakes the receiver.
#[derive(Clone, Debug)]
pub(super) struct MessageSender {
    pub(super) sender: Sender<Message>,
    pub(super) waker: EventFd,
}

impl MessageSender {
    /// False if the receiver has ended.
    pub(super) fn send(&self, message: Message) -> bool {
        let is_sent = self.sender.send(message).is_ok();
        self.waker.wake();
        is_sent
    }
}
