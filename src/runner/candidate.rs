//! One unfinished run while it is being looked at, and what tmux says of its window.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::answer_record::AnswerRecord;
use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::live_record::LiveRecord;
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::model::run_state::{EndState, RunState};
use crate::model::usage::Usage;
use crate::plan::actual::{Evidence, Over, Window};
use crate::runner::activity::{self, Does};
use crate::runner::run_answer;
use crate::runner::stop;
use crate::runner::tmux_patience::TmuxPatience;
use crate::system::clock;
use crate::system::process;
use crate::system::process::tree::ProcessTable;
use crate::system::store::run_folder::RunFolder;
use crate::system::tmux::{Listing, Pane, PendingListing, Server, Tmux, TmuxError};

/// An unfinished run while it is being looked at.
pub(super) struct Candidate {
    pub(super) folder: RunFolder,
    pub(super) spec: RunSpec,
    pub(super) evidence: Evidence,
    pub(super) pane: Option<Pane>,
    /// Of a queued run: for whom or until when.
    pub(super) waits: Option<String>,
    /// Of a queued run: since when.
    pub(super) waits_since: Option<jiff::Timestamp>,
}

/// What tmux said, by socket.
#[derive(Default)]
pub(super) struct Listings {
    /// Asked before it was known whether anybody needs the answer.
    early: Option<(PathBuf, PendingListing)>,
    pub(super) by_socket: BTreeMap<PathBuf, Result<Listed, String>>,
    /// Asked before the locks were looked at: what was not found there must be asked again.
    pub(super) stale: BTreeSet<PathBuf>,
    /// The windows that are being observed: the screens of the dead ones are read together.
    pub(super) observed: HashSet<RunId>,
    /// The processes, looked at after all of that.
    table: Option<ProcessTable>,
    patience: TmuxPatience,
}

impl Listings {
    /// Begins to ask the server that will most likely be needed.
    pub(super) fn early(socket: Option<PathBuf>, patience: TmuxPatience) -> Self {
        let early = socket.map(|socket| (socket.clone(), Tmux::new(socket).begin_list()));
        Self { early, patience, ..Self::default() }
    }

    pub(super) fn asked(socket: PathBuf, asked: PendingListing, patience: TmuxPatience) -> Self {
        Self { early: Some((socket, asked)), patience, ..Self::default() }
    }

    pub(super) fn new(patience: TmuxPatience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Forgets what was asked: time has passed.
    pub(super) fn forget(&mut self) {
        let observed = std::mem::take(&mut self.observed);
        *self = Self { observed, ..Self::new(self.patience.clone()) };
    }

    /// Ends what carries the mark of a run that is over. Returns what cannot be ended. Of many runs
    /// that are over, one look at the processes tells for all which of them left something.
    pub(super) fn sweep(&mut self, run: &RunId) -> io::Result<Vec<u32>> {
        let table = match self.table.take() {
            Some(table) => table,
            None => ProcessTable::take()?,
        };
        let is_empty = self.table.insert(table).members(run, None).is_empty();
        if is_empty { Ok(Vec::new()) } else { stop::sweep(run) }
    }

    /// Asks each server once.
    pub(super) fn of(&mut self, socket: &Path) -> &Result<Listed, String> {
        let early = self.early.take_if(|(asked, _)| asked == socket);
        self.by_socket.entry(socket.to_owned()).or_insert_with(|| {
            let bound = self.patience.bound();
            let listing = match early {
                Some((_, asked)) => asked.within(bound).listing(),
                None => Tmux::new(socket.to_owned()).with_bound(bound).list(),
            };
            self.patience.note(&listing);
            listing.map(Listed::new).map_err(|error| match error {
                TmuxError::Unknown { stderr, .. } => stderr,
                other => other.to_string(),
            })
        })
    }
}

/// One server's panes, found by the run they were started for: by its id and not by its path,
/// which changes when the project is moved.
pub(super) struct Listed {
    pub(super) listing: Listing,
    pub(super) by_run: HashMap<RunId, usize>,
    /// The last screens of dead panes, once one was asked for.
    screens: Option<HashMap<RunId, String>>,
}

impl Listed {
    pub(super) fn new(listing: Listing) -> Self {
        let panes = listing.panes.iter().enumerate();
        let by_run = panes.filter_map(|(at, pane)| Some((RunFolder::at(pane.run_folder()?).run_id()?, at))).collect();
        Self { listing, by_run, screens: None }
    }

