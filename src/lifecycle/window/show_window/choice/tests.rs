//! All rows on all systems, and which client is switched.

use super::*;
use crate::os::environment::Environment;

/// The installed programs and apps.
struct These(&'static [&'static str]);

impl Installed for These {
    fn of_row(&self, row: &TerminalSpec) -> Option<PathBuf> {
        let name = if row.needs == Needs::Mac { row.name.as_str() } else { row.program };
        self.0.contains(&name).then(|| format!("/bin/{name}").into())
    }

    fn own(&self, wish: &TerminalPreference, program: &str) -> Result<PathBuf, ProgramError> {
        match self.0.contains(&program) {
            true => Ok(wish.folder.join(program)),
            false => Err(ProgramError::NotFound { name: program.to_owned() }),
        }
    }
}

const ALL: &[&str] = &[
    "wt.exe",
    "wezterm",
    "iterm2",
    "apple-terminal",
    "kitty",
    "gnome-terminal",
    "konsole",
    "alacritty",
    "xdg-terminal-exec",
    "x-terminal-emulator",
    "xterm",
];

const SCREEN: (&str, &str) = ("DISPLAY", ":0");
const WSL: (&str, &str) = ("WSL_DISTRO_NAME", "Debian");

fn around(vars: &[(&str, &str)]) -> HostEnvironment {
    let environment: Environment = vars.iter().map(|(name, value)| (name.into(), value.into())).collect();
    HostEnvironment::of(environment)
}

fn mac() -> HostEnvironment {
    HostEnvironment { system: crate::os::terminal::HostSystem::Mac, ..around(&[]) }
}

fn wish(terminal: Terminal) -> TerminalPreference {
    TerminalPreference { terminal, folder: "/project".into() }
}

fn picked(
    terminal: Terminal,
    around: &HostEnvironment,
    installed: &'static [&'static str],
) -> Result<String, NoTerminal> {
    choose(&wish(terminal), around, &These(installed)).map(|choice| match choice {
        TerminalChoice::TerminalSpec { row, program } => format!("{} {}", row.name.as_str(), program.display()),
        TerminalChoice::Own { program, words } => format!("{} {}", program.display(), words.join(" ")),
    })
}

