//! What `doctor` says of notices.

use crate::runner::doctor::Finding;
use crate::runner::project::Project;
use crate::runner::project_store;
use crate::system::notify::desktop::Desktop;
use crate::system::process::program;

/// Nothing where nobody is to be told anything. Tells nobody.
pub(in crate::runner) fn finding(project: Option<&Project>) -> Vec<Finding> {
    let Some((project, notify)) = project.and_then(|project| Some((project, project.manifest.notify.as_ref()?))) else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    let mut lacks = Vec::new();
    if notify.desktop {
        match Desktop::find(&super::of_the_user()) {
            Some(desktop) => ways.push(format!("desktop by `{}`", desktop.name())),
            None => {
                ways.push("terminals on the tmux server".to_owned());
                lacks.push("no desktop is reached from here: install `notify-send` (libnotify-bin)".to_owned());
            }
        }
    }
    if let Some(name) = notify.command.first() {
        let path = crate::system::environment::var("PATH");
        match program::find(name, path.as_deref(), &project.manifest.root) {
            Ok(_) => ways.push(format!("`{name}`")),
            Err(error) => lacks.push(format!("`notify.command`: {error}")),
        }
    }
    let last = project_store::find(project).ok().flatten().and_then(|store| store.state().notify().trouble());
    lacks.extend(last.map(|trouble| format!("the last notice did not arrive ({}): {}", trouble.at, trouble.why)));
    let found = ways.join(", ");
    vec![if lacks.is_empty() {
        Finding::ok("notices", found)
    } else {
        Finding::warn("notices", found, lacks.join("; "))
    }]
}
