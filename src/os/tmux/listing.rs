//! Lists every pane of a server, by one client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::model::exit::Exit;
use crate::model::signal::signal_number;
use crate::os::tmux::client::{ClientFailure, RunningClient, TmuxReply};
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::pane_activity::{ACTIVITY, PaneActivity};
use crate::os::tmux::version::TmuxVersion;
use crate::os::tmux::view_session::is_view;
use crate::os::tmux::{EXEC_WORD, Tmux, start_command};

/// Ids first, texts written by others last. Neither text contains a tab or a newline: tmux prints both as escapes
/// there. (A window's name may contain them, so it is not listed.)
const PANES: &str = "#{pane_id} #{window_id} #{pane_pid} #{pane_dead} \
                     #{?pane_dead,#{pane_dead_status} #{pane_dead_signal} #{pane_dead_time},  }";
const TEXTS: &str = "#{session_name}\t#{pane_start_command}";
pub(super) const SERVER: &str = "#{pid} #{start_time} #{version}";

/// All panes of a server at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// `None`: certainly no server runs on this socket.
    pub server: Option<Server>,
    /// Each pane once, in tmux's order.
    pub panes: Vec<Pane>,
}

/// One process of a server: ids of panes and windows are valid only within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub pid: u32,
    /// Seconds since 1970.
    pub start_time: u64,
    /// Of the running server, which after an upgrade may be older than the installed program.
    pub version: String,
}

/// One pane, whether or not it is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// `%N`.
    pub pane_id: String,
    /// `@N`.
    pub window_id: String,
    pub session_name: String,
    /// Other sessions that show this pane: views, linked windows.
    pub linked: Vec<String>,
    /// The pid of the pane's first process, also after its end.
    pub pid: u32,
    pub dead: Option<Dead>,
    /// `None` if it cannot be read.
    pub activity: Option<PaneActivity>,
    /// As tmux prints it; see [`Pane::run_folder`].
    pub start_command: String,
}

/// The end of a pane's process. With neither status nor signal it was not reaped yet, or a signal ended it that tmux
/// 3.2 does not report; this is never exit code 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    pub exit: Exit,
    /// Seconds since 1970; tmux 3.3 and newer.
    pub time: Option<i64>,
}

impl Listing {
    /// Whether tmux reports an end without its status. Before 3.3 this is its final report of a signal.
    fn has_missed_an_end(&self) -> bool {
        let tells =
            self.server.as_ref().and_then(Server::parsed_version).is_some_and(|version| version.tells_signals());
        let missed = |pane: &Pane| pane.dead.is_some_and(|dead| !dead.is_reaped()) && pane.run_folder().is_some();
        tells && self.panes.iter().any(missed)
    }
}

impl Dead {
    /// Whether it is known how the process ended.
    pub fn is_reaped(self) -> bool {
        self.exit.is_seen()
    }
}

impl Server {
    pub fn parsed_version(&self) -> Option<TmuxVersion> {
        TmuxVersion::parse(&self.version)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let pid = words.next()?.parse().ok()?;
        let start_time = words.next()?.parse().ok()?;
        Some(Self { pid, start_time, version: words.next().unwrap_or_default().to_owned() })
    }
}

impl Pane {
    /// The folder of the run that the pane was started for: `PROGRAM __exec FOLDER`.
    pub fn run_folder(&self) -> Option<PathBuf> {
        // Most panes are not ours: search before splitting.
        if !self.start_command.contains(EXEC_WORD) {
            return None;
        }
        match start_command::split(&self.start_command)?.as_slice() {
            [_, word, folder] if word == EXEC_WORD => Some(PathBuf::from(folder)).filter(|path| path.is_absolute()),
            _ => None,
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let mut texts = line.splitn(4, '\t');
        let mut words = texts.next()?.split(' ');
        let pane_id = words.next().filter(|id| id.starts_with('%'))?.to_owned();
        let window_id = words.next().filter(|id| id.starts_with('@'))?.to_owned();
        let pid = words.next()?.parse().ok()?;
        let is_dead = words.next()? == "1";
        let dead = Dead {
            exit: Exit { code: words.next()?.parse().ok(), signal: signal(words.next()?) },
            time: words.next()?.parse().ok(),
        };
        let activity = PaneActivity::parse(texts.next()?);
        let session_name = texts.next()?.to_owned();
        let start_command = texts.next()?.to_owned();
        let dead = is_dead.then_some(dead);
        Some(Self { pane_id, window_id, session_name, linked: Vec::new(), pid, dead, activity, start_command })
    }
}

impl Tmux {
    /// Lists the panes, by one client; by a second one if tmux has missed the end of one of our panes. An error leaves
    /// open what runs, except [`TmuxError::NotFound`]: no server is alive.
    pub fn list(&self) -> Result<Listing, TmuxError> {
        self.finish_list(None)
    }

