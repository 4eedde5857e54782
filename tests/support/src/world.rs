//! A world of its own for each test: home, project, agent, tmux server, state folder.
//!
//! Must not touch anything outside its temporary folder, and ends only what it started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::Dispatch;
use crate::fake::{self, Note};
pub use crate::processes::{alive, kill};
use crate::programs;
use crate::waiting::wait_until;

/// The manifest most tests share; `World::with` appends modes and more.
pub const BASE: &str = r#"version: 1
session: world
tasks:
  - files: "tasks/**/*.md"
agents:
  fake:
    interactive: [fake]
    headless: [fake]
    prompt: { interactive: arg, headless: stdin }
    protocol: text
modes:
  job: { agent: fake, prompt: "{{ task.body }}" }
  talk: { interactive: true, agent: fake, prompt: "{{ task.body }}" }
"#;

#[derive(Debug)]
pub struct World {
    /// Short, since tmux sockets live below it. Its name marks every process of this world.
    root: TempDir,
    path: String,
    /// Set for every call.
    variables: BTreeMap<String, OsString>,
}

impl World {
    pub fn new() -> Self {
        Self::with("")
    }

    /// The shared manifest and, after its last mode, `more`: modes (indented by two) or other keys.
    pub fn with(more: &str) -> Self {
        let world = Self::bare();
        world.write("dispatch.yaml", format!("{BASE}{more}"));
        world
    }

