//! The command line by which a terminal opens a command. Pure.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use crate::model::placeholders::WordPart;
use crate::model::terminal::split_at_command;
use crate::os::terminal::BECOME_WORD;
use crate::os::terminal::host_environment::{HostEnvironment, HostSystem};
use crate::os::terminal::known::{ArgvPart, Needs, Opens, TerminalSpec};

/// What a new terminal shows.
#[derive(Clone, Debug)]
pub struct TerminalLaunch<'a> {
    /// The resolved path of the terminal's program.
    pub program: &'a Path,
    /// The title until the command sets one.
    pub title: &'a str,
    /// The command, whose program is an absolute path.
    pub command: &'a [OsString],
    /// A unique name of letters, digits and dashes.
    pub view: &'a str,
    /// The path of `dispatch`.
    pub own: &'a Path,
}

impl TerminalLaunch<'_> {
    /// The arguments by the entry of a known terminal.
    pub fn argv(&self, row: &TerminalSpec, around: &HostEnvironment) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.program.into()];
        match row.opens {
            Opens::Argv(parts) => parts.iter().for_each(|part| self.push(&mut argv, *part, around)),
            Opens::Script(script) => argv.extend(["-e".into(), script.into(), self.line()]),
        }
        if row.needs == Needs::Wsl {
            // Windows Terminal reads `;` in any argument as the start of another command.
            argv[1..].iter_mut().for_each(|word| *word = replaced(word, b';', br"\;"));
        }
        argv
    }

    /// The arguments by the command line in the user's configuration.
    pub fn own_argv(&self, words: &[String]) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.program.into()];
        for word in words.iter().skip(1) {
            match split_at_command(word).unwrap_or_else(|_| vec![WordPart::Text(word)]).as_slice() {
                [WordPart::Placeholder(_)] => argv.extend_from_slice(self.command),
                cut => {
                    let mut whole = OsString::new();
                    for piece in cut {
                        match piece {
                            WordPart::Text(text) => whole.push(text),
                            WordPart::Placeholder(_) => whole.push(self.quoted()),
                        }
                    }
                    argv.push(whole);
                }
            }
        }
        argv
    }

    fn push(&self, argv: &mut Vec<OsString>, part: ArgvPart, around: &HostEnvironment) {
        match part {
            ArgvPart::Is(text) => argv.push(text.into()),
            ArgvPart::Title => argv.push(self.title.into()),
            ArgvPart::View => argv.push(self.view.into()),
            ArgvPart::Command => argv.extend_from_slice(self.command),
            ArgvPart::Encoded => argv.extend([self.own.into(), BECOME_WORD.into(), encode(self.command).into()]),
            ArgvPart::Distribution => {
                if let HostSystem::Wsl { distribution, user } = &around.system {
                    argv.extend(["-d".into(), distribution.clone()]);
                    argv.extend(user.iter().flat_map(|user| ["-u".into(), user.clone()]));
                }
            }
        }
    }

    /// The command as one line for any shell and for iTerm2. A backslash escapes each special character: sh, fish and
    /// iTerm2 all read that.
    fn line(&self) -> OsString {
        let mut line = b"exec".to_vec();
        for word in self.command {
            line.push(b' ');
            for byte in word.as_bytes() {
                if !(byte.is_ascii_alphanumeric() || b"/._-:@%+,".contains(byte) || *byte >= 0x80) {
                    line.push(b'\\');
                }
                line.push(*byte);
            }
            if word.is_empty() {
                line.extend_from_slice(b"''");
            }
        }
        OsString::from_vec(line)
    }

    /// The command quoted for `sh`, as a part of a longer argument.
    fn quoted(&self) -> OsString {
        let words = self.command.iter().map(|word| replaced(word, b'\'', br"'\''"));
        let mut line = OsString::new();
        for word in words {
            line.push(if line.is_empty() { "'" } else { " '" });
            line.push(word);
            line.push("'");
        }
        line
    }
}

fn replaced(word: &OsStr, from: u8, to: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(word.len());
    for byte in word.as_bytes() {
        if *byte == from { bytes.extend_from_slice(to) } else { bytes.push(*byte) }
    }
    OsString::from_vec(bytes)
}

/// Words as hexadecimal digits, each with a final NUL.
fn encode(words: &[OsString]) -> String {
    let bytes = words.iter().flat_map(|word| word.as_bytes().iter().chain([&0]));
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Reverses `encode`; `None` for any other text.
pub fn decode(text: &OsStr) -> Option<Vec<OsString>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut pairs = text.as_bytes().chunks_exact(2);
    let bytes: Vec<u8> =
        pairs.by_ref().map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Option<_>>()?;
    let body = bytes.strip_suffix(&[0]).filter(|_| pairs.remainder().is_empty())?;
    Some(body.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
}

#[cfg(test)]
mod tests;
