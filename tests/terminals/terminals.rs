//! Real terminals on a real screen, as Debian has them: opened, found again, brought to the front.

use serde_json::json;

use crate::browser::Page;
use crate::screen::Screen;
use crate::server::Server;
use crate::waiting::{is, wait_for, wait_until};
use crate::world::{BASE, World};

/// A name in which a shell, tmux and GNOME Terminal's titles would read something.
const SESSION: &str = "it's; \"a\" x";

struct Stage {
    // Ended first: its world goes with the last.
    server: Server,
    screen: Screen,
    world: World,
}

impl Stage {
    /// `terminal` is the manifest's, `programs` are the terminals of this machine that are seen beside xterm.
    fn new(terminal: &str, programs: &[&str]) -> Self {
        let world = World::bare();
        let session = json!(SESSION);
        world.write(
            "dispatch.yaml",
            BASE.replace("session: world", &format!("session: {session}\nterminal: {terminal}")),
        );
        world.task("A", "%hang").task("B", "%hang");
        world.provide(programs);
        let screen = Screen::new(&world);
        let server = world.serve_with("-v serve --port 0 --json", &screen.variables());
        Self { world, screen, server }
    }

    /// The windows that tmux's clients show.
    fn shown(&self) -> Vec<String> {
        let rows = self.world.tmux_or_none(&["list-clients", "-F", "#{window_name} #{session_group}"]);
        rows.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn assert_shown(&self, task: &str, windows: usize) {
        assert_eq!(self.shown(), [format!("{task}-talk {SESSION}")]);
        let seen = self.screen.windows(&self.world);
        assert_eq!(seen.len(), windows, "{seen:?}");
    }

    #[track_caller]
    fn attach(&self, words: &str) -> String {
        let call = self.world.dispatch(words).notes();
        self.screen.variables().iter().fold(call, |call, (name, value)| call.env(name, *value)).succeeds().stderr
    }

    /// The seed's first criterion; then again, while another window is in front; then another task.
    #[track_caller]
    fn tell(&self, other: (&str, &[&str])) {
        let Self { world, screen, server } = self;
        let title = |task: &str| format!("{task}-talk - ");
        let reply = server.post("/dispatch/talk/A", "");
        let answer = reply.json();
        assert_eq!((reply.status, &answer["attached"], &answer["attachNote"]), (201, &json!("opened"), &json!(null)));
        self.assert_shown("A", 1);
        let first = screen.wait_active(world, &title("A"));

        screen.start(world, other.0, other.1);
        screen.wait_active(world, "other");
        let reply = server.post("/dispatch/talk/A", "");
        let answer = reply.json();
        assert_eq!((reply.status, &answer["attached"], &answer["attachNote"]), (200, &json!("focused"), &json!(null)));
        self.assert_shown("A", 2);
        assert_eq!(screen.wait_active(world, &title("A")).id, first.id);

        world.dispatch("run -q --attach none talk B").notes().succeeds();
        assert_eq!(self.attach("attach talk B"), "talk B is shown in your terminal\n");
        self.assert_shown("B", 2);
        assert_eq!(screen.wait_active(world, &title("B")).id, first.id);
        // After its terminal has ended the window has no viewer, and the run continues.
        let client = world.tmux(&["list-clients", "-F", "#{client_tty}"]);
        world.tmux(&["detach-client", "-t", &client]);
        wait_until("the terminal is gone", || {
            let seen = screen.windows(world);
            is(seen.len() == 1 && self.shown().is_empty(), format!("{seen:?}"))
        });
        let run = world.status("talk", "A");
        assert_eq!(run["state"], "running", "{run}");
    }
}

const XTERM: (&str, &[&str]) = ("xterm", &["-T", "other", "-e", "sleep", "600"]);

#[test]
fn xterm_opens_and_is_found_again_also_from_the_page() {
    let stage = Stage::new("xterm", &[]);
    stage.tell(XTERM);
    let Stage { world, screen, server } = &stage;
    let mut page = Page::at(world, server, "/");
    let press = |page: &mut Page, says: &str| {
        page.play(&format!(
            "await page.locator('.row[data-task=\"A\"] [data-act=attach]:enabled').click(); \
             await page.locator('.toast', {{ hasText: '{says}' }}).waitFor();"
        ));
    };
    press(&mut page, "Opened in your terminal.");
    stage.assert_shown("A", 2);
    let first = screen.wait_active(world, "A-talk - ");
    screen.start(world, "wmctrl", &["-a", "other"]);
    screen.wait_active(world, "other");
    press(&mut page, "Your terminal shows it.");
    stage.assert_shown("A", 2);
    assert_eq!(screen.wait_active(world, "A-talk - ").id, first.id);
}

#[test]
fn gnome_terminal_opens_and_is_found_again_among_its_own_windows() {
    // One process has all windows: only the title identifies ours.
    Stage::new("GNOME Terminal", &["gnome-terminal"])
        .tell(("gnome-terminal", &["--title", "other", "--", "sleep", "600"]));
}

#[test]
fn konsole_opens_and_is_found_again() {
    Stage::new("konsole", &["konsole"]).tell(XTERM);
}

#[test]
fn kitty_opens_and_is_found_again() {
    Stage::new("kitty", &["kitty"]).tell(XTERM);
}

#[test]
fn alacritty_opens_and_is_found_again() {
    Stage::new("alacritty", &["alacritty"]).tell(XTERM);
}

#[test]
fn auto_opens_the_first_of_the_list_and_reports_a_missing_screen() {
    let stage = Stage::new("auto", &["alacritty", "gnome-terminal", "kitty", "konsole"]);
    let (world, screen) = (&stage.world, &stage.screen);
    // Without a terminal of its own `run` opens one; `--attach none` leaves the screen alone.
    stage.attach("run --attach none talk A");
    assert_eq!(screen.windows(world), []);
    let said = stage.attach("run talk A");
    assert!(said.ends_with("talk A is open in kitty\n"), "{said}");
    stage.assert_shown("A", 1);
    assert!(stage.attach("run --attach terminal talk A").ends_with("talk A is shown in your terminal\n"));
    stage.assert_shown("A", 1);
    // A terminal that fails to start is reported with its own message.
    world.tmux(&["detach-client", "-a"]);
    let client = world.tmux(&["list-clients", "-F", "#{client_tty}"]);
    world.tmux(&["detach-client", "-t", &client]);
    wait_for(std::time::Duration::from_secs(10), "no client is attached", || is(stage.shown().is_empty(), "attached"));
    let call = world.dispatch("attach talk A --terminal xterm").env("DISPLAY", ":7777");
    call.stderr_has("error: xterm failed (exit status: 1: xterm: Xt error: Can't open display")
        .stderr_has("hint: tmux -S ")
        .fails_with(1);
}
