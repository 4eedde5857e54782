//! The finding of `doctor` about notices. Sends no notice.

use crate::lifecycle::doctor::Finding;
use crate::lifecycle::project::{Project, project_store};
use crate::os::environment;
use crate::os::notify::desktop::Desktop;
use crate::os::process::program;

/// Empty if the manifest has no `notify:`.
pub(crate) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some((project, notify)) = project.and_then(|project| Some((project, project.manifest.notify.as_ref()?))) else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    let mut missing = Vec::new();
    if notify.desktop {
        match Desktop::find(&super::user_environment()) {
            Some(desktop) => ways.push(format!("desktop by `{}`", desktop.name())),
            None => {
                ways.push("terminals on the tmux server".to_owned());
                missing.push("no desktop is reached from here: install `notify-send` (libnotify-bin)".to_owned());
            }
        }
    }
    if let Some(name) = notify.command.first() {
        match program::find(name, environment::var("PATH").as_deref(), &project.manifest.root) {
            Ok(_) => ways.push(format!("`{name}`")),
            Err(error) => missing.push(format!("`notify.command`: {error}")),
        }
    }
    let last = project_store::find(project).ok().flatten().and_then(|store| store.state().notify().last_failure());
    missing.extend(last.map(|failure| format!("the last notice did not arrive ({}): {}", failure.at, failure.why)));
    let found = ways.join(", ");
    vec![match missing.is_empty() {
        true => Finding::ok("notices", found),
        false => Finding::warn("notices", found, missing.join("; ")),
    }]
}