    /// Starts [`Tmux::list`] without waiting for tmux; [`PendingListing::listing`] waits.
    pub fn begin_list(&self) -> PendingListing {
        let can_list = self.check_socket_path().is_ok() && self.has_socket();
        let client = if can_list { self.start_client(None, &listing_words(&[]), Stdio::null()).ok() } else { None };
        PendingListing { tmux: self.clone(), client }
    }

    fn has_socket(&self) -> bool {
        !std::fs::symlink_metadata(&self.socket).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    fn finish_list(&self, client: Option<RunningClient>) -> Result<Listing, TmuxError> {
        self.check_socket_path()?;
        // No socket means no server: neither a process nor an installed tmux is needed.
        if client.is_none() && !self.has_socket() {
            return Ok(Listing::default());
        }
        let first = client.map(|client| client.finish(b"")).transpose()?;
        let listing = match first.filter(|reply| !reply.is_from_an_ending_server()) {
            Some(reply) => self.read_listing(&reply)?,
            None => self.list_after(&[])?,
        };
        if !listing.has_missed_an_end() {
            return Ok(listing);
        }
        // While it closes a pane, a tmux built with libutempter ignores SIGCHLD for a short time. An end in that time
        // stays unreaped, and its hook does not run, until the next child ends: so a child is started.
        self.list_after(&["run-shell", "true", ";"])
    }

    fn list_after(&self, before: &[&str]) -> Result<Listing, TmuxError> {
        self.read_listing(&self.query(&listing_words(before))?)
    }

    fn read_listing(&self, reply: &TmuxReply) -> Result<Listing, TmuxError> {
        let text = reply.stdout_text();
        if reply.ok {
            let listing = parse(&text).map_err(|line| TmuxError::Unknown {
                command: "list-panes".to_owned(),
                stderr: format!("it printed `{}`", line.escape_debug()),
            })?;
            // tmux before 3.2 prints a start command ambiguously.
            return match listing.server.as_ref().and_then(Server::parsed_version) {
                Some(found) if !found.is_supported() => Err(TmuxError::TooOld { found }),
                _ => Ok(listing),
            };
        }
        match ClientFailure::read(&reply.stderr) {
            ClientFailure::NoServer => Ok(Listing::default()),
            // A server without sessions (`exit-empty off`).
            ClientFailure::NoSession => {
                Ok(Listing { server: text.lines().next().and_then(Server::parse), panes: Vec::new() })
            }
            _ => Err(self.failure("list-panes", "", reply)),
        }
    }
}

fn listing_words(before: &[&str]) -> Vec<String> {
    let panes = format!("{PANES}\t{ACTIVITY}\t{TEXTS}");
    [before, &["display-message", "-p", SERVER, ";", "list-panes", "-a", "-F", &panes]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// A listing that was started and not read yet.
#[derive(Debug)]
pub struct PendingListing {
    tmux: Tmux,
    client: Option<RunningClient>,
}

impl PendingListing {
    /// Waits at most `bound` for the reply, instead of the server's limit.
    #[must_use]
    pub fn within(self, bound: Duration) -> Self {
        Self { tmux: self.tmux.with_bound(bound), client: self.client.map(|client| client.within(bound)) }
    }

    pub fn listing(self) -> Result<Listing, TmuxError> {
        self.tmux.finish_list(self.client)
    }
}

/// Parses a listing. `Err` holds the first line that cannot be parsed: then nothing is known.
fn parse(text: &str) -> Result<Listing, String> {
    let mut lines = text.split('\n').filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let server = Server::parse(first).ok_or_else(|| first.to_owned())?;
    let mut panes: Vec<Pane> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let pane = Pane::parse(line).ok_or_else(|| line.to_owned())?;
        match seen.get(&pane.pane_id) {
            Some(at) => {
                let first = &mut panes[*at];
                let mut pane = pane;
                if let (Some(activity), Some(other)) = (&mut first.activity, &pane.activity) {
                    // Each session has its own bell flag.
                    activity.flagged |= other.flagged;
                }
                if is_view(&first.session_name) && !is_view(&pane.session_name) {
                    std::mem::swap(&mut first.session_name, &mut pane.session_name);
                }
                if first.session_name != pane.session_name && !first.linked.contains(&pane.session_name) {
                    first.linked.push(pane.session_name);
                }
            }
            None => {
                seen.insert(pane.pane_id.clone(), panes.len());
                panes.push(pane);
            }
        }
    }
    Ok(Listing { server: Some(server), panes })
}

/// A signal: a number on Linux, a name (`TERM`, `SIGTERM`) on systems that print names.
fn signal(text: &str) -> Option<i32> {
    text.parse().ok().or_else(|| signal_number(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Pane {
        parse(&format!("7 1700000000 3.3a\n{line}\n")).unwrap().panes.remove(0)
    }

    #[test]
    fn an_end_that_nobody_reaped_is_no_exit_code() {
        assert_eq!(one("%1 @1 5 0   \t\ts\tp").dead, None);
        let dead = |line| one(line).dead.unwrap();
        assert_eq!(dead("%1 @1 5 1   \t\ts\tp"), Dead { exit: Exit::NOT_SEEN, time: None });
        assert_eq!(dead("%1 @1 5 1 3  9\t\ts\tp"), Dead { exit: Exit::code(3), time: Some(9) });
        assert_eq!(dead("%1 @1 5 1  15 9\t\ts\tp").exit, Exit::signal(15));
        assert_eq!(dead("%1 @1 5 1  term 9\t\ts\tp").exit, Exit::signal(15));
    }

    #[test]
    fn a_pane_in_several_sessions_is_one_pane() {
        let text = "7 1 3.3a\n%1 @1 5 0   \t\ta\tp\n%1 @1 5 0   \t\tview\tp\n%2 @2 6 0   \t\ta\t\n";
        let listing = parse(text).unwrap();
        assert_eq!(listing.panes.len(), 2);
        assert_eq!(listing.panes[0].session_name, "a");
        assert_eq!(listing.panes[0].linked, ["view"]);

        let text = "7 1 3.3a\n%1 @1 5 0   \t\tdispatch-view-1\tp\n%1 @1 5 0   \t\tz\tp\n";
        let listing = parse(text).unwrap();
        assert_eq!(listing.panes[0].session_name, "z", "a view of ours is not where a pane lives");
        assert_eq!(listing.panes[0].linked, ["dispatch-view-1"]);
    }

    #[test]
    fn a_line_that_is_no_pane_makes_all_unknown() {
        assert!(parse("7 1 3.3a\nnonsense\n").is_err());
        assert!(parse("").is_err());
        assert!(parse("%1 @1 5 0   \t\ta\tp\n").is_err());
    }

    #[test]
    fn only_three_words_with_ours_in_the_middle_are_a_run() {
        let folder = |command: &str| one(&format!("%1 @1 5 0   \t\ts\t{command}")).run_folder();
        assert_eq!(folder("/bin/dispatch __exec /s/runs/R"), Some(PathBuf::from("/s/runs/R")));
        assert_eq!(folder(r#"/bin/dispatch __exec "/a b/R""#), Some(PathBuf::from("/a b/R")));
        for other in ["", "less /s/runs/R", "d __exec r", "d __exec /r x", "\"d __exec /r\"", "d __execute /r"] {
            assert_eq!(folder(other), None, "{other}");
        }
    }
}
