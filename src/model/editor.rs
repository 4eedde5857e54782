//! The user's text editor: its command, how it is told a line, and whether it needs a terminal. Pure.

use std::ffi::OsString;
use std::path::Path;

use crate::model::placeholders::{WordPart, split};

/// What the words of `editor:` may contain.
pub const PLACEHOLDERS: [&str; 2] = [FILE, LINE];
const FILE: &str = "file";
const LINE: &str = "line";

/// The command of an editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditorCommand {
    /// At least one: program and arguments.
    words: Vec<String>,
    /// Whether the words are those of `editor:`, which may have placeholders; else they are those of a variable, and the
    /// editor's own way to name a line is used, if it is known.
    is_written: bool,
}

/// How an editor is told the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineForm {
    /// `+12 FILE`
    Plus,
    /// `FILE:12`
    Colon,
    /// `--goto FILE:12`
    Goto,
    /// `--line 12 FILE`
    Option,
    /// It opens the file at its start.
    Nothing,
}

/// The programs, how each is told a line, and whether each works in a terminal.
const KNOWN: &[(&[&str], LineForm, bool)] = &[
    (
        &["vi", "vim", "nvim", "view", "vis", "nano", "pico", "micro", "kak", "joe", "mg", "ne", "mcedit"],
        LineForm::Plus,
        true,
    ),
    (&["hx", "helix"], LineForm::Colon, true),
    (&["gvim", "mvim", "emacs", "emacsclient", "gedit", "xed", "pluma"], LineForm::Plus, false),
    (&["code", "code-insiders", "codium", "cursor", "windsurf"], LineForm::Goto, false),
    (&["subl", "zed", "zeditor", "lite-xl"], LineForm::Colon, false),
    (
        &["kate", "idea", "clion", "goland", "pycharm", "rustrover", "webstorm", "phpstorm", "rubymine"],
        LineForm::Option,
        false,
    ),
];

/// Arguments with which Emacs works in the terminal.
const IN_TERMINAL: [&str; 4] = ["-nw", "-t", "--tty", "--no-window-system"];

impl EditorCommand {
    /// The command of `editor:`. The file is appended if no word contains `{{ file }}`.
    pub fn written(words: Vec<String>) -> Self {
        Self { words, is_written: true }
    }

    /// The command of `$VISUAL` or `$EDITOR`, split as a shell splits it. `None` if it has no word or a quote is open.
    pub fn of_variable(text: &str) -> Option<Self> {
        let words = shell_words::split(text).ok().filter(|words| !words.is_empty())?;
        Some(Self { words, is_written: false })
    }

    pub fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether it works in a terminal, as far as its program is known.
    pub fn needs_terminal(&self) -> bool {
        let is_in_terminal = || self.words.iter().skip(1).any(|word| IN_TERMINAL.contains(&word.as_str()));
        match self.known() {
            Some((_, true)) => true,
            _ => self.name().starts_with("emacs") && is_in_terminal(),
        }
    }

    /// The arguments after the program that open `file`, at `line` if it is given.
    pub fn arguments(&self, file: &Path, line: Option<u32>) -> Vec<OsString> {
        let own = self.words.iter().skip(1);
        if !self.is_written {
            return own.map(OsString::from).chain(self.file_arguments(file, line)).collect();
        }
        let line = line.unwrap_or(1).to_string();
        let mut has_file = false;
        let mut arguments: Vec<OsString> = Vec::new();
        for word in own {
            let mut whole = OsString::new();
            for part in split(word, &PLACEHOLDERS).unwrap_or_else(|_| vec![WordPart::Text(word)]) {
                match part {
                    WordPart::Text(text) => whole.push(text),
                    WordPart::Placeholder(FILE) => {
                        has_file = true;
                        whole.push(file);
                    }
                    WordPart::Placeholder(_) => whole.push(&line),
                }
            }
            arguments.push(whole);
        }
        if !has_file {
            arguments.push(file.into());
        }
        arguments
    }

    /// As the known editors take file and line.
    fn file_arguments(&self, file: &Path, line: Option<u32>) -> Vec<OsString> {
        let form = self.known().map_or(LineForm::Nothing, |(form, _)| form);
        let at_line = |line: u32| {
            let mut place = file.as_os_str().to_owned();
            place.push(format!(":{line}"));
            place
        };
        match (form, line) {
            (LineForm::Plus, Some(line)) => vec![format!("+{line}").into(), file.into()],
            (LineForm::Colon, Some(line)) => vec![at_line(line)],
            (LineForm::Goto, Some(line)) => vec!["--goto".into(), at_line(line)],
            (LineForm::Option, Some(line)) => vec!["--line".into(), line.to_string().into(), file.into()],
            (LineForm::Nothing, _) | (_, None) => vec![file.into()],
        }
    }

    fn known(&self) -> Option<(LineForm, bool)> {
        let known = KNOWN.iter().find(|(names, ..)| names.contains(&self.name()));
        known.map(|(_, form, needs_terminal)| (*form, *needs_terminal))
    }

    /// The program without its folder.
    fn name(&self) -> &str {
        Path::new(self.program()).file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn opens(command: &EditorCommand, line: Option<u32>, arguments: &[&str]) {
        assert_eq!(command.arguments(Path::new("/p/a b.rs"), line), arguments, "{command:?}");
    }

    #[test]
    fn the_words_of_the_manifest_name_file_and_line() {
        let written = |words: &[&str]| EditorCommand::written(words.iter().map(|&word| word.to_owned()).collect());
        opens(&written(&["code", "--goto", "{{ file }}:{{ line }}"]), Some(12), &["--goto", "/p/a b.rs:12"]);
        opens(&written(&["code", "--goto", "{{file}}:{{line}}"]), None, &["--goto", "/p/a b.rs:1"]);
        opens(&written(&["x", "{{ line }}"]), Some(3), &["3", "/p/a b.rs"]);
        opens(&written(&["vim"]), Some(3), &["/p/a b.rs"]);
    }

    #[test]
    fn a_variable_is_told_the_line_in_its_own_way() {
        let of = |text: &str| EditorCommand::of_variable(text).unwrap();
        opens(&of("vim -u NONE"), Some(12), &["-u", "NONE", "+12", "/p/a b.rs"]);
        opens(&of("/usr/bin/nano"), None, &["/p/a b.rs"]);
        opens(&of("hx"), Some(12), &["/p/a b.rs:12"]);
        opens(&of("code --wait"), Some(12), &["--wait", "--goto", "/p/a b.rs:12"]);
        opens(&of("idea"), Some(12), &["--line", "12", "/p/a b.rs"]);
        opens(&of("'my editor' '{{ file }}'"), Some(12), &["{{ file }}", "/p/a b.rs"]);
        for text in ["", "  ", "vim '"] {
            assert_eq!(EditorCommand::of_variable(text), None, "{text}");
        }
    }

    #[test]
    fn editors_of_the_terminal_are_known() {
        let needs = |text: &str| EditorCommand::of_variable(text).unwrap().needs_terminal();
        for text in ["vi", "/usr/bin/vim -u NONE", "hx", "emacs -nw", "emacsclient -t"] {
            assert!(needs(text), "{text}");
        }
        for text in ["code -t", "gvim", "emacs", "emacsclient -c", "my-editor"] {
            assert!(!needs(text), "{text}");
        }
    }
}
