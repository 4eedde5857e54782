//! One call of `dispatch`: arguments, expected output and exit code. Strict unless a method relaxes it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::waiting::wait_for;

/// What stderr may hold.
#[derive(Debug)]
enum Stderr {
    /// Nothing.
    Empty,
    /// Progress and notes, but no `error:`, `warning:` or panic.
    Notes,
    /// Each of these.
    Has(Vec<String>),
    Anything,
}

/// A call that is being described. Ends with `succeeds`, `fails_with`, `json` or `start`.
#[derive(Debug)]
#[must_use = "say how it ends: succeeds(), fails_with(code), json() or start()"]
pub struct Dispatch {
    command: Command,
    shown: String,
    folder: PathBuf,
    stdin: Option<Vec<u8>>,
    stdout: Vec<String>,
    exact_stdout: Option<String>,
    stderr: Stderr,
    patience: Duration,
}

/// What an ended call left.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// A call that goes on.
#[derive(Debug)]
pub struct Started {
    child: Child,
    shown: String,
    out: PathBuf,
    err: PathBuf,
    patience: Duration,
}

impl Dispatch {
    /// `command` is the prepared program; `folder` takes the files with its output.
    pub fn new(command: Command, folder: &Path) -> Self {
        Self {
            command,
            shown: "dispatch".to_owned(),
            folder: folder.to_owned(),
            stdin: None,
            stdout: Vec::new(),
            exact_stdout: None,
            stderr: Stderr::Empty,
            patience: Duration::from_secs(60),
        }
    }

    /// Words as a shell would split them.
    pub fn words(self, line: &str) -> Self {
        let words = shell_words::split(line).expect("the test's own words can be split");
        words.iter().fold(self, |call, word| call.arg(word))
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown = format!("{} {}", self.shown, arg.as_ref().display());
        self.command.arg(arg);
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Stdout holds `text`.
    pub fn stdout_has(mut self, text: impl Into<String>) -> Self {
        self.stdout.push(text.into());
        self
    }

    /// Stdout is `text` and nothing else.
    pub fn stdout_is(mut self, text: impl Into<String>) -> Self {
        self.exact_stdout = Some(text.into());
        self
    }

    /// Stderr holds `text`; what else is there does not matter.
    pub fn stderr_has(mut self, text: impl Into<String>) -> Self {
        match &mut self.stderr {
            Stderr::Has(texts) => texts.push(text.into()),
            other => *other = Stderr::Has(vec![text.into()]),
        }
        self
    }

    /// Stderr may hold progress and notes, but nothing that is wrong.
    pub fn notes(mut self) -> Self {
        self.stderr = Stderr::Notes;
        self
    }

    pub fn any_stderr(mut self) -> Self {
        self.stderr = Stderr::Anything;
        self
    }

    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    #[track_caller]
    pub fn succeeds(self) -> Ended {
        self.ends(Some(0))
    }

    #[track_caller]
    pub fn fails_with(self, code: i32) -> Ended {
        self.ends(Some(code))
    }

    /// Ends somehow; the code is for the caller to judge.
    #[track_caller]
    pub fn ends_somehow(self) -> Ended {
        self.any_stderr().ends(None)
    }

    /// Succeeds and prints one JSON document.
    #[track_caller]
    pub fn json(self) -> Value {
        self.arg("--json").document()
    }

    /// The same, where `--json` was said already.
    #[track_caller]
    pub fn document(self) -> Value {
        let ended = self.succeeds();
        serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON document: {error}\n{}", ended.text()))
    }

    /// Starts and does not wait.
    #[track_caller]
    pub fn start(mut self) -> Started {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = |end: &str| self.folder.join(format!("call-{number}.{end}"));
        // Files, not pipes: nothing that outlives the call can keep the test waiting, and a
        // reader that is slow cannot slow the call.
        let (out, err) = (file("out"), file("err"));
        self.command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        match &self.stdin {
            Some(bytes) => {
                fs::write(file("in"), bytes).unwrap();
                self.command.stdin(File::open(file("in")).unwrap());
            }
            None => {
                self.command.stdin(Stdio::null());
            }
        }
        let child = self.command.spawn().unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.shown));
        Started { child, shown: self.shown, out, err, patience: self.patience }
    }

    #[track_caller]
    fn ends(mut self, code: Option<i32>) -> Ended {
        let stderr = std::mem::replace(&mut self.stderr, Stderr::Empty);
        let wanted = std::mem::take(&mut self.stdout);
        let exact = self.exact_stdout.take();
        let shown = self.shown.clone();
        let ended = self.start().ends();
        let seen =
            || format!("$ {shown}\nexit code {}\nstdout:\n{}\nstderr:\n{}", ended.code, ended.text(), ended.stderr);
        if let Some(code) = code {
            assert_eq!(ended.code, code, "exit code\n{}", seen());
        }
        assert!(!ended.stderr.contains("panicked at"), "a panic\n{}", seen());
        for text in wanted {
            assert!(ended.text().contains(&text), "stdout lacks {text:?}\n{}", seen());
        }
        if let Some(text) = exact {
            assert!(ended.text() == text, "stdout is not {text:?}\n{}", seen());
        }
        match stderr {
            Stderr::Empty => assert!(ended.stderr.is_empty(), "stderr is not empty\n{}", seen()),
            Stderr::Notes => {
                let bad = |line: &str| line.starts_with("error") || line.starts_with("warning");
                assert!(!ended.stderr.lines().any(bad), "stderr holds more than notes\n{}", seen());
            }
            Stderr::Has(texts) => {
                for text in texts {
                    assert!(ended.stderr.contains(&text), "stderr lacks {text:?}\n{}", seen());
                }
            }
            Stderr::Anything => {}
        }
        ended
    }
}

impl Started {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        // A child that is not yet reaped keeps its pid, so this cannot reach a stranger.
        let _ = kill_process(Pid::from_raw(self.pid()).unwrap(), signal);
    }

    /// What it has printed so far.
    pub fn stderr_so_far(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap_or_default()).into_owned()
    }

    pub fn stdout_so_far(&self) -> Vec<u8> {
        fs::read(&self.out).unwrap_or_default()
    }

    /// Waits for the end, whatever it is.
    #[track_caller]
    pub fn ends(mut self) -> Ended {
        let (out, err, shown) = (self.out.clone(), self.err.clone(), self.shown.clone());
        let status = wait_for(self.patience, &format!("`{shown}` ends"), || match self.child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err(format!("stderr so far: {}", fs::read_to_string(&err).unwrap_or_default())),
        });
        let code =
            std::os::unix::process::ExitStatusExt::signal(&status).map_or_else(|| status.code().unwrap(), |s| -s);
        let stderr = String::from_utf8_lossy(&fs::read(&err).unwrap()).into_owned();
        Ended { code, stdout: fs::read(&out).unwrap(), stderr }
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Ended {
        let shown = self.shown.clone();
        let ended = self.ends();
        assert_eq!(ended.code, code, "`{shown}`: exit code\nstdout:\n{}\nstderr:\n{}", ended.text(), ended.stderr);
        ended
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// Stdout as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}
