//! The known terminals, in the order in which `auto` searches. Data only.
//!
//! A terminal that lets its program set the title gets none here, or a replaceable one: the view sets the title to the
//! name of the window that it shows.

use crate::model::terminal::TerminalName;
use crate::os::terminal::scripts;

/// One terminal.
#[derive(Debug)]
pub struct TerminalSpec {
    pub name: TerminalName,
    pub needs: Needs,
    /// Its program, as found in `PATH`.
    pub program: &'static str,
    /// Its application bundle on macOS.
    pub app: Option<App>,
    pub opens: Opens,
}

/// Where a terminal can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any screen: X, Wayland or macOS.
    Screen,
    Mac,
    Wsl,
}

/// An application on macOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// The program is in `PATH` or inside the application.
    Holds(&'static str),
    /// The application must exist; the program only controls it.
    Beside(&'static str),
}

/// How a new window with a command is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    Argv(&'static [ArgvPart]),
    /// AppleScript, whose argument is the command as one line for a shell.
    Script(&'static str),
}

/// A part of an argv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgvPart {
    Is(&'static str),
    Title,
    /// The command, one argument for each word.
    Command,
    /// The command encoded in letters and digits, for terminals that interpret `$`, `;` or quotes.
    Encoded,
    /// The name of the view, as the window's name.
    View,
    /// `-d NAME`, and `-u USER` if the user is known.
    Distribution,
}

use ArgvPart::{Command, Distribution, Encoded, Is, Title, View};

pub const TERMINALS: &[TerminalSpec] = &[
    TerminalSpec {
        needs: Needs::Wsl,
        ..on_screen(
            TerminalName::WindowsTerminal,
            "wt.exe",
            &[Is("-w"), View, Is("new-tab"), Is("--title"), Title, Is("wsl.exe"), Distribution, Is("--exec"), Encoded],
        )
    },
    TerminalSpec {
        app: Some(App::Holds("WezTerm")),
        ..on_screen(TerminalName::WezTerm, "wezterm", &[Is("start"), Is("--"), Command])
    },
    TerminalSpec { app: Some(App::Beside("iTerm")), ..by_script(TerminalName::ITerm2, scripts::OPEN_ITERM2) },
    by_script(TerminalName::AppleTerminal, scripts::OPEN_APPLE_TERMINAL),
    TerminalSpec { app: Some(App::Holds("kitty")), ..on_screen(TerminalName::Kitty, "kitty", &[Command]) },
    on_screen(
        TerminalName::GnomeTerminal,
        "gnome-terminal",
        &[Is("--window"), Is("--title"), Title, Is("--"), Command],
    ),
    // Konsole replaces `$NAME` in arguments; `%w` is the title that the program sets.
    on_screen(TerminalName::Konsole, "konsole", &[Is("-p"), Is("tabtitle=%w"), Is("-e"), Encoded]),
    TerminalSpec {
        app: Some(App::Holds("Alacritty")),
        ..on_screen(TerminalName::Alacritty, "alacritty", &[Is("-e"), Command])
    },
    // The terminal that it starts may interpret the arguments.
    on_screen(TerminalName::XdgTerminalExec, "xdg-terminal-exec", &[Encoded]),
    on_screen(TerminalName::XTerminalEmulator, "x-terminal-emulator", &[Is("-e"), Encoded]),
    on_screen(TerminalName::Xterm, "xterm", &[Is("-u8"), Is("-T"), Title, Is("-e"), Command]),
];

const fn on_screen(name: TerminalName, program: &'static str, argv: &'static [ArgvPart]) -> TerminalSpec {
    TerminalSpec { name, needs: Needs::Screen, program, app: None, opens: Opens::Argv(argv) }
}

const fn by_script(name: TerminalName, script: &'static str) -> TerminalSpec {
    TerminalSpec { name, needs: Needs::Mac, program: "osascript", app: None, opens: Opens::Script(script) }
}

pub fn terminal_spec(name: TerminalName) -> Option<&'static TerminalSpec> {
    TERMINALS.iter().find(|terminal| terminal.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_is_listed_once_in_its_order() {
        let names: Vec<TerminalName> = TERMINALS.iter().map(|terminal| terminal.name).collect();
        assert_eq!(names, TerminalName::ALL);
    }
}
