//! The terminal emulators that `terminal:` can name, and the user's choice of one. How each is started is in the table
//! of `os::terminal`.

use crate::model::placeholders::{self, UnknownExpression, WordPart};
use crate::model::words::words;

/// A terminal emulator, in the order in which `auto` tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TerminalName {
    WindowsTerminal,
    WezTerm,
    ITerm2,
    AppleTerminal,
    Kitty,
    GnomeTerminal,
    Konsole,
    Alacritty,
    XdgTerminalExec,
    XTerminalEmulator,
    Xterm,
}

words!(TerminalName {
    WindowsTerminal: "windows-terminal",
    WezTerm: "wezterm",
    ITerm2: "iterm2",
    AppleTerminal: "apple-terminal",
    Kitty: "kitty",
    GnomeTerminal: "gnome-terminal",
    Konsole: "konsole",
    Alacritty: "alacritty",
    XdgTerminalExec: "xdg-terminal-exec",
    XTerminalEmulator: "x-terminal-emulator",
    Xterm: "xterm",
});

impl TerminalName {
    /// The product's spelling.
    pub fn title(self) -> &'static str {
        match self {
            Self::WindowsTerminal => "Windows Terminal",
            Self::WezTerm => "WezTerm",
            Self::ITerm2 => "iTerm2",
            Self::AppleTerminal => "Apple Terminal",
            Self::GnomeTerminal => "GNOME Terminal",
            Self::Konsole => "Konsole",
            Self::Alacritty => "Alacritty",
            Self::Kitty | Self::XdgTerminalExec | Self::XTerminalEmulator | Self::Xterm => self.as_str(),
        }
    }

    /// Parses any spelling: `GNOME Terminal`, `gnome-terminal`, `gnome_terminal`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |text: &str| {
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect::<String>()
        };
        let wanted = plain(text);
        Self::ALL.into_iter().find(|name| plain(name.as_str()) == wanted)
    }
}

/// The terminal in which the user wants windows opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// The first one that is installed.
    #[default]
    Auto,
    /// Open and raise no terminal.
    None,
    Named(TerminalName),
    /// The user's argv: at least one word, one of them containing [`COMMAND`].
    Own(Vec<String>),
}

/// The placeholder for the command that the terminal runs.
pub const COMMAND: &str = "{{ command }}";

/// Splits a word of the user's argv at each [`COMMAND`]. Fails on any other expression.
pub fn split_at_command(word: &str) -> Result<Vec<WordPart<'_>>, UnknownExpression> {
    placeholders::split(word, &["command"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_known_in_every_spelling() {
        for name in TerminalName::ALL {
            assert_eq!(TerminalName::parse(name.as_str()), Some(name));
            assert_eq!(TerminalName::parse(name.title()), Some(name));
        }
        assert_eq!(TerminalName::parse("GNOME_TERMINAL"), Some(TerminalName::GnomeTerminal));
        for text in ["", "gnome", "auto", "xterm -e"] {
            assert_eq!(TerminalName::parse(text), None, "{text}");
        }
    }
}
