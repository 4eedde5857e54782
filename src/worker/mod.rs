//! Work for the server that reads the manifest or renders templates, done in a child process.
//!
//! A hostile template can use unbounded memory or time, and a thread that renders it cannot be killed. So the server
//! starts `dispatch __worker MANIFEST`, writes one [`WorkerRequest`] to its stdin and reads one response from its
//! stdout, within limits. Each request does the work of a command. Must not know how the response is shown.

mod catalog;
mod drafts;
mod files;
mod perform;
mod restart;
mod start;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::reconcile::up::UpRequest;
use crate::model::started_by::StartedBy;
use crate::os::process::bounded::{BoundedError, ChildLimits, run_program, take_streams};
use crate::os::process::supervise::own_program;
use crate::view::problem_view::ProblemView;

/// Maximum number of concurrent children; further requests wait.
const CHILDREN: usize = 8;
const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(60), output: 32 << 20 };
/// Bytes. A prompt or a file has at most 1 MiB, and JSON needs at most six bytes for each of its bytes.
const REQUEST_MAX: u64 = 16 << 20;

/// What the child must do. Missing fields have their default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum WorkerRequest {
    /// Start or join, as `run -d`: `{"run", "created", "skipped", "runs", "attach"?}`.
    Start {
        mode: String,
        task: String,
        #[serde(flatten)]
        request: StartRequest,
    },
    /// Stop the pair's run and start it anew, as `restart -d --json`.
    Restart {
        mode: String,
        task: String,
        /// `None`: by the pages.
        #[serde(default)]
        started_by: Option<StartedBy>,
    },
    /// As `render --json`.
    Render {
        mode: String,
        task: String,
        #[serde(flatten)]
        request: StartRequest,
        /// Unsaved texts, as of `Check`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        files: BTreeMap<String, String>,
    },
    /// As `plan --json`.
    Plan,
    /// Apply the plan: `{"applied": …}`, as `up --json`; or `{"changed": …}`, the plan if it has another id than
    /// the request.
    Up(UpRequest),
    /// As `modes --json`.
    Modes,
    /// As `tasks --json`.
    Tasks,
    /// A [`crate::view::catalog_view::CatalogView`] for the board.
    Catalog,
    /// As `task ID --json`.
    Task { id: String },
    /// A [`crate::view::results_view::ResultsView`]: what the tasks below a task have come to.
    Results { id: String },
    /// As `diff --json`, with the patch cut at 1 MiB.
    Diff { id: String },
    /// As `clean --json`.
    Clean {
        id: String,
        #[serde(default)]
        dry_run: bool,
    },
    /// Open or focus the user's terminal on the pair's window: `{"attached", "attachNote"?}`.
    Show { mode: String, task: String },
    /// Open a file of the project or of a task's worktree in the user's editor: `{"path", "editor", "terminal"?}`.
    Open {
        path: PathBuf,
        #[serde(default)]
        line: Option<u32>,
    },
    /// Check that both names exist: `{"mode", "task"}`, in the project's spelling.
    Know { mode: String, task: String },
    /// The files that can be edited: an [`crate::view::draft_view::EditableFilesView`].
    ListFiles,
    /// Check the project as it would be with these texts of such files, by name: a
    /// [`crate::view::draft_view::DraftView`].
    Check { files: BTreeMap<String, String> },
    /// Read the manifest, `dispatch.local.yaml` beside it, or a subtask file named in the manifest, by its path
    /// relative to the manifest's folder: `{"name", "text", "etag"}`.
    ReadFile { name: String },
    /// Replace such a file if it still has this `etag` (empty: it does not exist), the new text has no error, and no other
    /// file has an error with it that it did not have before: `{"name", "etag", "problems"}`.
    WriteFile { name: String, text: String, etag: String },
}

/// A failure as it crosses the process boundary: problems have positions instead of source texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerFailure {
    pub kind: Kind,
    pub message: String,
    pub hints: Vec<String>,
    pub problems: Vec<ProblemView>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum WorkerResponse {
    Done(Value),
    Failed(WorkerFailure),
}

/// Starts the children for one project, at most 8 at a time.
#[derive(Debug)]
pub struct WorkerPool {
    /// Resolved once at the start: an upgrade may replace the file later.
    program: Option<PathBuf>,
    manifest: PathBuf,
    limits: ChildLimits,
    free: Mutex<usize>,
    freed: Condvar,
}

impl WorkerPool {
    /// `manifest` is absolute.
    pub fn new(manifest: PathBuf) -> Self {
        let (free, freed) = (Mutex::new(CHILDREN), Condvar::new());
        Self { program: own_program().ok(), manifest, limits: LIMITS, free, freed }
    }

    /// Starts a child for the request and waits for its response. The child is killed if the calling thread exits.
    /// Fails if the request fails, exceeds a limit, or no permit becomes free in time.
    pub fn run(&self, request: &WorkerRequest) -> Result<Value, WorkerFailure> {
        self.run_longer(request, Duration::ZERO)
    }

    /// As [`Self::run`], for a request that may wait for something else for `extra` time.
    pub fn run_longer(&self, request: &WorkerRequest, extra: Duration) -> Result<Value, WorkerFailure> {
        let _permit = self.permit()?;
        let request = serde_json::to_vec(request).map_err(internal)?;
        let program = self.program.clone().map_or_else(own_program, Ok).map_err(Failure::from)?;
        let folder = self.manifest.parent().unwrap_or(Path::new("/"));
        let words = ["__worker".as_ref(), self.manifest.as_os_str()];
        let limits = ChildLimits { time: self.limits.time + extra, ..self.limits };
        let output = run_program(&program, &words, folder, None, &request, limits).map_err(|error| match error {
            BoundedError::Time(_) | BoundedError::Size(_) => internal(format!("the work was given up: {error}")),
            error => Failure::chain(Kind::Internal, &error),
        })?;
        match serde_json::from_slice(&output.stdout) {
            Ok(WorkerResponse::Done(value)) if output.status.success() => Ok(value),
            Ok(WorkerResponse::Failed(failure)) if output.status.success() => Err(failure),
            _ => {
                let mut failure = internal(format!("the work ended without an answer ({})", output.status));
                failure.hints.extend(output.stderr.lines().last().map(crate::agents::sanitize_line));
                Err(failure.into())
            }
        }
    }

