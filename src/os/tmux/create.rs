//! Creates the window of a run: usually by one client, at most by two.
//!
//! The options of a new pane are set in the call that creates it: a short run could end before a second call. The call
//! finds the pane as the session's last one. A user's hook may create or move windows in between, so each option is set
//! only if the pane is the run's.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::model::run_id::RunId;
use crate::os::tmux::client::{ClientFailure, TmuxReply};
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::pane_activity::{self, BELL_COMMAND};
use crate::os::tmux::warm_client::{self, WarmClient};
use crate::os::tmux::{EXEC_WORD, Tmux, listing, quote, version};

const MADE: &str = "dispatch-made";
const ELSEWHERE: &str = "dispatch-elsewhere";
/// Size of a session that no client has attached to yet.
const SIZE: [&str; 4] = ["-x", "200", "-y", "50"];
/// While a server is exiting: pauses of 5, 10, … 320 ms, about 0.6 s in all.
const TRIES: u32 = 8;

/// One window, running `PROGRAM __exec FOLDER` without a shell.
#[derive(Clone, Copy, Debug)]
pub struct CreateWindow<'a> {
    pub session: &'a str,
    /// The window's name, for display only. Letters, digits, `_` and `-`.
    pub label: &'a str,
    /// Absolute path of this program.
    pub program: &'a Path,
    pub run: &'a RunId,
    /// Absolute path; its last part is the run's id.
    pub run_folder: &'a Path,
    /// The dead pane of the pair's previous run, killed once the new one exists.
    pub replace: Option<(&'a str, &'a RunId)>,
    /// When the process ends, tmux runs `PROGRAM WORD FOLDER`. This only wakes; it records nothing.
    pub ended_word: Option<&'a str>,
    /// As `ended_word`, at a bell, in a session that we created.
    pub bell_word: Option<&'a str>,
}

/// Where the window is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub server_pid: u32,
    /// Seconds since 1970.
    pub server_start: u64,
    pub pane_id: String,
    pub window_id: String,
    /// The session was missing and was created.
    pub made_session: bool,
}

impl Tmux {
    /// Creates the window, and its session if that is missing, without changing what the user's clients show. `client`
    /// saves the start of a client; see [`Tmux::warm_client`].
    ///
    /// After [`TmuxError::Unknown`] the window may still appear: a stopped server handles its requests when it
    /// continues. So the program in the window must check that its run is still wanted.
    pub fn create_window(&self, request: &CreateWindow<'_>, client: Option<WarmClient>) -> Result<Created, TmuxError> {
        self.check_socket_path()?;
        check_session_name(request.session)?;
        self.prepare_socket_folder()?;
        if let Some(client) = client
            && let Some(line) = warm_client::line(&request.new_window())
        {
            let reply = client.run_lines(&[line])?;
            if let Try::Made(created) = self.read_new_window(request, &reply)? {
                return Ok(created);
            }
        }
        let mut pause = Duration::from_millis(5);
        for tries_left in (0..TRIES).rev() {
            // Without a socket no server runs.
            let first = match self.socket.exists() {
                true => self.try_new_window(request)?,
                false => {
                    // A running server reports its own version; a new server has the version of the installed program.
                    version::require_supported()?;
                    Try::Missing
                }
            };
            let outcome = match first {
                Try::Missing => self.try_new_session(request)?,
                other => other,
            };
            match outcome {
                Try::Made(created) => return Ok(created),
                // Another process created the session meanwhile: try again.
                Try::Missing => {}
                Try::Again(error) if tries_left == 0 => return Err(error),
                Try::Again(_) => {
                    sleep(pause);
                    pause *= 2;
                }
            }
        }
        Err(TmuxError::Unknown {
            command: "new-session".to_owned(),
            stderr: format!("session `{}` is created and closed again and again", request.session),
        })
    }

