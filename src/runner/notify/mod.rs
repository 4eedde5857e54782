//! Telling the user what happens while nobody looks (`notify:`).
//!
//! There is no daemon: whoever sees something happen lets the news wait in the state folder and
//! makes sure that somebody tells it, a process that lives as long as there is something to tell
//! (`tell`). So nothing that ends, runs or looks waits for a notice. How to tell is in the state
//! folder too: who sees an end may have neither manifest nor desktop.

mod deliver;
mod done;
mod finding;
mod tell;
mod waits;
mod words;

pub(in crate::runner) use finding::finding;
pub use tell::tell;

use std::collections::BTreeMap;
use std::path::Path;

use crate::manifest::Manifest;
use crate::model::activity::ActivityState;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::notify::{Event, NOTIFY_VERSION, News, NewsKind, NotifySettings};
use crate::model::run::{Run, RunFacts};
use crate::runner::store::Store;
use crate::system::clock;
use crate::system::environment;
use crate::system::process::supervise;
use crate::system::process::tree::MARK;
use crate::system::store::run_folder::RunFolder;
use crate::system::tmux::Tmux;

/// The hidden command that tmux runs when a window rings.
pub(super) const RANG: &str = "__rang";

/// Where the user's desktop, programs and language are. Names that hold secrets have no place here.
const OF_THE_USER: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
];

/// Keeps how the user is told: who starts a run knows it. A run does not: its own environment
/// is no user's.
pub(super) fn keep_notify(store: &Store, manifest: &Manifest, tmux: &Tmux) {
    if environment::var(MARK).is_some() {
        return;
    }
    let settings = manifest.notify.clone().map(|notify| NotifySettings {
        version: NOTIFY_VERSION,
        root: manifest.root.clone(),
        name: Some(manifest.name.clone()).filter(|name| manifest.root.file_name() != Some(name.as_ref())),
        notify,
        socket: tmux.socket().to_owned(),
        environment: of_the_user(),
    });
    if let Err(error) = store.state().notify().keep_settings(settings.as_ref()) {
        tracing::warn!(%error, "nobody will be told what happens");
    }
}

/// What tmux is to run when a window of ours rings.
pub(super) fn bell_word(store: &Store) -> Option<&'static str> {
    let settings = store.state().notify().settings()?;
    settings.notify.on.contains(&NewsKind::Waiting).then_some(RANG)
}

/// A run ended, and whoever calls this saw it. Before the index knows: who is killed in
/// between is followed by another who sees it.
pub(super) fn tell_end(store: &Store, facts: &RunFacts, end: &ExitRecord) {
    // A nested job is for the run that started it to hear of; what was rejected was by the user.
    let is_news = !(facts.headless && facts.parent_run.is_some()) && end.reason != Some(EndReason::Rejected);
    if is_news {
        raise(
            store,
            facts,
            Event::Ended { state: end.state, reason: end.reason.as_ref().map(ToString::to_string) },
            end.ended_at,
        );
    }
}

/// What waits for the user, of runs that were looked at.
pub(super) fn tell_waits(store: &Store, runs: &[Run]) {
    for run in runs {
        if let Some(activity) = &run.progress.activity
            && activity.state == ActivityState::Waiting
        {
            raise(store, &run.facts, Event::Waiting { reason: Some(activity.reason.clone()) }, activity.at);
        }
    }
}

/// A run came to its gate by itself.
pub(super) fn tell_gate(store: &Store, facts: &RunFacts) {
    raise(store, facts, Event::Waiting { reason: Some("at its gate, to be approved".to_owned()) }, clock::now());
}

fn raise(store: &Store, facts: &RunFacts, what: Event, at: jiff::Timestamp) {
    let notify = store.state().notify();
    let Some(settings) = notify.settings() else { return };
    if !settings.notify.wants(&what, facts.headless) {
        return;
    }
    let news = News {
        version: NOTIFY_VERSION,
        run_id: facts.run_id.clone(),
        mode: facts.mode.clone(),
        task: facts.task.clone(),
        headless: facts.headless,
        what,
        at,
    };
    if store.folder(&facts.run_id).read_told().knows(&news) {
        return;
    }
    // Put first and asked then: who is just going to rest looks again after it has let go.
    let told = notify.put(&news).and_then(|_| match notify.is_claimed() {
        true => Ok(()),
        false => supervise::start_notifier(store.state().path()),
    });
    if let Err(error) = told {
        tracing::warn!(%error, pair = %news.pair(), "the user is not told");
    }
}

/// The run in `folder` says that it waits for the user, since `at` and for `reason`. Cheap: its
/// spec is read, one small file written, and where nobody tells yet, a process started.
pub fn raise_waiting(folder: &Path, reason: Option<&str>, at: jiff::Timestamp) {
    let Some(store) = folder.parent().and_then(Path::parent).and_then(|state| Store::find(state).ok().flatten()) else {
        return;
    };
    // Most projects want none.
    if bell_word(&store).is_none() {
        return;
    }
    let folder = RunFolder::at(folder);
    if let Ok(spec) = folder.read_spec()
        && folder.id().ok() == Some(spec.folder)
        && !folder.has_end()
    {
        raise(&store, &RunFacts::of(&spec), Event::Waiting { reason: reason.map(str::to_owned) }, at);
    }
}

/// `__rang`: a window's bell. Whether it waits is seen when it is to be told.
pub fn rang(folder: &Path) {
    raise_waiting(folder, Some("it rang the bell"), clock::now());
}

fn of_the_user() -> BTreeMap<String, String> {
    OF_THE_USER.iter().filter_map(|name| Some(((*name).to_owned(), environment::var_text(name)?))).collect()
}
