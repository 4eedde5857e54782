//! Brings the window of a tmux client to the front.
//!
//! The terminal does it if it has a command for that, else the screen's window manager. The window is identified by
//! the client's tty or process, never guessed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::environment::Environment;
use crate::os::process::bounded::{ChildLimits, run_program};
use crate::os::process::{ancestry, environment_of};
use crate::os::terminal::host_environment::{HostEnvironment, HostSystem, is_remote};
use crate::os::terminal::x_windows::{WindowMatch, WindowQuery, WindowTools, choose};
use crate::os::terminal::{kitty, scripts, wezterm};

/// Limits of one tool.
const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(3), output: 4 << 20 };
/// Time until the window manager shows a new title.
const TITLE_COMES: Duration = Duration::from_millis(1500);
const STEP: Duration = Duration::from_millis(25);

/// Variables that are read from the client's own environment, if the system permits it.
const READ: [&str; 9] = [
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "WINDOWID",
    "KITTY_LISTEN_ON",
    "WEZTERM_UNIX_SOCKET",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_TTY",
];

/// A tmux client in a terminal.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub pid: u32,
    pub tty: String,
    /// The window's name and its present title, if we opened it.
    pub view: Option<String>,
    pub title: Option<String>,
}

/// Why a window was not raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRaised {
    #[error("it is at the other end of an SSH connection")]
    Remote,
    #[error("neither `wmctrl` nor `xdotool` is installed")]
    NoTool,
    #[error("this screen lets no program raise another's window")]
    NoWay,
    #[error("its window was not found")]
    NotFound,
}

/// Runs tools within limits, in a given environment.
pub(super) struct ToolRunner<'a> {
    environment: &'a Environment,
}

impl ToolRunner<'_> {
    /// The stdout of the tool; `None` if it failed.
    pub(super) fn run<W: AsRef<OsStr>>(&self, program: &Path, words: &[W]) -> Option<String> {
        let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
        match run_program(program, &words, Path::new("/"), Some(self.environment), b"", LIMITS) {
            Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => {
                tracing::debug!(program = %program.display(), stderr = output.stderr, "a tool failed");
                None
            }
            Err(error) => {
                tracing::debug!(program = %program.display(), %error, "a tool failed");
                None
            }
        }
    }
}

/// Raises the window. Fails if it cannot be found or raised.
pub fn raise(viewer: &Viewer, around: &HostEnvironment) -> Result<(), NotRaised> {
    let of_client = environment_of(viewer.pid, &READ);
    if is_remote(&of_client) {
        return Err(NotRaised::Remote);
    }
    // The window is on the client's screen, which may differ from ours.
    let mut environment = around.environment.clone();
    environment.extend(of_client.clone());
    let tools = ToolRunner { environment: &environment };
    let program = |name: &str| around.program(name);
    if by_terminal(viewer, around, &of_client, &tools, &program) {
        return Ok(());
    }
    match &around.system {
        HostSystem::Mac => Err(NotRaised::NotFound),
        HostSystem::Wsl { .. } | HostSystem::Plain if !has(&environment, "DISPLAY") => Err(NotRaised::NoWay),
        HostSystem::Wsl { .. } | HostSystem::Plain => {
            let windows = WindowTools { wmctrl: program("wmctrl"), xdotool: program("xdotool") };
            by_window_manager(viewer, &of_client, &tools, &windows)
        }
    }
}

/// Raises the window by the terminal's own command. Returns whether it did.
fn by_terminal(
    viewer: &Viewer,
    around: &HostEnvironment,
    of_client: &Environment,
    tools: &ToolRunner<'_>,
    program: &dyn Fn(&str) -> Option<PathBuf>,
) -> bool {
    if let (Some(socket), Some(kitty)) = (of_client.get(OsStr::new("KITTY_LISTEN_ON")), program("kitty")) {
        let to = |rest: &[&str]| -> Vec<OsString> {
            let head = ["@".into(), "--to".into(), socket.clone()];
            head.into_iter().chain(rest.iter().map(OsString::from)).collect()
        };
        let window = tools.run(&kitty, &to(&["ls"])).and_then(|listed| kitty::window_of(&listed, viewer.pid));
        if let Some(id) = window
            && tools.run(&kitty, &to(&["focus-window", "--match", &format!("id:{id}")])).is_some()
        {
            return true;
        }
    }
    // WezTerm itself reports whether the tty is one of its panes. On macOS the client's environment cannot be read, and
    // WezTerm needs no socket variable there.
    if (around.system == HostSystem::Mac || has(of_client, "WEZTERM_UNIX_SOCKET"))
        && let Some(wezterm) = program("wezterm")
        && let Some(pane) = tools
            .run(&wezterm, &["cli", "list", "--format", "json"])
            .and_then(|listed| wezterm::pane_of(&listed, &viewer.tty))
    {
        return tools.run(&wezterm, &["cli", "activate-pane", "--pane-id", &pane.to_string()]).is_some();
    }
    match (&around.system, &viewer.view) {
        (HostSystem::Mac, _) => [scripts::RAISE_ITERM2, scripts::RAISE_APPLE_TERMINAL].into_iter().any(|script| {
            let words = ["-e", script, &viewer.tty];
            let answer = program("osascript").and_then(|osascript| tools.run(&osascript, &words));
            answer.is_some_and(|answer| answer.trim() == scripts::RAISED)
        }),
        // Windows Terminal identifies a window by the name that it was opened with.
        (HostSystem::Wsl { .. }, Some(view)) => {
            program("wt.exe").is_some_and(|wt| tools.run(&wt, &["-w", view, "focus-tab", "--target", "0"]).is_some())
        }
        _ => false,
    }
}

fn by_window_manager(
    viewer: &Viewer,
    of_client: &Environment,
    tools: &ToolRunner<'_>,
    windows: &WindowTools,
) -> Result<(), NotRaised> {
    if !windows.are_there() {
        return Err(NotRaised::NoTool);
    }
    let ancestry = ancestry(viewer.pid);
    let id = of_client.get(OsStr::new("WINDOWID")).and_then(|id| id.to_str()?.parse().ok());
    let wanted = WindowQuery { ancestry: &ancestry, id, title: viewer.title.as_deref() };
    let begun = Stopwatch::start();
    loop {
        match choose(&windows.list(tools, &ancestry), &wanted) {
            WindowMatch::One(id) if windows.activate(tools, id) => return Ok(()),
            WindowMatch::Several if viewer.title.is_some() && begun.elapsed() < TITLE_COMES => std::thread::sleep(STEP),
            WindowMatch::One(_) | WindowMatch::Several | WindowMatch::None => return Err(NotRaised::NotFound),
        }
    }
}

fn has(environment: &Environment, name: &str) -> bool {
    environment.get(OsStr::new(name)).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
