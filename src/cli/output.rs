//! Output: results to stdout, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::agents::{Sanitizer, is_bidi_control, sanitize_line};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::frames;
use crate::model::problem::Problem;

/// Writes a result. A closed pipe is not an error.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    write_if_heard(bytes).map(drop)
}

/// As [`write()`]. Returns whether stdout has a reader: a command that goes on ends without one.
pub(crate) fn write_if_heard(bytes: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// Writes text from outside: unchanged to a file or a pipe, without control sequences to a terminal.
pub(crate) fn untrusted(bytes: &[u8]) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return write(bytes);
    }
    write(&sanitized(bytes))
}

/// The text without control sequences.
pub(crate) fn sanitized(bytes: &[u8]) -> Vec<u8> {
    let mut safe = Vec::with_capacity(bytes.len());
    let mut sanitizer = Sanitizer::new();
    sanitizer.feed(bytes, &mut safe);
    sanitizer.finish(&mut safe);
    safe
}

/// One line of a result.
pub(crate) fn line(text: &str) -> Result<(), CliError> {
    untrusted(format!("{text}\n").as_bytes()).map_err(CliError::from)
}

/// Writes one JSON document and succeeds. Control characters are escaped, which JSON readers undo.
pub(crate) fn json(value: &impl Serialize) -> CommandResult {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    write(format!("{}\n", escaped(&text)).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A value as a line of JSON Lines.
pub(crate) fn json_line(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    Ok(format!("{}\n", escaped(&text)))
}

/// Escapes control and bidirectional characters; in JSON they occur only in strings.
fn escaped(json: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| is_bidi_control(c) || matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            _ if is_unsafe(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// How stderr is written.
#[derive(Clone, Debug)]
pub(crate) struct Stderr {
    colour: bool,
    quiet: bool,
}

pub(crate) fn stderr(context: &CommandContext) -> Stderr {
    Stderr { colour: context.colour.1, quiet: context.quiet }
}

impl Stderr {
    pub(crate) fn error(&self, message: &str) {
        self.labelled("error", "31", message);
    }

    pub(crate) fn warning(&self, message: &str) {
        self.labelled("warning", "33", message);
    }

    pub(crate) fn hint(&self, message: &str) {
        self.labelled("hint", "36", message);
    }

    /// A status line; `--quiet` omits it.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            self.raw(&format!("{}\n", sanitize_line(message)));
        }
    }

    pub(crate) fn problems(&self, problems: &[Problem]) {
        for problem in problems {
            self.raw(&frames::render(problem, self.colour));
        }
    }

    fn labelled(&self, label: &str, colour: &str, message: &str) {
        let message = message.lines().map(sanitize_line).collect::<Vec<_>>().join("\n  ");
        if self.colour {
            self.raw(&format!("\x1b[1;{colour}m{label}\x1b[0m: {message}\n"));
        } else {
            self.raw(&format!("{label}: {message}\n"));
        }
    }

    /// An error is ignored: it could only be reported on stderr.
    pub(crate) fn raw(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
