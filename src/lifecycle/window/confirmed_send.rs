//! Sends a text to an agent in a window that records the texts it read: polls, types and waits as an
//! [`InputDelivery`] decides.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::agents::{Arrival, Delivered, DeliveryStep, InputContent, InputDelivery, InputView, WindowProtocol};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::send::SendError;
use crate::lifecycle::window::{Window, WindowError};
use crate::model::activity::{ActivitySource, ActivityState};
use crate::model::agent_record::AgentRecord;
use crate::model::message::Message;
use crate::model::run::Run;
use crate::os::clock::Stopwatch;
use crate::os::file_tail::FileTail;
use crate::os::tmux::{Brackets, Typed};

const POLL_STEP: Duration = Duration::from_millis(30);
/// Interval for a full observation of the run, which costs more than a screen capture.
const ASK_STEP: Duration = Duration::from_millis(500);

pub(crate) fn deliver(
    store: &Store,
    protocol: &dyn WindowProtocol,
    window: &Window,
    run: &Run,
    message: &Message,
) -> Result<Delivered, SendError> {
    let (tmux, pane) = (&window.tmux, &window.place.pane_id);
    let gone = || SendError::Window(WindowError::Gone { pair: run.pair() });
    let mut delivery = protocol.delivery(message.as_str());
    let never_into = Some(delivery.never_into());
    let mut transcript = Transcript::default();
    let mut asks = Asks::default();
    let begun = Stopwatch::start();
    loop {
        let input = delivery.read_input(&tmux.capture_styled(pane, run.id())?.ok_or_else(gone)?);
        let record = store.folder(run.id()).read_agent().ok().flatten();
        let seen = InputView {
            registered: record.is_some(),
            asks: match input {
                InputContent::Hidden => asks.now(store, run, begun.elapsed())?,
                InputContent::Empty | InputContent::Holds(_) => None,
            },
            arrival: transcript.look(record.as_ref(), delivery.as_ref()),
            input,
        };
        let typed = match delivery.step(&seen, begun.elapsed()) {
            DeliveryStep::End(came) => return Ok(came),
            DeliveryStep::Look => Typed::Yes,
            DeliveryStep::Paste => {
                transcript.begin(record.as_ref());
                tmux.paste(pane, run.id(), delivery.pasted().as_bytes(), Brackets::Always, never_into)?
            }
            DeliveryStep::Enter => tmux.press_enter(pane, run.id(), never_into)?,
        };
        match typed {
            Typed::Yes => {}
            Typed::Withheld => delivery.withheld(),
            Typed::InputOff => return Err(window.input_off(run)),
            Typed::Gone => return Err(gone()),
        }
        thread::sleep(POLL_STEP);
    }
}

/// What the agent waits for, observed at most once in each [`ASK_STEP`].
#[derive(Default)]
struct Asks {
    last: Option<(Duration, Option<String>)>,
}

impl Asks {
    fn now(&mut self, store: &Store, run: &Run, now: Duration) -> Result<Option<String>, SendError> {
        if let Some((at, answer)) = &self.last
            && now < *at + ASK_STEP
        {
            return Ok(answer.clone());
        }
        let run = refresh::one(store, run.id())?;
        if run.as_ref().is_none_or(|run| !run.is_active()) {
            let pair = run.map(|run| run.pair());
            return match pair {
                Some(pair) => Err(WindowError::NotRunning { pair }.into()),
                None => Ok(None),
            };
        }
        let activity = run.and_then(|run| run.progress.activity);
        // A bell does not mean that the agent cannot take a text.
        let waits = activity.filter(|it| it.state == ActivityState::Waiting && it.source != ActivitySource::Bell);
        let answer = waits.map(|activity| activity.reason);
        self.last = Some((now, answer.clone()));
        Ok(answer)
    }
}

/// The agent's transcript since the first paste.
#[derive(Default)]
struct Transcript {
    tail: Option<FileTail>,
    begun: bool,
    arrival: Option<Arrival>,
}

impl Transcript {
    /// Starts at the end of the transcript: earlier content cannot be the sent text.
    fn begin(&mut self, record: Option<&AgentRecord>) {
        if !self.begun {
            self.begun = true;
            self.tail = path_of(record).map(FileTail::of_what_comes);
        }
    }

    fn look(&mut self, record: Option<&AgentRecord>, delivery: &dyn InputDelivery) -> Option<Arrival> {
        if !self.begun {
            return None;
        }
        self.read(delivery);
        // `/clear` continues in another file, and some agents create the file with the first message.
        if let Some(path) = path_of(record)
            && self.tail.as_ref().is_none_or(|tail| tail.path() != path)
        {
            self.tail = Some(FileTail::of_all(path));
            self.read(delivery);
        }
        self.arrival
    }

    fn read(&mut self, delivery: &dyn InputDelivery) {
        let Some(tail) = &mut self.tail else { return };
        match tail.read() {
            Ok(lines) => self.arrival = self.arrival.max(delivery.arrival(&lines)),
            Err(error) => tracing::debug!(%error, "the transcript cannot be read"),
        }
    }
}

fn path_of(record: Option<&AgentRecord>) -> Option<&Path> {
    record?.transcript.as_deref()
}
