//! A session of ours for one terminal that looks at a run's window.
//!
//! It goes with its client, however that ends, and it moves nobody: which window another client
//! shows is its session's own affair, and a window has the size of the client that looks at it;
//! of this one only while no other does. (tmux lets the last one active decide, so this client
//! asks to be left out. It decides anew when it is resized and when it becomes the active one:
//! a hook is worked off before tmux comes to resizing.)

use std::ffi::OsString;
use std::path::Path;

use crate::model::run_id::RunId;
use crate::system::environment::{self, Environment};
use crate::system::ids;
use crate::system::tmux::client::{self, Complaint};
use crate::system::tmux::error::TmuxError;
use crate::system::tmux::{Client, Tmux, quote, talk};

/// How the names begin of what nobody but a program looks at, and of a terminal of the user's.
const VIEW: &str = "dispatch-view-";
const TERMINAL: &str = "dispatch-terminal-";

const PLACE: &str = "#{pane_id} #{session_id} #{window_id} #{window_width} #{window_height} #{pane_dead} #{session_name}\t#{session_group}";
const LEFT: &str = "dispatch-left";

/// A shell in the terminal waits for the client, which is its words, and ends the session `$0` after
/// it. Not tmux's `destroy-unattached`: that ends a session whose client was just told to leave and
/// still draws, as soon as any other client of the server goes; drawing then takes the server down
/// (tmux 3.3a). Whoever comes back to the session before keeps it.
const WITH_ITS_CLIENT: &str = concat!(
    "trap : HUP TERM INT; \"$@\"; exec \"$1\" -S \"$3\" if-shell -F -t \"$0\" '#{?session_attached,,1}' ",
    "\"kill-session -t '$0'\" >/dev/null 2>&1"
);

/// Where a run's pane is now, whatever was moved since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub pane_id: String,
    pub window_id: String,
    /// `$N`: names may hold what a target cannot.
    pub session_id: String,
    pub session_name: String,
    /// See [`Client::session_group`].
    pub session_group: String,
    pub cols: u16,
    pub rows: u16,
    pub is_dead: bool,
}

/// What a view is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// This window alone, to look at. It decides no size where anybody else is on the server.
    Read,
    /// This window alone, to type into.
    Write,
    /// All windows of the session with this one in front: a terminal of the user's.
    Session,
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
    /// A program looks, not the user.
    pub fn is_view(&self) -> bool {
        self.session_name.starts_with(VIEW)
    }

    /// In a terminal that was opened by us, whose title is what [`Client::title`] says.
    pub fn is_in_terminal_of_ours(&self) -> bool {
        self.session_name.starts_with(TERMINAL)
    }

    /// What `set_title` makes of its title now.
    pub fn title(&self) -> String {
        format!("{} - {}", self.window_name, in_title(&self.session_group))
    }
}

impl Place {
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

    /// Pane, window and session at once: it is there only where all three still belong together.
    fn target(&self) -> String {
        format!("{}:{}.{}", self.session_id, self.window_id, self.pane_id)
    }
}

impl Tmux {
    /// The pane of `run`. In several sessions: the one called `session` first, views of ours last.
    pub fn place_of(&self, run: &RunId, session: Option<&str>) -> Result<Option<Place>, TmuxError> {
        let reply = self.ask(&["list-panes", "-a", "-f", &quote::is_run(run), "-F", PLACE])?;
        if !reply.ok {
            return match Complaint::read(&reply.stderr) {
                Complaint::NoServer | Complaint::NoSession => Ok(None),
                _ => Err(self.failure("list-panes", "", &reply)),
            };
        }
        let text = reply.stdout_text();
        let rank = |place: &Place| {
            if Some(place.session_name.as_str()) == session { 0 } else { 1 + u8::from(is_view(&place.session_name)) }
        };
        Ok(text.lines().filter_map(Place::parse).min_by_key(rank))
    }

