//! Notices to the user about runs (`notify:`).
//!
//! Input: events (a run ended, a run waits for its user). Output: notices, through `deliver`. The process that
//! observes an event writes it into the state folder and starts the notifier if none runs, so no command, job or
//! agent waits for a notice. The settings are in the state folder too, because that process may have neither
//! manifest nor desktop. Must not change a run.

mod check;
mod deliver;
mod job_totals;
mod notice;
mod notifier;
mod waits;

pub(crate) use check::examine;
pub use notifier::run as run_notifier;

use std::collections::BTreeMap;
use std::path::Path;

use crate::lifecycle::store::Store;
use crate::manifest::Manifest;
use crate::model::activity::ActivityState;
use crate::model::exit_record::ExitRecord;
use crate::model::notify::{Event, EventDetails, NOTIFY_VERSION, NoticeKind, NotifySettings};
use crate::model::run::{Run, RunFacts};
use crate::os::process::supervise;
use crate::os::process::tree::MARK;
use crate::os::tmux::Tmux;
use crate::os::{clock, environment};
use crate::store::run_folder::RunFolder;

/// The hidden command that tmux runs at a window's bell.
pub(crate) const BELL_COMMAND: &str = "__rang";

/// The variables that locate the user's desktop, programs and language. None of them holds a secret.
const USER_VARIABLES: [&str; 14] = [
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

/// Writes the settings into the state folder, for the processes that observe events. Does nothing inside a run: its
/// environment is not the user's.
pub(crate) fn write_notify_settings(store: &Store, manifest: &Manifest, tmux: &Tmux) {
    if environment::var(MARK).is_some() {
        return;
    }
    let settings = manifest.notify.clone().map(|notify| NotifySettings {
        version: NOTIFY_VERSION,
        root: manifest.root.clone(),
        name: Some(manifest.name.clone()).filter(|name| manifest.root.file_name() != Some(name.as_ref())),
        notify,
        socket: tmux.socket().to_owned(),
        environment: user_environment(),
    });
    if let Err(error) = store.state().notify().keep_settings(settings.as_ref()) {
        tracing::warn!(%error, "no notices will be sent");
    }
}

/// The hidden command that tmux runs at a bell of a run's window; `None` if notices of waits are not wanted.
pub(crate) fn bell_word(store: &Store) -> Option<&'static str> {
    let settings = store.state().notify().settings()?;
    settings.notify.on.contains(&NoticeKind::Waiting).then_some(BELL_COMMAND)
}

/// Raises the end of a run. Call this before the index records the end: if the caller is killed in between, the next
/// process that observes the run raises the event.
pub(crate) fn raise_end(store: &Store, facts: &RunFacts, end: &ExitRecord) {
    // No notice of a job that another run started, nor of a rejection: the user made it.
    let is_nested_job = facts.form.is_job() && facts.parent_run.is_some();
    if !is_nested_job && !end.is_rejection() {
        let reason = end.reason.as_ref().map(ToString::to_string);
        raise(store, facts, EventDetails::Ended { state: end.state, reason }, end.ended_at);
    }
}

/// Raises the waits of those of the observed runs that wait for the user.
pub(crate) fn raise_waits(store: &Store, runs: &[Run]) {
    for run in runs {
        if let Some(activity) = &run.progress.activity
            && activity.state == ActivityState::Waiting
        {
            raise(store, &run.facts, EventDetails::Waiting { reason: Some(activity.reason.clone()) }, activity.at);
        }
    }
}

/// Raises the wait of a run that reached its gate.
pub(crate) fn raise_gate(store: &Store, facts: &RunFacts) {
    raise(store, facts, EventDetails::Waiting { reason: Some("at its gate, to be approved".to_owned()) }, clock::now());
}

fn raise(store: &Store, facts: &RunFacts, what: EventDetails, at: jiff::Timestamp) {
    let notify = store.state().notify();
    let Some(settings) = notify.settings() else { return };
    if !settings.notify.wants(&what, facts.form) {
        return;
    }
    let event = Event {
        version: NOTIFY_VERSION,
        run_id: facts.run_id.clone(),
        mode: facts.mode.clone(),
        task: facts.task.clone(),
        form: facts.form,
        what,
        at,
    };
    if store.folder(&facts.run_id).read_delivered().knows(&event) {
        return;
    }
    // Write the event before checking the lock: a notifier that is about to exit re-checks for events after it
    // released the lock.
    let started = notify.put(&event).and_then(|_| match notify.is_locked() {
        true => Ok(()),
        false => supervise::start_notifier(store.state().path()),
    });
    if let Err(error) = started {
        tracing::warn!(%error, pair = %event.pair(), "the notice is not sent");
    }
}

/// Raises that the run in `folder` waits for the user since `at`. Cheap: reads the spec, writes one small file, and
/// starts the notifier if none runs.
pub fn raise_waiting(folder: &Path, reason: Option<&str>, at: jiff::Timestamp) {
    let Some(store) = folder.parent().and_then(Path::parent).and_then(|state| Store::find(state).ok().flatten()) else {
        return;
    };
    // Most projects have no `notify:`.
    if bell_word(&store).is_none() {
        return;
    }
    let folder = RunFolder::at(folder);
    if let Ok(spec) = folder.read_spec()
        && folder.id().ok() == Some(spec.folder)
        && !folder.has_end()
    {
        raise(&store, &RunFacts::of(&spec), EventDetails::Waiting { reason: reason.map(str::to_owned) }, at);
    }
}

/// `__rang`: the bell of a window. The notifier checks whether the run waits.
pub fn bell(folder: &Path) {
    raise_waiting(folder, Some("it rang the bell"), clock::now());
}

fn user_environment() -> BTreeMap<String, String> {
    USER_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), environment::var_text(name)?))).collect()
}
