//! Checks whether a terminal can be opened to show a window, for a caller without one (a web page).

use crate::lifecycle::doctor::{Finding, declared};
use crate::lifecycle::project::Project;
use crate::lifecycle::window::show_window;
use crate::lifecycle::window::show_window::choice::NoTerminal;

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project.filter(|project| declared(project).any(|mode| mode.form.has_window())) else {
        return Vec::new();
    };
    let found = match show_window::would_open(&project.terminal_preference()) {
        Ok(choice) => Finding::ok("terminal", format!("{} ({})", choice.name(), choice.program().display())),
        Err(why @ NoTerminal::Unwanted) => Finding::ok("terminal", why.to_string()),
        Err(why) => Finding::warn("terminal", why.to_string(), "dispatch attach --print MODE TASK"),
    };
    vec![found]
}
