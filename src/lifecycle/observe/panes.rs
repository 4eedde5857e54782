//! Lists the panes of the tmux servers that runs were started on: each server once, and only if needed. Holds the words
//! of engines beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::lifecycle::observe::engine_reports::EngineReports;
use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::observe::tmux_patience::TmuxPatience;
use crate::model::run_id::RunId;
use crate::model::run_state::UnknownWhy;
use crate::os::process;
use crate::os::tmux::{Listing, Pane, PendingListing, Server, Tmux, TmuxError};
use crate::plan::observed_state::WindowProbe;
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::StateDir;

/// A listing of the server that probably has a project's windows, started before it is known to be needed: tmux's client
/// takes longer to start than most commands take to read their records. Dropped, it is ended.
#[derive(Debug)]
pub struct EarlyListing {
    socket: PathBuf,
    pending: PendingListing,
}

impl EarlyListing {
    /// Starts listing the server that the state folder's hint names; `None` without a hint.
    pub fn begin(state: &StateDir) -> Option<Self> {
        let socket = state.windows_hint()?;
        let pending = Tmux::new(socket.clone()).begin_list();
        Some(Self { socket, pending })
    }
}

/// The listings by socket.
#[derive(Default)]
pub(crate) struct PaneListings {
    early: Option<EarlyListing>,
    pub(crate) by_socket: BTreeMap<PathBuf, Result<ServerPanes, String>>,
    /// Listed before the locks were read, with a pane missing: these servers must be listed again.
    pub(crate) stale: BTreeSet<PathBuf>,
    /// The runs being observed: the screens of their dead panes are read together.
    pub(crate) observed: HashSet<RunId>,
    patience: TmuxPatience,
    pub(crate) engines: EngineReports,
}

impl PaneListings {
    pub(crate) fn new(early: Option<EarlyListing>, patience: TmuxPatience) -> Self {
        Self { early, patience, ..Self::default() }
    }

    /// Discards the listings, which are out of date.
    pub(crate) fn forget(&mut self) {
        let observed = std::mem::take(&mut self.observed);
        let mut engines = std::mem::take(&mut self.engines);
        engines.forget();
        *self = Self { observed, engines, ..Self::new(None, self.patience.clone()) };
    }

    /// The panes of one server, which is listed once; else the error text.
    pub(crate) fn of(&mut self, socket: &Path) -> &Result<ServerPanes, String> {
        let early = self.early.take_if(|early| early.socket == socket);
        self.by_socket.entry(socket.to_owned()).or_insert_with(|| {
            let bound = self.patience.bound();
            let listing = match early {
                Some(early) => early.pending.within(bound).listing(),
                None => Tmux::new(socket.to_owned()).with_bound(bound).list(),
            };
            self.patience.note(&listing);
            listing.map(ServerPanes::new).map_err(|error| match error {
                TmuxError::Unknown { stderr, .. } => stderr,
                other => other.to_string(),
            })
        })
    }
}

/// One server's panes, by run id and not by path, which changes when the project is moved.
pub(crate) struct ServerPanes {
    pub(crate) listing: Listing,
    pub(crate) by_run: HashMap<RunId, usize>,
    /// The last screens of dead panes, after the first request.
    screens: Option<HashMap<RunId, String>>,
}

impl ServerPanes {
    pub(crate) fn new(listing: Listing) -> Self {
        let panes = listing.panes.iter().enumerate();
        let by_run = panes.filter_map(|(at, pane)| Some((RunFolder::at(pane.run_folder()?).run_id()?, at))).collect();
        Self { listing, by_run, screens: None }
    }

    /// The last screen of a run's dead pane; reads those of all `observed` runs together. `None` for a single one.
    pub(crate) fn screen(&mut self, run: &RunId, tmux: &Tmux, observed: &HashSet<RunId>) -> Option<String> {
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

    pub(crate) fn pane(&self, run: &RunId) -> Option<&Pane> {
        self.listing.panes.get(*self.by_run.get(run)?)
    }
}

pub(crate) fn window_of(observation: &Observation, listings: &mut PaneListings) -> (WindowProbe, Option<Pane>) {
    let Some(window) = observation.spec.kind.window() else { return (WindowProbe::NeverMade, None) };
    let listed = match listings.of(&window.socket) {
        Ok(listed) => listed,
        Err(words) => return (WindowProbe::Unknown(UnknownWhy::Tmux(words.clone())), None),
    };
    let listing = &listed.listing;
    if let Some(pane) = listed.pane(&observation.spec.run_id) {
        let window = match &pane.dead {
            None => WindowProbe::Alive,
            Some(dead) => WindowProbe::Dead {
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
    let made = match observation.folder.read_window() {
        Ok(made) => made,
        Err(error) => return (WindowProbe::Unknown(UnknownWhy::Unreadable(error.to_string())), None),
    };
    let Some(made) = made else {
        // `__exec` writes `live.json` first, so a run that has it had a window.
        let lived = observation.probe.live.is_some();
        return (if lived { WindowProbe::Closed } else { WindowProbe::NeverMade }, None);
    };
    let same_server = listing
        .server
        .as_ref()
        .is_some_and(|server| server.pid == made.server_pid && server.start_time == made.server_start);
    if same_server {
        return (WindowProbe::Closed, None);
    }
    // Another server, or none, answers on the socket; the run's server may be alive without a socket.
    if made.server.as_ref().is_some_and(process::is_alive) {
        return (WindowProbe::Unknown(UnknownWhy::Window("the socket of its tmux server is gone")), None);
    }
    (WindowProbe::ServerGone, None)
}