    /// As [`Self::run`], with the response converted to its known type.
    pub fn fetch<T: DeserializeOwned>(&self, request: &WorkerRequest) -> Result<T, WorkerFailure> {
        Ok(serde_json::from_value(self.run(request)?).map_err(internal)?)
    }

    fn permit(&self) -> Result<WorkerPermit<'_>, Failure> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, self.limits.time, |free| *free == 0);
        let mut free = waited.unwrap_or_else(PoisonError::into_inner).0;
        *free = free.checked_sub(1).ok_or_else(|| Failure::new(Kind::Busy, "too much is asked for at once"))?;
        Ok(WorkerPermit(self))
    }
}

/// The permit to run one child; returned when dropped.
struct WorkerPermit<'a>(&'a WorkerPool);

impl Drop for WorkerPermit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

impl From<Failure> for WorkerFailure {
    fn from(failure: Failure) -> Self {
        let problems = failure.problems.iter().map(ProblemView::new).collect();
        Self { kind: failure.kind, message: failure.to_string(), hints: failure.hints, problems }
    }
}

impl fmt::Display for WorkerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn internal(error: impl fmt::Display) -> Failure {
    Failure::new(Kind::Internal, error.to_string())
}

/// In the child: reads one request from stdin, carries it out in the project of `manifest` and writes one response to
/// stdout. Fails if the request cannot be read; then nothing was done.
pub fn answer(manifest: &Path) -> io::Result<()> {
    let (input, mut output) = take_streams()?;
    let mut request = Vec::new();
    input.take(REQUEST_MAX).read_to_end(&mut request)?;
    let response = match perform::perform(manifest, serde_json::from_slice(&request)?) {
        Ok(value) => WorkerResponse::Done(value),
        Err(failure) => WorkerResponse::Failed(failure.into()),
    };
    output.write_all(&serde_json::to_vec(&response)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool whose program is the shell: it runs the script named `__worker`.
    fn pool(script: &str) -> (tempfile::TempDir, WorkerPool) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("__worker"), script).unwrap();
        let manifest = dir.path().join("dispatch.yaml");
        (dir, WorkerPool { program: Some("/bin/sh".into()), ..WorkerPool::new(manifest) })
    }

    #[test]
    fn a_request_is_named_by_its_do() {
        let text = r#"{"do":"start","mode":"job","task":"T"}"#;
        let start = WorkerRequest::Start {
            mode: "job".to_owned(),
            task: "T".to_owned(),
            request: StartRequest { prompt: None, force: false, ..StartRequest::default() },
        };
        assert_eq!(serde_json::from_str::<WorkerRequest>(text).unwrap(), start);
        let text = serde_json::to_string(&WorkerRequest::ReadFile { name: "a".to_owned() }).unwrap();
        assert_eq!(text, r#"{"do":"readFile","name":"a"}"#);
        assert_eq!(serde_json::from_str::<WorkerRequest>(r#"{"do":"plan"}"#).unwrap(), WorkerRequest::Plan);
        assert!(serde_json::from_str::<WorkerRequest>(r#"{"do":"other"}"#).is_err());
    }

    #[test]
    fn the_child_reads_the_request_and_its_answer_is_read() {
        let script = r#"asked=$(cat); printf '{"done":{"asked":%s,"of":"%s"}}' "$asked" "${1##*/}""#;
        let (_dir, pool) = pool(script);
        let done = pool.run(&WorkerRequest::Task { id: "T-1".to_owned() }).unwrap();
        assert_eq!(done, serde_json::json!({ "asked": { "do": "task", "id": "T-1" }, "of": "dispatch.yaml" }));
    }

    #[test]
    fn a_failure_comes_back_as_it_was() {
        let (_dir, pool) = pool(r#"echo '{"failed":{"kind":"stale","message":"m","hints":["h"],"problems":[]}}'"#);
        let failure = pool.run(&WorkerRequest::Plan).unwrap_err();
        assert_eq!(failure, Failure::new(Kind::Stale, "m").hint("h").into());
    }

    #[test]
    fn a_child_that_dies_is_reported_with_its_last_line() {
        let (_dir, pool) = pool("echo first >&2; echo out of luck >&2; kill -9 $$");
        let failure = pool.run(&WorkerRequest::Plan).unwrap_err();
        assert_eq!((failure.kind, failure.hints.as_slice()), (Kind::Internal, &["out of luck".to_owned()][..]));
    }

    #[test]
    fn a_request_without_a_free_child_fails_and_permits_are_returned() {
        let (_dir, mut pool) = pool(r#"echo '{"done":1}'"#);
        pool.limits.time = Duration::from_secs(20);
        for _ in 0..CHILDREN * 2 {
            assert_eq!(pool.run(&WorkerRequest::Plan).unwrap(), 1);
        }
        *pool.free.lock().unwrap() = 0;
        pool.limits.time = Duration::from_millis(10);
        assert_eq!(pool.run(&WorkerRequest::Plan).unwrap_err().kind, Kind::Busy);
    }
}
