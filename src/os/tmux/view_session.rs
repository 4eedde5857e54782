//! A tmux session of ours for one terminal that shows a run's window.
//!
//! The session ends with its client, however that ends, and changes nothing for other clients: neither the window that
//! one shows nor its size. tmux gives a window the size of the client that was active last, so our client is not
//! counted while another client shows the window. This is decided again in a hook when our client is resized or becomes
//! the active one, since tmux runs a hook before it resizes.

use std::ffi::OsString;
use std::path::Path;

use crate::model::run_id::RunId;
use crate::os::environment::{self, Environment};
use crate::os::ids;
use crate::os::tmux::client::{self, ClientFailure};
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Client, Tmux, pane_activity, quote};

/// Name prefixes of the sessions that a program shows, and that a terminal of the user's shows.
const VIEW: &str = "dispatch-view-";
const TERMINAL: &str = "dispatch-terminal-";

const LOCATION: &str = "#{pane_id} #{session_id} #{window_id} #{window_width} #{window_height} #{pane_dead} #{session_name}\t#{session_group}";
const LEFT: &str = "dispatch-left";

/// A shell in the terminal waits for the client (its arguments) and then ends the session `$0`, unless a
/// client is attached again. tmux's `destroy-unattached` is not used: it ends a session whose client is
/// detached and still draws as soon as another client of the server exits, and that drawing then crashes
/// the server (tmux 3.3a).
const WITH_ITS_CLIENT: &str = concat!(
    "trap : HUP TERM INT; \"$@\"; exec \"$1\" -S \"$3\" if-shell -F -t \"$0\" '#{?session_attached,,1}' ",
    "\"kill-session -t '$0'\" >/dev/null 2>&1"
);

/// Where a run's pane is now; it may have been moved since it was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneLocation {
    pub pane_id: String,
    pub window_id: String,
    /// `$N`: a name may contain characters that a target cannot.
    pub session_id: String,
    pub session_name: String,
    /// See [`Client::session_group`].
    pub session_group: String,
    pub cols: u16,
    pub rows: u16,
    pub is_dead: bool,
}

/// What a view of a window may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// This window alone, without input. It decides the size only if no other client is attached to the server.
    Read,
    /// This window alone, with input.
    Write,
}

/// A view in a terminal of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalView {
    /// The name of its session, by which its client is known.
    pub name: String,
    /// What the terminal runs.
    pub argv: Vec<OsString>,
}

impl Client {
    /// Whether a program shows it, not the user.
    pub fn is_view(&self) -> bool {
        self.session_name.starts_with(VIEW)
    }

    /// Whether it is in a terminal that we opened; the terminal's title is [`Client::title`].
    pub fn is_in_terminal_of_ours(&self) -> bool {
        self.session_name.starts_with(TERMINAL)
    }

    /// The title that `set_title` gives its terminal.
    pub fn title(&self) -> String {
        format!("{} - {}", self.window_name, in_title(&self.session_group))
    }
}

impl PaneLocation {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(7, ' ');
        let pane_id = words.next().filter(|id| quote::is_pane_id(id))?.to_owned();
        let session_id = words.next().filter(|id| id.starts_with('$'))?.to_owned();
        let window_id = words.next().filter(|id| quote::is_window_id(id))?.to_owned();
        let (cols, rows) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let is_dead = words.next()? == "1";
        let (name, group) = words.next()?.split_once('\t')?;
        let (session_name, session_group) = (name.to_owned(), group.to_owned());
        Some(Self { pane_id, window_id, session_id, session_name, session_group, cols, rows, is_dead })
    }

    /// Pane, window and session at once: the target is valid only while they still belong together.
    fn target(&self) -> String {
        format!("{}:{}.{}", self.session_id, self.window_id, self.pane_id)
    }
}

