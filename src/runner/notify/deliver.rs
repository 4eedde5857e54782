//! Handing one notice over: to the desktop, else to the terminals of the user, and to the command.

use std::time::Duration;

use crate::model::notify::NotifySettings;
use crate::runner::notify::words::Notice;
use crate::system::notify::desktop::{self, Desktop};
use crate::system::notify::{self as ways, CommandLimits, terminals};
use crate::system::tmux::{AttachedClient, Tmux, TmuxError};

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(10);

/// Tells it by every way that is wanted. What went wrong, where nobody was reached by one of them.
pub(super) fn deliver(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let mut troubles = Vec::new();
    if settings.notify.desktop
        && let Err(trouble) = tell_desktop(settings, notice)
    {
        troubles.push(trouble);
    }
    if !settings.notify.command.is_empty()
        && let Err(trouble) = tell_command(settings, notice)
    {
        troubles.push(trouble);
    }
    if troubles.is_empty() { Ok(()) } else { Err(troubles.join("; ")) }
}

fn tell_desktop(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let mut why = "no desktop is reached".to_owned();
    if let Some(desktop) = Desktop::find(&settings.environment) {
        let bounds = bounds(settings, &settings.environment, desktop::PATIENCE);
        match ways::run(&desktop.argv(&notice.title, &notice.text), b"", &bounds) {
            Ok(()) => return Ok(()),
            Err(error) => why = format!("`{}`: {error}", desktop.name()),
        }
    }
    match tell_terminals(settings, notice) {
        Ok(0) => Err(format!("{why}, and no terminal shows the tmux server")),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{why}, and tmux does not say who looks: {error}")),
    }
}

/// How many terminals were told.
fn tell_terminals(settings: &NotifySettings, notice: &Notice) -> Result<usize, TmuxError> {
    let lookers = Tmux::new(settings.socket.clone()).attached_clients()?;
    let text = notice.text.replace('\n', "; ");
    let tell = |looker: &&AttachedClient| {
        terminals::write(&looker.terminal, &terminals::sequence(&looker.kind, &notice.title, &text)).is_ok()
    };
    Ok(lookers.iter().filter(tell).count())
}

fn tell_command(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let mut environment = settings.environment.clone();
    let words = [
        ("KIND", notice.kind.as_str()),
        ("TITLE", &notice.title),
        ("TEXT", &notice.text),
        ("RUNS", &notice.runs.join(" ")),
    ];
    environment.extend(words.map(|(name, value)| (format!("DISPATCH_NOTICE_{name}"), value.to_owned())));
    let input = format!("{}\n", notice.json);
    ways::run(&settings.notify.command, input.as_bytes(), &bounds(settings, &environment, COMMAND))
        .map_err(|error| format!("`notify.command`: {error}"))
}

fn bounds<'a>(
    settings: &'a NotifySettings,
    environment: &'a std::collections::BTreeMap<String, String>,
    time: Duration,
) -> CommandLimits<'a> {
    CommandLimits { folder: &settings.root, environment, time }
}
