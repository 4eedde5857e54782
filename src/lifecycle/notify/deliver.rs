//! Delivers one notice: to the desktop, else to the user's terminals; and to the command of `notify:`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::lifecycle::notify::notice::Notice;
use crate::model::notify::NotifySettings;
use crate::os::notify::desktop::{self, Desktop};
use crate::os::notify::{self as system_notify, CommandLimits, terminals};
use crate::os::tmux::Tmux;

/// The longest time that `notify.command` may take.
const COMMAND: Duration = Duration::from_secs(10);

/// Delivers in every configured way. Tries all, then fails with the error of each that failed.
pub(super) fn deliver(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let desktop = settings.notify.desktop.then(|| to_desktop(settings, notice));
    let command = (!settings.notify.command.is_empty()).then(|| to_command(settings, notice));
    let errors: Vec<String> = desktop.into_iter().chain(command).filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn to_desktop(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let mut why = "no desktop is reached".to_owned();
    if let Some(desktop) = Desktop::find(&settings.environment) {
        let argv = desktop.argv(&notice.title, &notice.text);
        match run(settings, &argv, &settings.environment, b"", desktop::PATIENCE) {
            Ok(()) => return Ok(()),
            Err(error) => why = format!("`{}`: {error}", desktop.name()),
        }
    }
    let clients = Tmux::new(settings.socket.clone()).attached_clients();
    let clients = clients.map_err(|error| format!("{why}, and tmux does not list its clients: {error}"))?;
    let text = notice.text.replace('\n', "; ");
    // Write to every terminal; `any` would stop at the first success.
    let reached = clients.iter().filter(|client| {
        let sequence = terminals::sequence(&client.kind, &notice.title, &text);
        terminals::write(&client.terminal, &sequence).is_ok()
    });
    match reached.count() {
        0 => Err(format!("{why}, and no terminal shows the tmux server")),
        _ => Ok(()),
    }
}

fn to_command(settings: &NotifySettings, notice: &Notice) -> Result<(), String> {
    let mut environment = settings.environment.clone();
    let values = [
        ("KIND", notice.kind.as_str()),
        ("TITLE", &notice.title),
        ("TEXT", &notice.text),
        ("RUNS", &notice.runs.join(" ")),
    ];
    environment.extend(values.map(|(name, value)| (format!("DISPATCH_NOTICE_{name}"), value.to_owned())));
    let input = format!("{}\n", notice.json);
    run(settings, &settings.notify.command, &environment, input.as_bytes(), COMMAND)
        .map_err(|error| format!("`notify.command`: {error}"))
}

fn run(
    settings: &NotifySettings,
    argv: &[String],
    environment: &BTreeMap<String, String>,
    input: &[u8],
    time: Duration,
) -> Result<(), system_notify::CommandError> {
    system_notify::run(argv, input, &CommandLimits { folder: &settings.root, environment, time })
}