#[test]
fn auto_takes_the_first_of_the_table_that_is_there() {
    let order = |around: &HostEnvironment| {
        (0..ALL.len()).filter_map(|from| picked(Terminal::Auto, around, &ALL[from..]).ok()).collect::<Vec<_>>()
    };
    let firsts = |around: &HostEnvironment| {
        let mut order = order(around);
        order.dedup();
        order.iter().filter_map(|line| line.split_once(' ')).map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let everywhere = ["kitty", "gnome-terminal", "konsole", "alacritty", "xdg-terminal-exec", "x-terminal-emulator"];
    let with = |first: &[&str]| {
        let all = first.iter().chain(&everywhere).chain(&["xterm"]);
        all.map(|name| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(firsts(&around(&[SCREEN])), with(&["wezterm"]));
    assert_eq!(firsts(&around(&[("WAYLAND_DISPLAY", "wayland-0")])), with(&["wezterm"]));
    assert_eq!(firsts(&around(&[SCREEN, WSL])), with(&["windows-terminal", "wezterm"]));
    assert_eq!(firsts(&mac()), with(&["wezterm", "iterm2", "apple-terminal"]));
    assert_eq!(firsts(&around(&[WSL])), ["windows-terminal"], "no screen of Linux's is needed");
}

#[test]
fn where_nothing_can_be_opened_it_is_said_why() {
    let ssh = [SCREEN, ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")];
    assert_eq!(picked(Terminal::Auto, &around(&ssh), ALL), Err(NoTerminal::Remote));
    assert_eq!(picked(Terminal::Named(TerminalName::Xterm), &around(&ssh), ALL), Err(NoTerminal::Remote));
    assert_eq!(picked(Terminal::Auto, &around(&[]), ALL), Err(NoTerminal::NoScreen));
    assert_eq!(picked(Terminal::Auto, &around(&[SCREEN]), &[]), Err(NoTerminal::NoneInstalled));
    assert_eq!(picked(Terminal::None, &around(&[SCREEN]), ALL), Err(NoTerminal::Unwanted));
    for error in [NoTerminal::Remote, NoTerminal::NoScreen, NoTerminal::NoneInstalled, NoTerminal::Unwanted] {
        assert!(!error.is_a_mistake(), "{error}");
    }
}

#[test]
fn a_name_means_that_terminal_and_no_other() {
    for row in TERMINALS {
        let here = match row.needs {
            Needs::Screen => around(&[SCREEN]),
            Needs::Mac => mac(),
            Needs::Wsl => around(&[WSL]),
        };
        let found = picked(Terminal::Named(row.name), &here, ALL).unwrap();
        assert!(found.starts_with(&format!("{} /bin/", row.name.as_str())), "{found}");
        let error = picked(Terminal::Named(row.name), &here, &[]).unwrap_err();
        assert_eq!(error, NoTerminal::NotInstalled(row.name));
        assert!(error.is_a_mistake());
        let elsewhere = picked(Terminal::Named(row.name), &around(&[]), ALL).unwrap_err();
        let expected = match row.needs {
            Needs::Screen => NoTerminal::NoScreen,
            Needs::Mac | Needs::Wsl => NoTerminal::NotHere(row.name),
        };
        assert_eq!(elsewhere, expected);
    }
}

#[test]
fn words_of_ones_own_need_no_screen() {
    let own = |program: &str| Terminal::Own(vec![program.to_owned(), "{{ command }}".to_owned()]);
    assert_eq!(picked(own("./t"), &around(&[]), &["./t"]).unwrap(), "/project/./t ./t {{ command }}");
    assert_eq!(picked(own("t"), &around(&[]), &[]).unwrap_err().to_string(), "`t` was not found");
}

#[test]
fn who_shows_the_window_is_taken_else_the_only_one_on_its_session() {
    let client = |pid, window: &str, session: &str, group: &str| Client {
        pid,
        window_id: window.to_owned(),
        session_id: "$0".to_owned(),
        control_mode: false,
        activity: i64::from(pid),
        tty: format!("/dev/pts/{pid}"),
        session_name: session.to_owned(),
        session_group: group.to_owned(),
        window_name: "x".to_owned(),
    };
    let place = |group: &str| PaneLocation {
        pane_id: "%1".to_owned(),
        window_id: "@1".to_owned(),
        session_id: "$0".to_owned(),
        session_name: "work".to_owned(),
        session_group: group.to_owned(),
        cols: 80,
        rows: 24,
        is_dead: false,
    };
    let pid = |clients: &[Client], group| match reuse(clients, &place(group)) {
        Reuse::Shows(client) => (true, client.pid),
        Reuse::Switch(client) => (false, client.pid),
        Reuse::Nothing => (false, 0),
    };
    let (shows, on_it, elsewhere) = (client(1, "@1", "x", ""), client(2, "@2", "work", ""), client(3, "@3", "y", ""));
    assert_eq!(pid(&[], ""), (false, 0));
    assert_eq!(
        pid(std::slice::from_ref(&elsewhere), ""),
        (false, 0),
        "another session's, though of no group as this one"
    );
    assert_eq!(pid(&[elsewhere.clone(), on_it.clone()], ""), (false, 2));
    assert_eq!(pid(&[on_it.clone(), client(5, "@2", "work", "")], ""), (false, 0), "nobody knows which");
    assert_eq!(pid(&[on_it.clone(), shows.clone()], ""), (true, 1));
    assert_eq!(pid(&[client(9, "@1", "z", ""), shows.clone()], ""), (true, 9), "the one used last");
    // A terminal opened by `dispatch` belongs to the session through its group.
    let ours = client(4, "@2", "dispatch-terminal-1", "work");
    assert_eq!(pid(std::slice::from_ref(&ours), "work"), (false, 4));
    assert_eq!(pid(&[ours.clone(), on_it.clone()], "work"), (false, 0));
    assert_eq!(pid(&[ours], "other"), (false, 0));
    // Control-mode clients and read views are no terminals of the user.
    let program = Client { control_mode: true, ..shows.clone() };
    let view = client(6, "@1", "dispatch-view-1", "");
    assert_eq!(pid(&[program, view], ""), (false, 0));
}
