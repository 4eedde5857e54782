//! Words on the two streams: results to stdout, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::agent::{Sanitizer, is_bidi_control, sanitize_line};
use crate::cli::error::CliError;
use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::model::problem::Problem;

/// Writes a result. A reader that went away is no failure of ours.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes text that others wrote: exact into a file or a pipe, harmless on a terminal.
pub(crate) fn untrusted(bytes: &[u8]) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return write(bytes);
    }
    let mut safe = Vec::with_capacity(bytes.len());
    let mut sanitizer = Sanitizer::new();
    sanitizer.feed(bytes, &mut safe);
    sanitizer.finish(&mut safe);
    write(&safe)
}

/// One line of a result.
pub(crate) fn line(text: &str) -> Result<(), CliError> {
    untrusted(format!("{text}\n").as_bytes()).map_err(CliError::from)
}

/// One JSON document. What a terminal could obey in it is escaped, which a reader of JSON does not see.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    write(format!("{}\n", escaped(&text)).as_bytes()).map_err(CliError::from)
}

/// JSON without the characters that turn or control a terminal; they only stand inside its texts.
fn escaped(json: &str) -> Cow<'_, str> {
    let obeyed = |c: char| is_bidi_control(c) || matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(obeyed) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            _ if obeyed(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The other stream.
#[derive(Clone, Debug)]
pub(crate) struct Stderr {
    colour: bool,
    quiet: bool,
}

pub(crate) fn stderr(meant: &Meant) -> Stderr {
    Stderr { colour: meant.colour.1, quiet: meant.quiet }
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

    /// A status line: what goes on, for whoever is watching.
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

    /// Nobody is left to tell where stderr cannot be written.
    pub(crate) fn raw(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