impl Tmux {
    /// The pane of `run`. If several sessions show it: the one called `session` first, our views last.
    pub fn pane_location(&self, run: &RunId, session: Option<&str>) -> Result<Option<PaneLocation>, TmuxError> {
        let Some(text) = self.query_text("", &["list-panes", "-a", "-f", &quote::is_run(run), "-F", LOCATION])? else {
            return Ok(None);
        };
        let rank = |found: &PaneLocation| {
            if Some(found.session_name.as_str()) == session { 0 } else { 1 + u8::from(is_view(&found.session_name)) }
        };
        Ok(text.lines().filter_map(PaneLocation::parse).min_by_key(rank))
    }

    /// Shows the window at `place` in `client`, in its own session, and changes no other client. `false` if the window
    /// no longer exists.
    pub fn show_in(&self, client: &Client, place: &PaneLocation, run: &RunId) -> Result<bool, TmuxError> {
        let window = quote::word(&format!("{}:{}", client.session_id, place.window_id));
        let show = format!("switch-client -c {} -t {window}", quote::word(&client.tty));
        let refuse = format!("display-message -p {LEFT}");
        let reply = self.client(&["if-shell", "-F", "-t", &place.target(), &quote::is_run(run), &show, &refuse])?;
        let left = reply.stdout_text().lines().any(|line| line == LEFT);
        match ClientFailure::read(&reply.stderr) {
            _ if reply.ok => Ok(!left),
            ClientFailure::NoServer | ClientFailure::NoSession => Ok(false),
            _ => Err(self.failure("switch-client", &place.session_name, &reply)),
        }
    }

    /// The command line of a client that shows the window at `place` until that is closed, or prints that it is gone.
    /// For a terminal with [`client_environment`].
    pub fn view_argv(&self, place: &PaneLocation, run: &RunId, access: Access) -> Vec<OsString> {
        self.client_argv(place, run, "RGB", &window_commands(place, &new_name(VIEW), access))
    }

    /// A terminal of the user's: all windows of the session, this one in front, by the program `tmux`.
    pub fn terminal_view(&self, place: &PaneLocation, run: &RunId, tmux: &Path) -> TerminalView {
        let name = new_name(TERMINAL);
        let mut argv = ["/bin/sh", "-c", WITH_ITS_CLIENT, &format!("={name}:")].map(OsString::from).to_vec();
        argv.extend(self.client_argv(place, run, "RGB,title", &session_commands(place, &name)));
        if let Some(program) = argv.get_mut(4) {
            *program = tmux.into();
        }
        TerminalView { name, argv }
    }

    /// `features` names what the terminal supports and tmux does not detect: xterm.js and today's terminals show all
    /// colours, and those of the user a title.
    fn client_argv(&self, place: &PaneLocation, run: &RunId, features: &str, commands: &str) -> Vec<OsString> {
        let start = ["tmux", "-S"].map(OsString::from);
        let refuse = format!("display-message -p {LEFT}");
        let features = ["-u", "-T", features];
        let condition = ["if-shell", "-F", "-t", &place.target(), &quote::is_run(run), commands, &refuse];
        let rest = features.iter().chain(&condition).map(OsString::from);
        start.into_iter().chain([self.socket.clone().into()]).chain(rest).collect()
    }
}

/// Our own environment without the variables of the current run and of an enclosing tmux.
pub fn starter_environment() -> Environment {
    let mut environment = environment::all();
    environment.retain(|name, _| !client::is_scrubbed(name));
    environment
}

/// [`starter_environment`] for a client in a terminal that a front end shows.
pub fn client_environment() -> Environment {
    let mut environment = starter_environment();
    environment.insert("TERM".into(), "xterm-256color".into());
    environment
}

/// Whether a session was created for a view: its windows belong to another session.
pub(super) fn is_view(session: &str) -> bool {
    session.starts_with(VIEW) || session.starts_with(TERMINAL)
}

fn new_name(prefix: &str) -> String {
    format!("{prefix}{}", ids::new_random_name())
}

