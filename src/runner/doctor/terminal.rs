//! Whether a window can be brought before the user from where no terminal is.

use crate::runner::doctor::{Finding, declared};
use crate::runner::project::Project;
use crate::runner::show_window;
use crate::system::environment;

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    if !project.is_some_and(|project| declared(project).any(|mode| mode.interactive)) {
        return Vec::new();
    }
    vec![match show_window::emulator(&environment::all()) {
        Some(path) => Finding::ok("terminal", path.to_string_lossy()),
        None => Finding::warn(
            "terminal",
            "none can be opened from here: there is no screen, or no `x-terminal-emulator`",
            "dispatch attach --print MODE TASK",
        ),
    }]
}