    /// A world whose project has no manifest yet.
    pub fn bare() -> Self {
        let root = tempfile::Builder::new().prefix("dw-").tempdir_in("/tmp").unwrap();
        for folder in ["home", "project/tasks", "bin", "fake", "tmux", "calls"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let bin = root.path().join("bin");
        fake::install(&bin, "fake");
        fake::install(&bin, "gate");
        std::os::unix::fs::symlink(crate::programs::dispatch(), bin.join("dispatch")).unwrap();
        let path = format!("{}:{}", bin.display(), programs::folder().display());
        Self { root, path, variables: BTreeMap::new() }
    }

    // ---- places

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    pub fn state(&self) -> PathBuf {
        self.project().join(".dispatch")
    }

    pub fn run_folder(&self, run: &str) -> PathBuf {
        self.state().join("runs").join(run)
    }

    pub fn fake_folder(&self) -> PathBuf {
        self.root().join("fake")
    }

    /// Writes a file below the project, with its folders.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A task file whose body is `body`: for the fake agent, what it is to do.
    pub fn task(&self, id: &str, body: &str) -> &Self {
        self.write(format!("tasks/{id}.md"), format!("---\ntitle: The {id}\nstatus: todo\n---\n\n{body}"));
        self
    }

    /// Puts a script of this name before all other programs.
    pub fn shadow(&self, name: &str, script: &str) {
        let fresh = self.root().join(format!("{name}.new"));
        fs::write(&fresh, script).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(fresh, self.root().join("bin").join(name)).unwrap();
    }

    /// Lets the world see these programs of the machine, which by themselves it does not.
    #[track_caller]
    pub fn provide(&self, names: &[&str]) {
        for name in names {
            let program = programs::of_the_machine(name);
            let program =
                program.unwrap_or_else(|| panic!("the tests need `{name}`; `bash scripts/test.sh` installs it"));
            let _ = std::os::unix::fs::symlink(program, self.root().join("bin").join(name));
        }
    }

    /// Sets a variable for every later call.
    pub fn set_env(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    // ---- calls

    /// `dispatch` with these words, in the project's folder.
    pub fn dispatch(&self, words: &str) -> Dispatch {
        Dispatch::new(self.command(crate::programs::dispatch()), &self.root().join("calls")).words(words)
    }

    /// The same with the default action for SIGHUP, which the caller of the tests may ignore.
    pub fn dispatch_with_default_hangup(&self, words: &str) -> Dispatch {
        let mut command = self.command("env");
        command.arg("--default-signal=HUP").arg(crate::programs::dispatch());
        Dispatch::new(command, &self.root().join("calls")).words(words)
    }

    /// A shell's script that becomes `dispatch`.
    pub fn dispatch_by_shell(&self, script: &str) -> Dispatch {
        Dispatch::new(self.command("sh"), &self.root().join("calls")).arg("-c").arg(script)
    }

    /// Any program in this world: nothing of the caller's environment but what is named here.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.root().join("home"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env("TMUX_TMPDIR", self.root().join("tmux"))
            .env("DISPATCH_TMUX_SOCKET", "w")
            .envs(&self.variables)
            .current_dir(self.project());
        command
    }

    /// Runs a helper program to its end and hands over stdout; a failure is the test's.
    #[track_caller]
    pub fn helper(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program).args(args).output();
        let output = output.unwrap_or_else(|error| panic!("the tests need `{program}`: {error}"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {}\n{stderr}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    // ---- tmux

    /// A tmux command on this world's own server.
    #[track_caller]
    pub fn tmux(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["-u", "-f", "/dev/null", "-L", "w"].iter().chain(args).copied().collect();
        self.helper("tmux", &all).trim_end().to_owned()
    }

    /// The same, where a failure is an answer.
    pub fn tmux_or_none(&self, args: &[&str]) -> Option<String> {
        let output = self.command("tmux").args(["-u", "-f", "/dev/null", "-L", "w"]).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// One row of `format` for each pane of the server; none where there is no server.
    pub fn panes(&self, format: &str) -> Vec<String> {
        let rows = self.tmux_or_none(&["list-panes", "-a", "-F", format]).unwrap_or_default();
        rows.lines().map(str::to_owned).collect()
    }

    pub fn tmux_server_pid(&self) -> Option<i32> {
        self.tmux_or_none(&["list-sessions", "-F", "#{pid}"])?.lines().next()?.parse().ok()
    }

    // ---- runs

    /// The run object of a pair.
    #[track_caller]
    pub fn status(&self, mode: &str, task: &str) -> Value {
        self.dispatch("status").arg(mode).arg(task).json()
    }

    /// Waits until the pair's run is in this state, and hands the run over.
    #[track_caller]
    pub fn wait_state(&self, mode: &str, task: &str, state: &str) -> Value {
        wait_until(&format!("{mode} {task} is {state}"), || {
            let call = self.dispatch("status --json").arg(mode).arg(task).any_stderr().ends_somehow();
            // Just started by another call, it may not have run yet.
            let run: Value = serde_json::from_slice(&call.stdout).unwrap_or(Value::Null);
            if run["state"] == state { Ok(run) } else { Err(run.to_string()) }
        })
    }

    #[track_caller]
    pub fn history(&self) -> Vec<Value> {
        self.dispatch("history").json()["runs"].as_array().expect("`history --json` holds `runs`").clone()
    }

    /// Starts a run, does not wait, and gives its id.
    #[track_caller]
    pub fn detach(&self, mode: &str, task: &str) -> String {
        let answer = self.dispatch("run -d").arg(mode).arg(task).notes().json();
        answer["runs"][0]["runId"].as_str().unwrap_or_else(|| panic!("no runId in {answer}")).to_owned()
    }

    /// How many runs there are or were.
    #[track_caller]
    pub fn runs(&self) -> usize {
        fs::read_dir(self.state().join("runs")).map_or(0, Iterator::count)
    }

    // ---- what the agent saw

    pub fn notes(&self) -> Vec<Note> {
        fake::notes(&self.fake_folder())
    }

    pub fn starts(&self) -> Vec<Note> {
        self.notes().into_iter().filter(|note| note.what == "start").collect()
    }

    /// Waits until a run's agent has written down what it was given.
    #[track_caller]
    pub fn agent_ready(&self, run: &str) -> Note {
        wait_until(&format!("the agent of {run} is ready"), || {
            let notes = self.notes();
            let ready = notes.iter().find(|note| note.what == "ready" && note.run == run);
            ready.cloned().ok_or_else(|| format!("{notes:?}"))
        })
    }

    /// What a run's agent wrote down: `argv`, `env`, `cwd`, `stdin`, `state`, `sh`, `answer`.
    #[track_caller]
    pub fn saw(&self, run: &str, what: &str) -> Vec<u8> {
        self.agent_ready(run);
        let path = self.fake_folder().join(format!("{run}.{what}"));
        wait_until(&format!("{} exists", path.display()), || fs::read(&path).map_err(|error| error.to_string()))
    }

    /// The line that a run's agent was given when it asked, once it is whole.
    #[track_caller]
    pub fn answer(&self, run: &str) -> String {
        wait_until("the agent has a whole answer", || {
            let text = String::from_utf8_lossy(&self.saw(run, "answer")).into_owned();
            if text.ends_with('\n') { Ok(text) } else { Err(text) }
        })
    }

    /// NUL-separated records (`argv`, `env`) as words.
    #[track_caller]
    pub fn saw_words(&self, run: &str, what: &str) -> Vec<String> {
        let bytes = self.saw(run, what);
        let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<String> = words.collect();
        words.pop();
        words
    }

    // ---- git

    /// Makes the project a git repository with one commit of what is there.
    pub fn git_init(&self) -> &Self {
        self.git(&["init", "-q", "-b", "main"]);
        self.write(".gitignore", ".dispatch/\n");
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "start"]);
        self
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.helper("git", args)
    }
}

/// A time of a record.
#[track_caller]
pub fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no time"))
}

impl Drop for World {
    fn drop(&mut self) {
        if self.project().join("dispatch.yaml").exists() {
            let _ = self.command("timeout").args(["20", "dispatch", "stop", "--all"]).output();
        }
        // Whatever is left carries this world's home: its tmux server, or what a failed test left.
        for (pid, _) in self.everything() {
            let _ = kill_process(Pid::from_raw(pid).expect("a pid is not 0"), Signal::KILL);
        }
        if std::thread::panicking() && std::env::var_os("KEEP_WORLD").is_some() {
            self.root.disable_cleanup(true);
        }
    }
}
