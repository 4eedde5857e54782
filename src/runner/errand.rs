//! Work that reads the manifest and renders templates, done for a long-lived process in a child.
//!
//! A hostile template can eat memory or time, and whoever gave it up cannot end it: so the server
//! asks `dispatch __errand`, which does as the command line would and answers once. Must not know
//! how the answer is shown.

mod catalog;
mod failure_record;
mod files;
mod start;
mod work;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::runner::errand::failure_record::FailureRecord;
use crate::runner::failure::{Failure, Kind};
use crate::system::process::ask::{self, AskError, Bounds};
use crate::system::process::supervise::own_program;

/// So many children at once; the next waits its turn.
const CHILDREN: usize = 8;
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(60), answer: 32 << 20 };
/// A request is a prompt or a file of 1 MiB, each byte of it six in JSON at worst.
const REQUEST_MAX: u64 = 16 << 20;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum Errand {
    /// Start or join, as `run -d`: `{"run", "created", "skipped", "runs", "attach"?}`.
    Start {
        mode: String,
        task: String,
        #[serde(default)]
        prompt: Option<String>,
        #[serde(default)]
        extras: Vec<String>,
        #[serde(default)]
        force: bool,
        #[serde(default)]
        resume: bool,
        #[serde(default)]
        subtasks: bool,
    },
    /// As `render --json`.
    Render {
        mode: String,
        task: String,
        #[serde(default)]
        prompt: Option<String>,
        #[serde(default)]
        extras: Vec<String>,
    },
    /// As `plan --json`.
    Plan,
    /// As `up --json`.
    Up,
    /// As `modes --json`.
    Modes,
    /// As `tasks --json`.
    Tasks,
    /// What a page of all tasks needs: `{"project", "tasks", "modes", "problems", "broken",
    /// "missing", "fresh", "tracks"}`.
    Catalog,
    /// As `task ID --json`.
    Task { id: String },
    /// As `diff --json`, with the beginning of the patch.
    Diff { id: String },
    /// As `clean --json`.
    Clean {
        id: String,
        #[serde(default)]
        dry_run: bool,
    },
    /// Opens or focuses the user's terminal on the pair's window: `{"attached", "attachNote"?}`.
    Show { mode: String, task: String },
    /// Whether both names are known now: `{"mode", "task"}` as they are spelt.
    Know { mode: String, task: String },
    /// The manifest, `dispatch.local.yaml` beside it, or a subtask file that it names, by its path
    /// relative to the manifest's folder: `{"name", "text", "etag"}`.
    ReadFile { name: String },
    /// Replaces it, if it still is what `etag` says (empty: there is none yet) and the project has no
    /// error with the new text: `{"name", "etag", "problems"}`, of which all are warnings.
    WriteFile { name: String, text: String, etag: String },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Done(Value),
    Failed(FailureRecord),
}

/// Who sends children on errands for one project.
#[derive(Debug)]
pub struct Errands {
    /// Found early: its file may be replaced by another version later.
    program: Option<PathBuf>,
    manifest: PathBuf,
    bounds: Bounds,
    free: Mutex<usize>,
    freed: Condvar,
}

impl Errands {
    /// `manifest` is absolute.
    pub fn new(manifest: PathBuf) -> Self {
        let (free, freed) = (Mutex::new(CHILDREN), Condvar::new());
        Self { program: own_program().ok(), manifest, bounds: BOUNDS, free, freed }
    }

    /// Has it done, and waits for it. The caller's thread must live that long, which it does here.
    pub fn run(&self, errand: &Errand) -> Result<Value, Failure> {
        let _turn = self.turn()?;
        let request = serde_json::to_vec(errand).map_err(|error| internal(&error.to_string()))?;
        let found;
        let program = match &self.program {
            Some(program) => program,
            None => {
                found = own_program()?;
                &found
            }
        };
        let folder = self.manifest.parent().unwrap_or(Path::new("/"));
        let words = ["__errand".as_ref(), self.manifest.as_os_str()];
        let answered = ask::ask(program, &words, folder, &request, self.bounds).map_err(|error| match error {
            AskError::Time(_) | AskError::Size(_) => internal(&format!("the work was given up: {error}")),
            error => Failure::chain(Kind::Internal, &error),
        })?;
        match serde_json::from_slice(&answered.answer) {
            Ok(Answer::Done(value)) if answered.status.success() => Ok(value),
            Ok(Answer::Failed(failure)) if answered.status.success() => Err(failure.into()),
            _ => {
                let failure = internal(&format!("the work ended without an answer ({})", answered.status));
                let words = answered.words.lines().last().map(crate::agent::sanitize_line);
                Err(words.into_iter().fold(failure, Failure::hint))
            }
        }
    }

