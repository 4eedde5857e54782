//! Bringing the window that a tmux client is in to the front.
//!
//! By the terminal itself where it can be asked, else by the screen's window manager. What is found
//! is always the client's own window, by its tty or its process, never a likely one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::system::clock::Stopwatch;
use crate::system::environment::Environment;
use crate::system::process::bounded::{Limits, run_program};
use crate::system::process::{ancestry, environment_of};
use crate::system::terminal::surroundings::{Surroundings, System, is_remote};
use crate::system::terminal::x_windows::{Found, Tools, Wanted, choose};
use crate::system::terminal::{kitty, scripts, wezterm};

/// What a tool may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(3), output: 4 << 20 };
/// How long a title may be on its way.
const TITLE_COMES: Duration = Duration::from_millis(1500);
const STEP: Duration = Duration::from_millis(25);

/// What is read of the client's own environment, where the system lets us.
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
    /// The name that its window was opened under, and the title that it has now, where we opened it.
    pub view: Option<String>,
    pub title: Option<String>,
}

/// Why a window stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRaised {
    #[error("it is at the other end of an SSH connection")]
    Remote,
    #[error("neither `wmctrl` nor `xdotool` is installed")]
    NoTool,
    #[error("this screen lets no program raise another's window")]
    NoWay,
    #[error("its window could not be told from others")]
    NotFound,
}

/// A tool's answer within bounds, in an environment made for it.
pub(super) struct Asking<'a> {
    environment: &'a Environment,
}

impl Asking<'_> {
    /// What it printed, where it went well.
    pub(super) fn ask<W: AsRef<OsStr>>(&self, program: &Path, words: &[W]) -> Option<String> {
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

/// See the module.
pub fn raise(viewer: &Viewer, around: &Surroundings) -> Result<(), NotRaised> {
    let of_client = environment_of(viewer.pid, &READ);
    if is_remote(&of_client) {
        return Err(NotRaised::Remote);
    }
    // The client's screen is where its window is; ours may be another, or none.
    let mut environment = around.environment.clone();
    environment.extend(of_client.clone());
    let asking = Asking { environment: &environment };
    let program = |name: &str| around.program(name);
    if by_itself(viewer, around, &of_client, &asking, &program) {
        return Ok(());
    }
    match &around.system {
        System::Mac => Err(NotRaised::NotFound),
        System::Wsl { .. } | System::Plain if !has(&environment, "DISPLAY") => Err(NotRaised::NoWay),
        System::Wsl { .. } | System::Plain => {
            let tools = Tools { wmctrl: program("wmctrl"), xdotool: program("xdotool") };
            by_window_manager(viewer, &of_client, &asking, &tools)
        }
    }
}

/// Terminals that can be asked themselves.
fn by_itself(
    viewer: &Viewer,
    around: &Surroundings,
    of_client: &Environment,
    asking: &Asking<'_>,
    program: &dyn Fn(&str) -> Option<PathBuf>,
) -> bool {
    if let (Some(socket), Some(kitty)) = (of_client.get(OsStr::new("KITTY_LISTEN_ON")), program("kitty")) {
        let to = |rest: &[&str]| -> Vec<OsString> {
            let head = ["@".into(), "--to".into(), socket.clone()];
            head.into_iter().chain(rest.iter().map(OsString::from)).collect()
        };
        let window = asking.ask(&kitty, &to(&["ls"])).and_then(|listed| kitty::window_of(&listed, viewer.pid));
        if let Some(id) = window
            && asking.ask(&kitty, &to(&["focus-window", "--match", &format!("id:{id}")])).is_some()
        {
            return true;
        }
    }
    // Where its environment cannot be read, WezTerm itself knows whether the tty is one of its own.
    if (around.system == System::Mac || has(of_client, "WEZTERM_UNIX_SOCKET"))
        && let Some(wezterm) = program("wezterm")
        && let Some(pane) = asking
            .ask(&wezterm, &["cli", "list", "--format", "json"])
            .and_then(|listed| wezterm::pane_of(&listed, &viewer.tty))
    {
        return asking.ask(&wezterm, &["cli", "activate-pane", "--pane-id", &pane.to_string()]).is_some();
    }
    match (&around.system, &viewer.view) {
        (System::Mac, _) => [scripts::RAISE_ITERM2, scripts::RAISE_APPLE_TERMINAL].into_iter().any(|script| {
            let words = ["-e", script, &viewer.tty];
            let said = program("osascript").and_then(|osascript| asking.ask(&osascript, &words));
            said.is_some_and(|said| said.trim() == scripts::RAISED)
        }),
        // A window of Windows Terminal is known by the name that it was opened under.
        (System::Wsl { .. }, Some(view)) => {
            program("wt.exe").is_some_and(|wt| asking.ask(&wt, &["-w", view, "focus-tab", "--target", "0"]).is_some())
        }
        _ => false,
    }
}

fn by_window_manager(
    viewer: &Viewer,
    of_client: &Environment,
    asking: &Asking<'_>,
    tools: &Tools,
) -> Result<(), NotRaised> {
    if !tools.are_there() {
        return Err(NotRaised::NoTool);
    }
    let ancestry = ancestry(viewer.pid);
    let id = of_client.get(OsStr::new("WINDOWID")).and_then(|id| id.to_str()?.parse().ok());
    let wanted = Wanted { ancestry: &ancestry, id, title: viewer.title.as_deref() };
    let begun = Stopwatch::start();
    loop {
        match choose(&tools.windows(asking, &ancestry), &wanted) {
            Found::One(id) if tools.activate(asking, id) => return Ok(()),
            Found::Several if viewer.title.is_some() && begun.elapsed() < TITLE_COMES => std::thread::sleep(STEP),
            Found::One(_) | Found::Several | Found::None => return Err(NotRaised::NotFound),
        }
    }
}

fn has(environment: &Environment, name: &str) -> bool {
    environment.get(OsStr::new(name)).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
