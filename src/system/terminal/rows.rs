//! The table: one row for each terminal that is known, in the order in which `auto` looks.
//!
//! Data only. A terminal that lets its program set the title is given none, or one that does not
//! stick: the view sets it, and follows what it shows.

use crate::model::terminal::TerminalName;
use crate::system::terminal::scripts;

/// One terminal.
#[derive(Debug)]
pub struct Row {
    pub name: TerminalName,
    pub needs: Needs,
    /// Its program, as `PATH` has it.
    pub program: &'static str,
    /// Its bundle on macOS, and whether the program is in there.
    pub app: Option<App>,
    pub opens: Opens,
}

/// Where a terminal can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any screen: X, Wayland or macOS.
    Screen,
    Mac,
    Wsl,
}

/// An application of macOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// The program may be inside of it instead of on `PATH`.
    Holds(&'static str),
    /// It must be there, and the program only steers it.
    Beside(&'static str),
}

/// How a new window with a command is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    Argv(&'static [Word]),
    /// AppleScript, told the command as one line for a shell.
    Script(&'static str),
}

/// What an argv is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Is(&'static str),
    Title,
    /// The command, word for word.
    Command,
    /// The command in plain letters and digits: for who would read `$`, `;` or quotes in it.
    Encoded,
    /// The name of the view, as that of a window.
    View,
    /// `-d NAME`, and `-u USER` where that is known.
    Distribution,
}

use Word::{Command, Distribution, Encoded, Is, Title, View};

/// See the module.
pub const ROWS: &[Row] = &[
    Row {
        name: TerminalName::WindowsTerminal,
        needs: Needs::Wsl,
        program: "wt.exe",
        app: None,
        opens: Opens::Argv(&[
            Is("-w"),
            View,
            Is("new-tab"),
            Is("--title"),
            Title,
            Is("wsl.exe"),
            Distribution,
            Is("--exec"),
            Encoded,
        ]),
    },
    Row {
        name: TerminalName::WezTerm,
        needs: Needs::Screen,
        program: "wezterm",
        app: Some(App::Holds("WezTerm")),
        opens: Opens::Argv(&[Is("start"), Is("--"), Command]),
    },
    Row {
        name: TerminalName::ITerm2,
        needs: Needs::Mac,
        program: "osascript",
        app: Some(App::Beside("iTerm")),
        opens: Opens::Script(scripts::OPEN_ITERM2),
    },
    Row {
        name: TerminalName::AppleTerminal,
        needs: Needs::Mac,
        program: "osascript",
        app: None,
        opens: Opens::Script(scripts::OPEN_APPLE_TERMINAL),
    },
    Row {
        name: TerminalName::Kitty,
        needs: Needs::Screen,
        program: "kitty",
        app: Some(App::Holds("kitty")),
        opens: Opens::Argv(&[Command]),
    },
    Row {
        name: TerminalName::GnomeTerminal,
        needs: Needs::Screen,
        program: "gnome-terminal",
        app: None,
        opens: Opens::Argv(&[Is("--window"), Is("--title"), Title, Is("--"), Command]),
    },
    Row {
        name: TerminalName::Konsole,
        needs: Needs::Screen,
        program: "konsole",
        app: None,
        // It replaces `$NAME` in words; `%w` is the title that the program sets.
        opens: Opens::Argv(&[Is("-p"), Is("tabtitle=%w"), Is("-e"), Encoded]),
    },
    Row {
        name: TerminalName::Alacritty,
        needs: Needs::Screen,
        program: "alacritty",
        app: Some(App::Holds("Alacritty")),
        opens: Opens::Argv(&[Is("-e"), Command]),
    },
    Row {
        name: TerminalName::XdgTerminalExec,
        needs: Needs::Screen,
        program: "xdg-terminal-exec",
        app: None,
        // Whatever is behind it may read the words.
        opens: Opens::Argv(&[Encoded]),
    },
    Row {
        name: TerminalName::XTerminalEmulator,
        needs: Needs::Screen,
        program: "x-terminal-emulator",
        app: None,
        opens: Opens::Argv(&[Is("-e"), Encoded]),
    },
    Row {
        name: TerminalName::Xterm,
        needs: Needs::Screen,
        program: "xterm",
        app: None,
        opens: Opens::Argv(&[Is("-u8"), Is("-T"), Title, Is("-e"), Command]),
    },
];

/// The row of a terminal.
pub fn row(name: TerminalName) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_has_one_row_in_its_order() {
        let names: Vec<TerminalName> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names, TerminalName::ALL);
    }
}
