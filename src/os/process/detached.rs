//! Starts a program of the user's in its own session, so that it outlives this process.
//!
//! While this process lives, the caller can check whether the program failed, and read its error. Its stderr is an
//! unnamed file: a pipe would be closed when this process ends.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::process::{Child, Command, Stdio};

use crate::os::environment::Environment;
use crate::os::file_tail::last_bytes;
use crate::os::process::child;

/// Bytes at the end of stderr that are searched for its last line.
const WORDS: u64 = 4 << 10;

#[derive(Debug)]
pub struct Detached {
    child: Child,
    words: File,
}

/// A program's failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}{}{}", if .words.is_empty() { "" } else { ": " }, .words)]
pub struct ProgramFailed {
    pub status: String,
    /// The last line of its stderr.
    pub words: String,
}

/// Starts `argv`; `argv[0]` is an absolute path.
pub fn start(argv: &[OsString], environment: &Environment) -> io::Result<Detached> {
    let Some((program, rest)) = argv.split_first() else { return Err(io::Error::other("an empty command")) };
    let words = tempfile::tempfile()?;
    let mut command = Command::new(program);
    command.args(rest).env_clear().envs(environment);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words.try_clone()?);
    child::leave_session(&mut command);
    Ok(Detached { child: command.spawn()?, words })
}

impl Detached {
    /// Its failure, if it has failed by now.
    pub fn failed(&mut self) -> io::Result<Option<ProgramFailed>> {
        Ok(self.ended()?.and_then(Result::err))
    }

    /// How it ended; `None` while it runs. A program that passes its work to another process succeeds at once.
    pub fn ended(&mut self) -> io::Result<Option<Result<(), ProgramFailed>>> {
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        if status.success() {
            return Ok(Some(Ok(())));
        }
        let text = last_bytes(&self.words, WORDS)?;
        let words = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
        Ok(Some(Err(ProgramFailed { status: status.to_string(), words })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Detached {
        start(&["/bin/sh".into(), "-c".into(), script.into()], &Environment::new()).unwrap()
    }

    fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..2000 {
            if let Some(seen) = look() {
                return seen;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("it never came")
    }

    #[test]
    fn it_leads_a_session_and_a_failure_is_heard_with_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let script = format!("cut -d' ' -f1,6 /proc/$$/stat > {0}.new; mv {0}.new {0}", said.display());
        let mut well = shell(&script);
        let ids = until(|| std::fs::read_to_string(&said).ok());
        let (pid, session) = ids.trim().split_once(' ').unwrap();
        assert_eq!(pid, session);
        until(|| well.child.try_wait().unwrap());
        assert_eq!(well.failed().unwrap(), None, "a good end is none");

        let mut badly = shell("echo first >&2; echo 'no display' >&2; echo >&2; exit 3");
        let ended = until(|| badly.failed().unwrap());
        assert_eq!(ended.to_string(), "exit status: 3: no display");
        assert!(start(&["/no/such/program".into()], &Environment::new()).is_err());
    }
}
