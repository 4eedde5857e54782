//! A person's terminal: a pane of a tmux server of its own, in which a shell runs one line. It is driven by keys and
//! read from its screen.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::waiting::{is, wait_until};
use crate::world::World;

#[derive(Debug)]
pub struct UserTerminal<'a> {
    world: &'a World,
    /// Each terminal has its own: a server that ends is in the way of one that begins.
    server: String,
    /// For what the shell writes down.
    folder: PathBuf,
}

impl<'a> UserTerminal<'a> {
    /// Runs a shell's line in the project's folder. Its last command is the program under test.
    #[track_caller]
    pub fn start(world: &'a World, (columns, rows): (u16, u16), line: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let server = format!("user{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = world.root().join(&server);
        fs::create_dir(&folder).unwrap();
        let terminal = Self { world, server, folder };
        let to = terminal.folder.display();
        let script = format!(
            "unset TMUX TMUX_PANE; stty -a > {to}/before; {line} 2> {to}/stderr; echo $? > {to}/code; \
             stty -a > {to}/after.new; mv {to}/after.new {to}/after; exec sleep 600"
        );
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let begin = ["new-session", "-d", "-x", &columns, "-y", &rows, "-s", "user", "sh", "-c", &script];
        terminal.tmux(&begin);
        terminal
    }

    /// A tmux command on the server of this terminal.
    #[track_caller]
    pub fn tmux(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["-u", "-f", "/dev/null", "-L", &self.server].iter().chain(args).copied().collect();
        self.world.helper("tmux", &all).trim_end().to_owned()
    }

    /// A format of tmux, for the pane.
    #[track_caller]
    pub fn format(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", "-t", "=user:", format])
    }

    // ---- what is seen

    #[track_caller]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "=user:"])
    }

    /// The screen with the escape sequences of its colours and attributes.
    #[track_caller]
    pub fn styled_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-t", "=user:"])
    }

    /// Waits until the screen is as `condition` says, and gives it.
    #[track_caller]
    pub fn shows_that(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        wait_until(&format!("the screen shows {what}"), || {
            let screen = self.screen();
            is(condition(&screen), format!("\n{screen}\n{}", self.stderr())).map(|()| screen)
        })
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.shows_that(&format!("{text:?}"), |screen| screen.contains(text))
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> String {
        self.shows_that(&format!("no {text:?}"), |screen| !screen.contains(text))
    }

    /// The line that begins with reversed colours: the chosen row of a list.
    #[track_caller]
    pub fn chosen(&self) -> String {
        reversed_line(&self.styled_screen()).unwrap_or_default()
    }

    /// Column and row of the first character of `text`.
    #[track_caller]
    pub fn place(&self, text: &str) -> (usize, usize) {
        let screen = self.shows(text);
        let mut lines = screen.lines().enumerate();
        let place = lines.find_map(|(row, line)| Some((line[..line.find(text)?].chars().count(), row)));
        place.unwrap_or_else(|| panic!("{text:?} is in no single line of\n{screen}"))
    }

    #[track_caller]
    pub fn chooses(&self, text: &str) {
        wait_until(&format!("the row with {text:?} is chosen"), || {
            let chosen = self.chosen();
            is(chosen.contains(text), format!("{chosen}\n{}", self.screen()))
        });
    }

    // ---- what is typed

    /// Keys by their names in tmux.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "=user:"], keys].concat());
    }

    #[track_caller]
    pub fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "=user:", "-l", "--", text]);
    }

    /// A mouse button or the wheel, as terminals report it; column and row count from 0.
    #[track_caller]
    pub fn mouse(&self, button: u16, (column, row): (usize, usize)) {
        self.types(&format!("\x1b[<{button};{};{}M", column + 1, row + 1));
    }

    /// Gives the terminal another size. tmux passes it on later, and of many sizes only some.
    #[track_caller]
    pub fn resize_later(&self, (columns, rows): (u16, u16)) {
        self.tmux(&["resize-window", "-t", "=user:", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Returns once the programs in the terminal can see the size.
    #[track_caller]
    pub fn resize(&self, (columns, rows): (u16, u16)) {
        self.resize_later((columns, rows));
        let tty = self.format("#{pane_tty}");
        wait_until("the terminal has its size", || {
            let size = self.world.helper("stty", &["-F", &tty, "size"]);
            is(size.trim() == format!("{rows} {columns}"), size)
        });
    }

    // ---- the program

    /// The process of `dispatch` that the shell runs.
    #[track_caller]
    pub fn pid(&self) -> i32 {
        let shell = self.format("#{pane_pid}");
        wait_until("the shell runs it", || {
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap_or_default();
            let is_ours = |pid: &&str| {
                fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with("dispatch\0"))
            };
            let found = children.split_whitespace().find(is_ours).and_then(|pid| pid.parse().ok());
            found.ok_or_else(|| self.screen())
        })
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// The program has not ended.
    #[track_caller]
    pub fn assert_it_runs(&self) {
        assert!(!self.folder.join("code").exists(), "it has ended\n{}\n{}", self.screen(), self.stderr());
    }

    /// Waits for the end of the program, and gives its exit code. It left the terminal as it was.
    #[track_caller]
    pub fn code(&self) -> i32 {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        wait_until("it has ended", || is(!read("after").is_empty(), self.screen()));
        assert_eq!(read("before"), read("after"), "the modes of the terminal");
        assert_eq!(self.format("#{alternate_on} #{cursor_flag} #{mouse_any_flag}"), "0 1 0");
        read("code").trim().parse().unwrap()
    }
}

impl Drop for UserTerminal<'_> {
    fn drop(&mut self) {
        let kill = ["-L", &self.server, "kill-server"];
        let _ = self.world.command("tmux").args(kill).output();
    }
}

/// The first line but the head whose first character has reversed colours, without its escape sequences.
fn reversed_line(styled: &str) -> Option<String> {
    let mut is_reversed = false;
    for (at, line) in styled.lines().enumerate() {
        let (mut text, mut begins_reversed) = (String::new(), false);
        let mut parts = line.split("\x1b[");
        text.push_str(parts.next().unwrap_or_default());
        begins_reversed |= is_reversed && !text.is_empty();
        for part in parts {
            let (code, rest) = part.split_once('m').unwrap_or((part, ""));
            for number in code.split(';') {
                is_reversed = match number {
                    "7" => true,
                    "" | "0" | "27" => false,
                    _ => is_reversed,
                };
            }
            begins_reversed |= text.is_empty() && is_reversed && !rest.is_empty();
            text.push_str(rest);
        }
        if begins_reversed && at > 0 {
            return Some(text);
        }
    }
    None
}