    /// Creates many windows of one existing session by one message. The caller must create those that are missing in
    /// the result by [`Tmux::create_window`].
    pub fn create_many(
        &self,
        requests: &[CreateWindow<'_>],
        client: Option<WarmClient>,
    ) -> Result<HashMap<RunId, Created>, TmuxError> {
        let lines: Option<Vec<String>> =
            requests.iter().map(|request| warm_client::line(&request.new_window())).collect();
        let (Some(client), Some(lines)) = (client, lines) else { return Ok(HashMap::new()) };
        for request in requests {
            check_session_name(request.session)?;
        }
        let reply = client.run_lines(&lines)?;
        let text = reply.stdout_text();
        let elsewhere = text.lines().any(|line| line == ELSEWHERE);
        let mut made = HashMap::new();
        for (run, created) in text.lines().filter_map(|line| read_made(line, false)) {
            let Some(request) = requests.iter().find(|request| *request.run == run) else { continue };
            if elsewhere {
                // A pane was moved before its options were set: set them again, by its id.
                self.set_options(request, &created);
            }
            made.insert(run, created);
        }
        Ok(made)
    }

    fn try_new_window(&self, request: &CreateWindow<'_>) -> Result<Try, TmuxError> {
        self.read_new_window(request, &self.client(&quote::arguments(&request.new_window()))?)
    }

    fn read_new_window(&self, request: &CreateWindow<'_>, reply: &TmuxReply) -> Result<Try, TmuxError> {
        if let Some(created) = self.read_created(request, reply, false) {
            return Ok(Try::Made(created));
        }
        match ClientFailure::read(&reply.stderr) {
            ClientFailure::NoServer | ClientFailure::NoSession => Ok(Try::Missing),
            ClientFailure::ServerEnds => Ok(Try::Again(self.failure("new-window", request.session, reply))),
            _ => Err(self.failure("new-window", request.session, reply)),
        }
    }

    fn try_new_session(&self, request: &CreateWindow<'_>) -> Result<Try, TmuxError> {
        // tmux expands `-s` as a format.
        let name = request.session.replace('#', "##");
        let mut start = ["new-session", "-d", "-s", &name].map(OsString::from).to_vec();
        start.extend(SIZE.map(OsString::from));
        // `destroy-unattached on` in the user's configuration would end the new session at once.
        let keep =
            format!("set-option -t {} destroy-unattached off ; ", quote::word(&format!("={}:", request.session)));
        let notes = pane_activity::note_in(&format!("={}:", request.session));
        let reply = self.client(&quote::arguments(&request.arguments(start, &keep, &format!(" ; {notes}"))))?;
        if let Some(created) = self.read_created(request, &reply, true) {
            return Ok(Try::Made(created));
        }
        match ClientFailure::read(&reply.stderr) {
            ClientFailure::DuplicateSession => Ok(Try::Missing),
            ClientFailure::NoServer | ClientFailure::ServerEnds => {
                Ok(Try::Again(self.failure("new-session", request.session, &reply)))
            }
            _ => Err(self.failure("new-session", request.session, &reply)),
        }
    }

    /// Parses where the window is. Options that could not be set in the first call are set again, by the pane's id.
    fn read_created(&self, request: &CreateWindow<'_>, reply: &TmuxReply, made_session: bool) -> Option<Created> {
        let text = reply.stdout_text();
        let (_, created) = text.lines().find_map(|line| read_made(line, made_session))?;
        if !reply.ok || text.lines().any(|line| line == ELSEWHERE) {
            self.set_options(request, &created);
        }
        Some(created)
    }

    fn set_options(&self, request: &CreateWindow<'_>, created: &Created) {
        // The pane may have ended meanwhile; the next listing shows that.
        let args = request.guarded(&created.pane_id, &request.options(&created.pane_id));
        if let Err(error) = self.client(&args) {
            tracing::warn!(%error, pane = created.pane_id, "options of a new pane could not be set");
        }
    }
}

/// The outcome of one attempt.
enum Try {
    Made(Created),
    /// The session does not exist (`new-window`), or exists already (`new-session`).
    Missing,
    Again(TmuxError),
}

impl CreateWindow<'_> {
    fn new_window(&self) -> Vec<OsString> {
        let end = last_window(self.session);
        self.arguments(["new-window", "-d", "-a", "-t", &end].map(OsString::from).to_vec(), "", "")
    }