/// A session with this one window only: when the window is closed the session ends, and no other run's window is shown.
fn window_commands(place: &PaneLocation, name: &str, access: Access) -> String {
    let (session, window) = (quote::word(&format!("={name}:")), quote::word(&format!("={name}:{}", place.window_id)));
    let source = quote::word(&format!("{}:{}", place.session_id, place.window_id));
    let first = quote::word(&format!("={name}:^"));
    let flags = if access == Access::Read { "ignore-size,read-only" } else { "ignore-size" };
    let mut commands = vec![
        // A session starts with a window of its own, which the next command replaces.
        format!("new-session -d -E -c / -s {name} sleep 5"),
        format!("link-window -k -s {source} -t {first}"),
        // Without this the client would switch to a session of the user's when this one ends.
        format!("set-option -t {session} detach-on-destroy on"),
        format!("set-option -t {session} destroy-unattached on"),
        format!("set-option -t {session} status off"),
        link_to_home(&session, name, place),
        enter(&session, &format!("-f {flags}")),
    ];
    if access == Access::Write {
        commands.push(yield_to_others(&place.window_id));
    }
    commands.extend([
        // Makes this client the window's active one.
        format!("select-window -t {window}"),
        pane_activity::note_seen(&window),
    ]);
    if access == Access::Write {
        // Setting any option makes tmux compute the sizes again.
        let again = format!("{} ; set-option -t {session} status off", yield_to_others(&place.window_id));
        // Last in the list: tmux 3.2 lacks these hooks, and a failure ends a list of commands.
        for hook in ["client-resized", "client-active"] {
            commands.push(format!("set-hook -t {session} {hook} {}", quote::word(&again)));
        }
    }
    commands.join(" ; ")
}

/// The client attaches to an existing session. If it created the session itself and its terminal closed meanwhile (the
/// user leaves a page), tmux 3.3a would fail to read the terminal's modes and crash.
fn enter(session: &str, flags: &str) -> String {
    format!("attach-session -E {flags} -t {session}")
}

/// A window that enters the view (created there, broken out, moved there) is also linked into the run's session: a
/// window that only the view holds would be killed when the view ends. `window-linked` runs in each of these cases, and
/// the command links every window of the view that is in no other session. (It reads the list of sessions: their number
/// still counts one that the window just left.)
fn link_to_home(session: &str, name: &str, place: &PaneLocation) -> String {
    let link = format!("link-window -d -s #{{window_id}} -t {} ; ", quote::word(&format!("{}:", place.session_id)));
    let each = format!("#{{W:#{{?#{{==:#{{window_linked_sessions_list}},{name}}},{link},}}}}");
    let command = format!("run-shell -C {}", quote::word(&each));
    format!("set-hook -t {session} window-linked {}", quote::word(&command))
}

/// The client does not decide the size while another client that is not our view shows the window.
fn yield_to_others(window: &str) -> String {
    let shows = format!("#{{&&:#{{session_attached}},#{{==:#{{window_id}},{window}}}}}");
    let others = format!("#{{S:#{{?#{{m:{VIEW}*,#{{session_name}}}},,#{{?{shows},1,}}}}}}");
    format!("if-shell -F {} 'refresh-client -f ignore-size' 'refresh-client -f !ignore-size'", quote::word(&others))
}

/// Sets the terminal's title to the name of the window that it shows.
fn set_title(session: &str, place: &PaneLocation) -> String {
    let group = if place.session_group.is_empty() { &place.session_name } else { &place.session_group };
    // tmux expands the title as a format and by strftime.
    let group = in_title(group).replace('#', "##").replace('%', "%%");
    let title = quote::word(&format!("#{{window_name}} - {group}"));
    format!("set-option -t {session} set-titles on ; set-option -t {session} set-titles-string {title}")
}

/// GNOME Terminal cuts a title at `;`.
fn in_title(session: &str) -> String {
    session.replace(';', ",")
}

fn session_commands(place: &PaneLocation, name: &str) -> String {
    let group = quote::word(&place.session_id);
    let (session, window) = (quote::word(&format!("={name}:")), quote::word(&format!("={name}:{}", place.window_id)));
    [
        format!("new-session -d -E -t {group} -s {name}"),
        set_title(&session, place),
        enter(&session, ""),
        format!("select-window -t {window}"),
        pane_activity::note_seen(&window),
    ]
    .join(" ; ")
}