    /// The last screen of a run's dead pane, with those of all others of `observed` at once.
    fn screen(&mut self, run: &RunId, tmux: &Tmux, observed: &HashSet<RunId>) -> Option<String> {
        if self.screens.is_none() {
            let dead = |(run, at): (&RunId, &usize)| {
                let pane = self.listing.panes.get(*at).filter(|pane| pane.dead.is_some() && observed.contains(run))?;
                Some((pane.pane_id.clone(), run.clone()))
            };
            let dead: Vec<(String, RunId)> = self.by_run.iter().filter_map(dead).collect();
            self.screens =
                Some(if dead.len() > 1 { tmux.capture_many(&dead).unwrap_or_default() } else { HashMap::new() });
        }
        self.screens.as_mut()?.remove(run)
    }

    pub(super) fn pane(&self, run: &RunId) -> Option<&Pane> {
        self.listing.panes.get(*self.by_run.get(run)?)
    }
}

impl Candidate {
    pub(super) fn run(&self, facts: RunFacts, state: RunState) -> Run {
        let live = self.evidence.live.as_ref();
        let agent = live.map(|live| live.agent.as_ref().unwrap_or(&live.owner).pid);
        let pane = self.pane.as_ref().filter(|_| state == RunState::Running);
        let answered = live.and_then(|live| live.answered.clone());
        let does = pane.map(|pane| self.does(pane)).unwrap_or_default();
        let progress = Progress {
            started_at: live.map(|live| self.started(live.started_at)),
            pid: self.pane.as_ref().map(|pane| pane.pid).or(agent),
            attempt: live.map_or(0, |live| live.attempt),
            log_bytes: self.folder.log_bytes(),
            limits: live.and_then(|live| live.limits),
            pane: self.pane.as_ref().map(|pane| pane.pane_id.clone()),
            window: self.pane.as_ref().map(|pane| pane.window_id.clone()),
            activity: does.activity,
            session_id: does.session_id,
            trouble: self.evidence.unsaved.then(|| "its end cannot be written yet (is the disk full?)".to_owned()),
            answer: run_answer::of_living(&self.folder, self.spec.protocol, answered.as_ref()),
            answered,
            waits: live.and_then(|live| self.retries(live)).or_else(|| self.waits.clone()),
            waits_since: self.waits_since,
        };
        Run { facts, state, progress, end: None }
    }

    fn does(&self, pane: &Pane) -> Does {
        let RunKind::Interactive { socket, .. } = &self.spec.kind else { return Does::default() };
        activity::of_pane(pane, self.spec.protocol, &self.spec.run_id, &self.folder, socket)
    }

    /// `retry 1 of 2 at 12:00:00, after: signal 9 (SIGKILL)`.
    fn retries(&self, live: &LiveRecord) -> Option<String> {
        let wait = live.retry.as_ref()?;
        let max = match &self.spec.kind {
            RunKind::Headless { retry: Some(retry), .. } => retry.max,
            _ => live.attempt,
        };
        let until = clock::local_moment(wait.until, clock::now());
        let reason = wait.reason.as_ref().map(EndReason::to_string).unwrap_or_default();
        Some(format!("retry {} of {max} at {until}, after: {reason}", live.attempt))
    }

    /// Whether the supervisor of a job, by its own record, is a living process.
    pub(super) fn supervisor_lives(&self) -> bool {
        self.evidence.headless && self.evidence.live.as_ref().is_some_and(|live| process::is_alive(&live.owner))
    }

    /// A window starts when it is asked for; its agent follows within milliseconds.
    fn started(&self, lived_since: jiff::Timestamp) -> jiff::Timestamp {
        if self.evidence.headless { lived_since } else { self.spec.created_at }
    }

    pub(super) fn exit_record(&self, over: &Over, survivors: Vec<u32>) -> ExitRecord {
        let live = self.evidence.live.as_ref();
        let now = clock::now();
        let died = self.pane.as_ref().and_then(|pane| pane.dead).and_then(|dead| dead.time);
        let ended_at = died.and_then(|at| jiff::Timestamp::from_second(at).ok()).unwrap_or(now);
        let started_at = live.map(|live| self.started(live.started_at));
        let answered = live.and_then(|live| live.answered.as_ref());
        let (answer, usage) = match self.evidence.headless {
            true => run_answer::of_lost(&self.spec, &self.folder, answered),
            false => (AnswerRecord::default(), Usage { session_id: self.conversation(), ..Usage::default() }),
        };
        ExitRecord {
            version: EXIT_VERSION,
            run_id: self.spec.run_id.clone(),
            state: over.state,
            reason: self.setup_failure(over).or_else(|| over.reason.clone()),
            exit: over.exit,
            interrupted: false,
            started_at,
            ended_at,
            duration_ms: started_at.map_or(0, |start| clock::millis_between(start, ended_at)),
            attempt: live.map_or(0, |live| live.attempt),
            usage,
            log_bytes: self.folder.log_bytes(),
            survivors,
            limits: live.and_then(|live| live.limits),
            pid: live.map(|live| live.agent.as_ref().unwrap_or(&live.owner).pid),
            answer,
        }
    }