    /// The arguments: `start`, then what `new-window` and `new-session` share.
    fn arguments(&self, start: Vec<OsString>, first: &str, last: &str) -> Vec<OsString> {
        let end = last_window(self.session);
        let format = format!("{MADE} {} #{{pane_id}} #{{window_id}} {}", listing::SERVER, self.run);
        let mut args = start;
        // `/` always exists; `__exec` enters the run's own folder.
        args.extend(["-c", "/", "-n", self.label, "-P", "-F", &format].map(OsString::from));
        args.push(self.program.into());
        args.push(EXEC_WORD.into());
        args.push(self.run_folder.into());
        args.push(";".into());
        // Without this option tmux does not run its bell hook.
        let bell = format!(" ; set-option -w -t {} monitor-bell on", quote::word(&end));
        args.extend(self.guarded(&end, &format!("{first}{}{bell}{last}", self.options(&end))));
        args.push(format!("display-message -p {ELSEWHERE}").into());
        if let Some((pane, run)) = self.replace.filter(|(pane, _)| quote::is_pane_id(pane)) {
            let condition = format!("#{{&&:#{{pane_dead}},{}}}", quote::is_run(run));
            let kill = format!("kill-pane -t {pane}");
            args.extend([";", "if-shell", "-F", "-t", pane, &condition, &kill].map(OsString::from));
        }
        args
    }

    fn guarded(&self, target: &str, commands: &str) -> Vec<OsString> {
        ["if-shell", "-F", "-t", target, &quote::is_run(self.run), commands].map(OsString::from).to_vec()
    }

    /// The commands that set the options. They are set on the pane, not on its window, so that they move with it.
    fn options(&self, target: &str) -> String {
        let target = quote::word(target);
        let mut commands = format!("set-option -p -t {target} remain-on-exit on");
        if let Some(shell) = self.ended_word.and_then(|word| self.shell(word)) {
            // tmux expands a hook as a format.
            let hook = format!("run-shell -b {}", quote::word(&shell.replace('#', "##")));
            commands.push_str(&format!(" ; set-hook -p -t {target} pane-died {}", quote::word(&hook)));
        }
        if let Some(shell) = self.bell_word.and_then(|word| self.shell(word)) {
            commands.push_str(&format!(" ; set-option -p -t {target} {BELL_COMMAND} {}", quote::word(&shell)));
        }
        commands
    }

    /// The shell command that runs `PROGRAM WORD FOLDER`; `None` if a path is not safe in a format and in `sh`.
    fn shell(&self, word: &str) -> Option<String> {
        let paths = [self.program.to_str()?, self.run_folder.to_str()?];
        let passes = |path: &&str| !path.contains(char::is_control) && !path.contains("#[") && path.len() < 1500;
        if !paths.iter().all(passes) {
            return None;
        }
        let [program, folder] = paths.map(quote::word);
        // tmux would show the output or failure of a hook on the user's screen.
        Some(format!("{program} {} {folder} >/dev/null 2>&1 || :", quote::word(word)))
    }
}

/// The last window of the session, by its exact name.
fn last_window(session: &str) -> String {
    format!("={session}:{{end}}")
}

fn read_made(line: &str, made_session: bool) -> Option<(RunId, Created)> {
    let mut words = line.strip_prefix(MADE)?.split(' ').skip(1);
    let server_pid = words.next()?.parse().ok()?;
    let server_start = words.next()?.parse().ok()?;
    let _version = words.next()?;
    let pane_id = words.next().filter(|id| quote::is_pane_id(id))?.to_owned();
    let window_id = words.next().filter(|id| quote::is_window_id(id))?.to_owned();
    let run = RunId::parse(words.next()?)?;
    Some((run, Created { server_pid, server_start, pane_id, window_id, made_session }))
}

/// Fails if tmux would change the name or read it as something else.
pub(super) fn check_session_name(name: &str) -> Result<(), TmuxError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains([':', '.']) {
        "tmux turns `:` and `.` into `_`"
    } else if name.contains(|c: char| c.is_control() || c == '\\') {
        "tmux rewrites backslashes and control characters"
    } else if name.contains("#[") || name.starts_with('$') {
        "tmux reads `#[` as a style and a leading `$` as an id"
    } else {
        return Ok(());
    };
    Err(TmuxError::SessionName { name: name.to_owned(), why })
}