    fn turn(&self) -> Result<Turn<'_>, Failure> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, self.bounds.time, |free| *free == 0);
        let (mut free, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && *free == 0 {
            return Err(Failure::new(Kind::Busy, "too much is asked for at once"));
        }
        *free -= 1;
        Ok(Turn(self))
    }
}

/// One of those that may have a child. Given back when dropped.
struct Turn<'a>(&'a Errands);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

fn internal(message: &str) -> Failure {
    Failure::new(Kind::Internal, message)
}

/// In the child: reads what is asked for, does it in the project of `manifest`, and answers.
pub fn answer(manifest: &Path) -> io::Result<()> {
    let (asked, mut out) = ask::take_streams()?;
    let mut request = Vec::new();
    asked.take(REQUEST_MAX).read_to_end(&mut request)?;
    let errand: Errand = serde_json::from_slice(&request)?;
    let answer = match work::of(manifest, errand) {
        Ok(value) => Answer::Done(value),
        Err(failure) => Answer::Failed(failure.into()),
    };
    out.write_all(&serde_json::to_vec(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shell in place of the program: what it is told to do is a script of that name.
    fn errands(script: &str) -> (tempfile::TempDir, Errands) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("__errand"), script).unwrap();
        let manifest = dir.path().join("dispatch.yaml");
        (dir, Errands { program: Some("/bin/sh".into()), ..Errands::new(manifest) })
    }

    #[test]
    fn an_errand_is_told_by_what_it_does() {
        let text = r#"{"do":"start","mode":"job","task":"T"}"#;
        let Errand::Start { prompt: None, force: false, .. } = serde_json::from_str(text).unwrap() else {
            panic!("another errand")
        };
        let text = serde_json::to_string(&Errand::ReadFile { name: "a".to_owned() }).unwrap();
        assert_eq!(text, r#"{"do":"readFile","name":"a"}"#);
        assert_eq!(serde_json::from_str::<Errand>(r#"{"do":"plan"}"#).unwrap(), Errand::Plan);
        assert!(serde_json::from_str::<Errand>(r#"{"do":"other"}"#).is_err());
    }

    #[test]
    fn the_child_hears_the_errand_and_is_heard() {
        let script = r#"asked=$(cat); printf '{"done":{"asked":%s,"of":"%s"}}' "$asked" "${1##*/}""#;
        let (_dir, errands) = errands(script);
        let done = errands.run(&Errand::Task { id: "T-1".to_owned() }).unwrap();
        assert_eq!(done, serde_json::json!({ "asked": { "do": "task", "id": "T-1" }, "of": "dispatch.yaml" }));
    }

    #[test]
    fn a_failure_comes_back_as_it_was() {
        let (_dir, errands) =
            errands(r#"echo '{"failed":{"kind":"stale","message":"m","hints":["h"],"problems":[],"texts":[]}}'"#);
        let failure = errands.run(&Errand::Plan).unwrap_err();
        assert_eq!(failure, Failure::new(Kind::Stale, "m").hint("h"));
    }

    #[test]
    fn a_child_that_dies_is_told_with_its_last_words() {
        let (_dir, errands) = errands("echo first >&2; echo out of luck >&2; kill -9 $$");
        let failure = errands.run(&Errand::Plan).unwrap_err();
        assert_eq!((failure.kind, failure.hints.as_slice()), (Kind::Internal, &["out of luck".to_owned()][..]));
    }

    #[test]
    fn who_cannot_have_a_turn_is_told_so_and_turns_are_given_back() {
        let (_dir, mut errands) = errands(r#"echo '{"done":1}'"#);
        errands.bounds.time = Duration::from_secs(20);
        for _ in 0..CHILDREN * 2 {
            assert_eq!(errands.run(&Errand::Plan).unwrap(), 1);
        }
        *errands.free.lock().unwrap() = 0;
        errands.bounds.time = Duration::from_millis(10);
        assert_eq!(errands.run(&Errand::Plan).unwrap_err().kind, Kind::Busy);
    }
}
