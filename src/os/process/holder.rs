//! Which process holds a lock, so that an error after a long wait can name it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::{fmt, fs, io};

use crate::os::process::platform;

/// Characters of a command line that are shown.
const SHOWN: usize = 80;

/// A process that holds a lock, to name it and the command that makes it release the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// Its arguments, shortened.
    pub command: String,
    /// Stopped (SIGSTOP, Ctrl-Z): it releases nothing until it is continued.
    pub is_stopped: bool,
}

impl Holder {
    pub fn of(pid: u32) -> Self {
        let arguments = platform::Details::new().arguments_of(pid);
        let words: Vec<String> = arguments
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8_lossy(word).escape_debug().to_string())
            .collect();
        let line = words.join(" ");
        let command = match line.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        };
        Self { pid, command, is_stopped: platform::is_stopped(pid) }
    }

    /// The command that continues a stopped process, or ends a running one.
    pub fn fix(&self) -> String {
        let signal = if self.is_stopped { "CONT" } else { "TERM" };
        format!("kill -{signal} {}", self.pid)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        if !self.command.is_empty() {
            write!(f, " (`{}`)", self.command)?;
        }
        if self.is_stopped { write!(f, ", which is stopped") } else { Ok(()) }
    }
}

/// A process that holds a lock on the file at `path`, a stopped one first. `None` if there is none or the system cannot
/// tell. Fails if the file cannot be read.
pub fn holder_of(path: &Path) -> io::Result<Option<Holder>> {
    let file = fs::symlink_metadata(path)?;
    let holders = platform::lock_holders(file.dev(), file.ino()).into_iter().filter(|pid| *pid != std::process::id());
    Ok(holders.map(Holder::of).max_by_key(|holder| holder.is_stopped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_with_what_to_do() {
        let mut holder = Holder { pid: 7, command: "dispatch run job T".to_owned(), is_stopped: false };
        assert_eq!(holder.to_string(), "process 7 (`dispatch run job T`)");
        assert_eq!(holder.fix(), "kill -TERM 7");
        holder.is_stopped = true;
        assert_eq!(holder.to_string(), "process 7 (`dispatch run job T`), which is stopped");
        assert_eq!(holder.fix(), "kill -CONT 7");
    }
}