    /// Has `client` show the window at `place`, in its own session, and moves no other. False where
    /// the window is not there any more.
    pub fn show_in(&self, client: &Client, place: &Place, run: &RunId) -> Result<bool, TmuxError> {
        let window = quote::word(&format!("{}:{}", client.session_id, place.window_id));
        let show = format!("switch-client -c {} -t {window}", quote::word(&client.tty));
        let refuse = format!("display-message -p {LEFT}");
        let reply = self.client(&["if-shell", "-F", "-t", &place.target(), &quote::is_run(run), &show, &refuse])?;
        let left = reply.stdout_text().lines().any(|line| line == LEFT);
        match Complaint::read(&reply.stderr) {
            _ if reply.ok => Ok(!left),
            Complaint::NoServer | Complaint::NoSession => Ok(false),
            _ => Err(self.failure("switch-client", &place.session_name, &reply)),
        }
    }

    /// The command line of a client that shows the window at `place` until it ends, or prints that
    /// the window is not there any more. For a terminal with [`client_environment`].
    pub fn view_argv(&self, place: &Place, run: &RunId, view: View) -> Vec<OsString> {
        match view {
            View::Session => self.terminal_view(place, run, Path::new("tmux")).argv,
            View::Read | View::Write => {
                self.client_argv(place, run, "RGB", &window_commands(place, &new_name(VIEW), view))
            }
        }
    }

    /// [`View::Session`], with the name by which its client will be known; by this `tmux`.
    pub fn terminal_view(&self, place: &Place, run: &RunId, tmux: &Path) -> TerminalView {
        let name = new_name(TERMINAL);
        let mut argv = ["/bin/sh", "-c", WITH_ITS_CLIENT, &format!("={name}:")].map(OsString::from).to_vec();
        argv.extend(self.client_argv(place, run, "RGB,title", &session_commands(place, &name)));
        if let Some(program) = argv.get_mut(4) {
            *program = tmux.into();
        }
        TerminalView { name, argv }
    }

    /// tmux does not believe what `features` a terminal has: xterm.js and every one of today can show
    /// all colours, and those of the user a title.
    fn client_argv(&self, place: &Place, run: &RunId, features: &str, commands: &str) -> Vec<OsString> {
        let start = ["tmux", "-S"].map(OsString::from);
        let refuse = format!("display-message -p {LEFT}");
        let features = ["-u", "-T", features];
        let condition = ["if-shell", "-F", "-t", &place.target(), &quote::is_run(run), commands, &refuse];
        let rest = features.iter().chain(&condition).map(OsString::from);
        start.into_iter().chain([self.socket.clone().into()]).chain(rest).collect()
    }
}

/// Our own environment without what ties to the present run or to a tmux around us.
pub fn starter_environment() -> Environment {
    let mut environment = environment::all();
    environment.retain(|name, _| !client::is_scrubbed(name));
    environment
}

/// The same for a client in a terminal of ours, whose screen is a front end's.
pub fn client_environment() -> Environment {
    let mut environment = starter_environment();
    environment.insert("TERM".into(), "xterm-256color".into());
    environment
}

/// Whether a session was made by [`Tmux::view_argv`]: it holds windows that live elsewhere.
pub(super) fn is_view(session: &str) -> bool {
    session.starts_with(VIEW) || session.starts_with(TERMINAL)
}

fn new_name(prefix: &str) -> String {
    format!("{prefix}{}", ids::new_random_name())
}

