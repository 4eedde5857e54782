//! What a terminal is told so that it opens: a row, and what is to be shown, become one argv. Pure.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use crate::model::terminal::{WordPart, pieces};
use crate::system::terminal::BECOME_WORD;
use crate::system::terminal::rows::{Needs, Opens, Row, Word};
use crate::system::terminal::surroundings::{Surroundings, System};

/// What is to be shown.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The terminal's program, found.
    pub program: &'a Path,
    /// The title until the command sets one.
    pub title: &'a str,
    /// The command, its program absolute.
    pub command: &'a [OsString],
    /// A name of letters, digits and dashes that no other window has.
    pub view: &'a str,
    /// This program.
    pub own: &'a Path,
}

impl Opening<'_> {
    /// By a row of the table.
    pub fn argv(&self, row: &Row, around: &Surroundings) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.program.into()];
        match row.opens {
            Opens::Argv(words) => words.iter().for_each(|word| self.push(&mut argv, *word, around)),
            Opens::Script(script) => argv.extend(["-e".into(), script.into(), self.line()]),
        }
        if row.needs == Needs::Wsl {
            // `;` would begin another command of its own, wherever it stands.
            argv[1..].iter_mut().for_each(|word| *word = replaced(word, b';', br"\;"));
        }
        argv
    }

    /// By the user's own words.
    pub fn own_argv(&self, words: &[String]) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.program.into()];
        for word in words.iter().skip(1) {
            match pieces(word).unwrap_or_else(|_| vec![WordPart::Text(word)]).as_slice() {
                [WordPart::Command] => argv.extend_from_slice(self.command),
                cut => {
                    let mut whole = OsString::new();
                    for piece in cut {
                        match piece {
                            WordPart::Text(text) => whole.push(text),
                            WordPart::Command => whole.push(self.quoted()),
                        }
                    }
                    argv.push(whole);
                }
            }
        }
        argv
    }

    fn push(&self, argv: &mut Vec<OsString>, word: Word, around: &Surroundings) {
        match word {
            Word::Is(text) => argv.push(text.into()),
            Word::Title => argv.push(self.title.into()),
            Word::View => argv.push(self.view.into()),
            Word::Command => argv.extend_from_slice(self.command),
            Word::Encoded => argv.extend([self.own.into(), BECOME_WORD.into(), encode(self.command).into()]),
            Word::Distribution => {
                if let System::Wsl { distribution, user } = &around.system {
                    argv.extend(["-d".into(), distribution.clone()]);
                    argv.extend(user.iter().flat_map(|user| ["-u".into(), user.clone()]));
                }
            }
        }
    }

    /// The command as a line for any shell, and for iTerm2, which reads it much as one would. Each
    /// character that could mean something stands behind a backslash: the one form that all of them,
    /// and fish, read alike.
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

    /// The command as `sh` reads it, for a word of which it is a part.
    fn quoted(&self) -> OsString {
        let mut line = Vec::new();
        for word in self.command {
            if !line.is_empty() {
                line.push(b' ');
            }
            line.push(b'\'');
            for byte in word.as_bytes() {
                match byte {
                    b'\'' => line.extend_from_slice(br"'\''"),
                    byte => line.push(*byte),
                }
            }
            line.push(b'\'');
        }
        OsString::from_vec(line)
    }
}

fn replaced(word: &OsStr, from: u8, to: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(word.len());
    for byte in word.as_bytes() {
        if *byte == from { bytes.extend_from_slice(to) } else { bytes.push(*byte) }
    }
    OsString::from_vec(bytes)
}

/// Words as hexadecimal digits, a NUL behind each.
fn encode(words: &[OsString]) -> String {
    let bytes = words.iter().flat_map(|word| word.as_bytes().iter().chain([&0]));
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// The words again; `None` where that is not what they are.
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