    /// Of a window that failed before its agent could start: why its worktree could not be set up.
    fn setup_failure(&self, over: &Over) -> Option<EndReason> {
        let has_failed = over.state == EndState::Failed && over.exit == Exit::code(125) && !self.evidence.headless;
        let line = self.folder.read_setup_failure().filter(|_| has_failed)?;
        Some(EndReason::SetupFailed { error: Some(line), log: None })
    }

    /// The conversation it was in at last: `/clear` begins another one. One of which nothing was written
    /// down cannot be gone on in.
    fn conversation(&self) -> Option<String> {
        let told = self.folder.read_agent().ok().flatten();
        let kept = told.filter(|told| told.transcript.as_ref().is_some_and(|transcript| transcript.is_file()));
        kept.map(|told| told.session_id).or_else(|| self.spec.session_id.clone())
    }

    /// The last screen of a dead window is kept beside the record.
    pub(super) fn keep_screen(&self, listings: &mut Listings) {
        let (Some(pane), Some(tmux)) = (&self.pane, self.tmux()) else { return };
        let listed = listings.by_socket.get_mut(tmux.socket()).and_then(|listed| listed.as_mut().ok());
        let read_before = listed.and_then(|listed| listed.screen(&self.spec.run_id, &tmux, &listings.observed));
        let screen = read_before.or_else(|| tmux.capture(&pane.pane_id, &self.spec.run_id).ok().flatten());
        if let Some(screen) = screen {
            let _ = self.folder.write_new(&self.folder.screen(), screen.as_bytes());
        }
    }

    pub(super) fn close_window(&self) {
        let RunKind::Interactive { cleanup_on_exit: true, .. } = &self.spec.kind else { return };
        if let (Some(pane), Some(tmux)) = (&self.pane, self.tmux()) {
            let _ = tmux.kill_panes(&[(pane.pane_id.as_str(), &self.spec.run_id)]);
        }
    }

    fn tmux(&self) -> Option<Tmux> {
        match &self.spec.kind {
            RunKind::Interactive { socket, .. } => Some(Tmux::new(socket.clone())),
            RunKind::Headless { .. } => None,
        }
    }
}

pub(super) fn look_at_window(candidate: &Candidate, listings: &mut Listings) -> (Window, Option<Pane>) {
    let RunKind::Interactive { socket, .. } = &candidate.spec.kind else {
        return (Window::NeverMade, None);
    };
    let listed = match listings.of(socket) {
        Ok(listed) => listed,
        Err(words) => return (Window::Unanswered(words.clone()), None),
    };
    let listing = &listed.listing;
    if let Some(pane) = listed.pane(&candidate.spec.run_id) {
        let window = match &pane.dead {
            None => Window::Alive,
            Some(dead) => Window::Dead {
                exit: dead.exit,
                can_tell_signals: listing
                    .server
                    .as_ref()
                    .and_then(Server::parsed_version)
                    .is_none_or(|version| version.tells_signals()),
            },
        };
        return (window, Some(pane.clone()));
    }
    let made = match candidate.folder.read_window() {
        Ok(made) => made,
        Err(error) => return (Window::Unanswered(error.to_string()), None),
    };
    let Some(made) = made else {
        // `__exec` in a window writes that it lives before anything else could be lost.
        let lived = candidate.evidence.live.is_some();
        return (if lived { Window::Closed } else { Window::NeverMade }, None);
    };
    let same_server = listing
        .server
        .as_ref()
        .is_some_and(|server| server.pid == made.server_pid && server.start_time == made.server_start);
    if same_server {
        return (Window::Closed, None);
    }
    // Another server, or none, answers on the socket; ours may live on without one.
    if made.server.as_ref().is_some_and(process::is_alive) {
        return (Window::Unanswered("its server lost its socket".to_owned()), None);
    }
    (Window::ServerGone, None)
}
