//! The thread that reads the runs after each event of the feed, and the catalog when the project's files change.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::event_fd::EventFd;
use crate::os::watch::wait_readable;
use crate::snapshot::Live;
use crate::tui::message::{Message, MessageSender};
use crate::worker::{WorkerPool, WorkerRequest};

/// Shortest interval between two reads of the runs.
const REST: Duration = Duration::from_millis(100);
/// After a read, pause for this many times its duration.
const REST_FACTOR: u32 = 5;
/// The list of ended runs grows old without an event.
const LATEST: Duration = Duration::from_secs(60);

/// Fails if the thread cannot be started. It ends with the receiver of the messages.
pub(super) fn start(live: Arc<Live>, workers: Arc<WorkerPool>, sender: MessageSender) -> io::Result<()> {
    let waker = EventFd::new()?;
    let mut events = live.subscribe(None, waker.clone());
    std::thread::Builder::new().name("observer".to_owned()).spawn(move || {
        let mut project = None;
        loop {
            let watch = Stopwatch::start();
            if !sender.send(Message::Groups(live.groups())) {
                return;
            }
            let version = live.project_version();
            if version != project {
                project = version;
                read_catalog(&workers, &sender);
            }
            std::thread::sleep((watch.elapsed() * REST_FACTOR).max(REST));
            if wait_readable(&[waker.as_fd()], Some(LATEST)).is_err() {
                std::thread::sleep(LATEST);
            }
            waker.clear();
            // What changed is read anew.
            events.by_ref().for_each(drop);
        }
    })?;
    Ok(())
}

/// In a thread of its own: a large project takes seconds.
fn read_catalog(workers: &Arc<WorkerPool>, sender: &MessageSender) {
    let (workers, sender) = (Arc::clone(workers), sender.clone());
    let read = move || sender.send(Message::Catalog(workers.fetch(&WorkerRequest::Catalog).map(Box::new)));
    if let Err(error) = std::thread::Builder::new().name("catalog".to_owned()).spawn(read) {
        tracing::warn!(%error, "the tasks cannot be read");
    }
}
