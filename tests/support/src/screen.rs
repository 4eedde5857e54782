//! A screen for a test: Xvfb, a window manager and a message bus, and the windows on it.
//!
//! Its processes have the world's home in their environment, so the world ends them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::waiting::{is, wait_until};
use crate::world::World;

/// An X server with a window manager and a message bus.
#[derive(Debug)]
pub struct Screen {
    variables: Vec<(&'static str, String)>,
}

/// A window with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XWindow {
    pub id: u64,
    pub title: String,
}

impl Screen {
    #[track_caller]
    pub fn new(world: &World) -> Self {
        world.provide(&["Xvfb", "dbus-daemon", "jwm", "wmctrl", "xdotool", "xprop", "xterm"]);
        let runtime = world.root().join("runtime");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(world.root().join("home/.jwmrc"), "<?xml version=\"1.0\"?>\n<JWM/>\n").unwrap();
        let mut screen = Self {
            variables: vec![
                ("XDG_RUNTIME_DIR", runtime.display().to_string()),
                // No graphics card is needed, and no desktop's services are looked for.
                ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
                ("GSETTINGS_BACKEND", "memory".to_owned()),
                ("NO_AT_BRIDGE", "1".to_owned()),
            ],
        };
        let said = |name: &str| world.root().join(name);
        // Without `-noreset` it would begin anew whenever the last program leaves it.
        let server = "exec Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset 3>\"$0\"";
        screen.start(world, "sh", &["-c", server, said("display").to_str().unwrap()]);
        screen.variables.push(("DISPLAY", format!(":{}", first_line(said("display")))));
        screen.start(world, "jwm", &[]);
        let bus = "exec dbus-daemon --session --nofork --nosyslog --address=\"unix:path=$0.socket\" --print-address=3 3>\"$0\"";
        screen.start(world, "sh", &["-c", bus, said("bus").to_str().unwrap()]);
        screen.variables.push(("DBUS_SESSION_BUS_ADDRESS", first_line(said("bus"))));
        wait_until("the window manager is there", || {
            let known = screen.ask(world, "xprop", &["-root", "_NET_SUPPORTING_WM_CHECK"]);
            is(known.contains("window id"), known)
        });
        screen
    }

    /// The environment variables that lead a program to the screen.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// A program on the screen, which goes on.
    #[track_caller]
    pub fn start(&self, world: &World, program: &str, args: &[&str]) {
        let mut command = self.command(world, program);
        // Its messages stay in a world that is kept after a failure.
        let log = fs::File::create(world.root().join(format!("{program}.log"))).unwrap();
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let started = command.spawn();
        let mut child =
            started.unwrap_or_else(|error| panic!("the tests need `{program}`; scripts/test.sh installs it: {error}"));
        // The world ends it; this thread reaps it.
        std::thread::spawn(move || child.wait());
    }

    fn command(&self, world: &World, program: &str) -> Command {
        let mut command = world.command(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn ask(&self, world: &World, program: &str, args: &[&str]) -> String {
        let output = self.command(world, program).args(args).output();
        let output =
            output.unwrap_or_else(|error| panic!("the tests need `{program}`; scripts/test.sh installs it: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// All windows, in the order in which they came.
    pub fn windows(&self, world: &World) -> Vec<XWindow> {
        let window = |line: &str| {
            let mut words = line.splitn(4, ' ').map(str::trim);
            let id = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
            let (_desktop, _empty, rest) = (words.next()?, words.next()?, words.next()?);
            Some(XWindow { id, title: rest.split_once(' ')?.1.to_owned() })
        };
        self.ask(world, "wmctrl", &["-l"]).lines().filter_map(window).collect()
    }

    /// The one that has the keyboard.
    pub fn active(&self, world: &World) -> Option<u64> {
        let said = self.ask(world, "xprop", &["-root", "_NET_ACTIVE_WINDOW"]);
        u64::from_str_radix(said.trim().rsplit_once("0x")?.1, 16).ok()
    }

    /// Waits for a window of this title beside the others, and for it to have the keyboard.
    #[track_caller]
    pub fn wait_active(&self, world: &World, title: &str) -> XWindow {
        wait_until(&format!("a window `{title}…` is active"), || {
            let (windows, active) = (self.windows(world), self.active(world));
            let found = windows.iter().find(|window| window.title.starts_with(title) && Some(window.id) == active);
            found.cloned().ok_or_else(|| format!("{active:?} of {windows:?}"))
        })
    }
}

/// What a program said first, once that is whole.
#[track_caller]
fn first_line(path: PathBuf) -> String {
    wait_until(&format!("{} is written", path.display()), || {
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        text.split_once('\n').map(|(line, _)| line.to_owned()).ok_or(text)
    })
}