/// A session of this one window, not of its whole session: when the window closes it is over, and
/// nobody finds himself in front of another run.
fn window_commands(place: &Place, name: &str, view: View) -> String {
    let (session, window) = (quote::word(&format!("={name}:")), quote::word(&format!("={name}:{}", place.window_id)));
    let source = quote::word(&format!("{}:{}", place.session_id, place.window_id));
    let first = quote::word(&format!("={name}:^"));
    let flags = if view == View::Read { "ignore-size,read-only" } else { "ignore-size" };
    let mut commands = vec![
        // A session begins with a window of its own; this one is replaced before it shows.
        format!("new-session -d -E -c / -s {name} sleep 5"),
        format!("link-window -k -s {source} -t {first}"),
        // Or its client would be moved to a session of the user's.
        format!("set-option -t {session} detach-on-destroy on"),
        format!("set-option -t {session} destroy-unattached on"),
        format!("set-option -t {session} status off"),
        link_to_home(&session, name, place),
        enter(&session, &format!("-f {flags}")),
    ];
    if view == View::Write {
        commands.push(yield_to_others(&place.window_id));
    }
    commands.extend([
        // Makes this client the active one of the window.
        format!("select-window -t {window}"),
        talk::note_seen(&window),
    ]);
    if view == View::Write {
        // Setting any option has sizes reckoned anew, and nothing else.
        let again = format!("{} ; set-option -t {session} status off", yield_to_others(&place.window_id));
        // The last: tmux 3.2 has no such hook, and a list of commands ends where one fails.
        for hook in ["client-resized", "client-active"] {
            commands.push(format!("set-hook -t {session} {hook} {}", quote::word(&again)));
        }
    }
    commands.join(" ; ")
}

/// The client enters a session that stands. Were it to make one for itself, and its terminal to close
/// just then (a page that is left), tmux would read the terminal's modes, fail and take the whole
/// server down: seen with 3.3a.
fn enter(session: &str, flags: &str) -> String {
    format!("attach-session -E {flags} -t {session}")
}

/// A window that comes into the view (made by the user or by a program that asks for one, broken out,
/// moved here) is at once linked into the session of the run as well: the view ends with its client at
/// any moment, and a window that only the view held would be killed with it. `window-linked` fires for
/// each of these ways, and the command links every window of the view that no other session has. (By the
/// list of sessions: their number also counts a session that the window has just left.)
fn link_to_home(session: &str, name: &str, place: &Place) -> String {
    let link = format!("link-window -d -s #{{window_id}} -t {} ; ", quote::word(&format!("{}:", place.session_id)));
    let each = format!("#{{W:#{{?#{{==:#{{window_linked_sessions_list}},{name}}},{link},}}}}");
    let command = format!("run-shell -C {}", quote::word(&each));
    format!("set-hook -t {session} window-linked {}", quote::word(&command))
}

/// The client decides no size while another one than a view of ours shows the window.
fn yield_to_others(window: &str) -> String {
    let shows = format!("#{{&&:#{{session_attached}},#{{==:#{{window_id}},{window}}}}}");
    let others = format!("#{{S:#{{?#{{m:{VIEW}*,#{{session_name}}}},,#{{?{shows},1,}}}}}}");
    format!("if-shell -F {} 'refresh-client -f ignore-size' 'refresh-client -f !ignore-size'", quote::word(&others))
}

/// The terminal's title, whichever window it shows.
fn set_title(session: &str, place: &Place) -> String {
    let group = if place.session_group.is_empty() { &place.session_name } else { &place.session_group };
    // It is a format, also of the time.
    let group = in_title(group).replace('#', "##").replace('%', "%%");
    let title = quote::word(&format!("#{{window_name}} - {group}"));
    format!("set-option -t {session} set-titles on ; set-option -t {session} set-titles-string {title}")
}

/// GNOME Terminal cuts a title at `;`.
fn in_title(session: &str) -> String {
    session.replace(';', ",")
}

fn session_commands(place: &Place, name: &str) -> String {
    let group = quote::word(&place.session_id);
    let (session, window) = (quote::word(&format!("={name}:")), quote::word(&format!("={name}:{}", place.window_id)));
    [
        format!("new-session -d -E -t {group} -s {name}"),
        set_title(&session, place),
        enter(&session, ""),
        format!("select-window -t {window}"),
        talk::note_seen(&window),
    ]
    .join(" ; ")
}
