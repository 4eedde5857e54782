//! A person in front of a tmux server: a real client in a terminal of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::waiting::{is, wait_until};
use crate::world::World;

/// A person's terminal on the world's tmux server, and all that is written to it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    log: PathBuf,
}

impl Terminal {
    #[track_caller]
    pub fn attach(world: &World, session: &str) -> Self {
        let log = world.root().join("terminal");
        let mut command: Command = world.command("script");
        let attach = format!("tmux -u -L w attach -t '={session}:'");
        command.args(["-q", "-f", "-E", "never", "-c", &attach]).arg(&log);
        // A pty of its own, and an input that stays open.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("a terminal is there", || {
            let clients = world.tmux_or_none(&["list-clients", "-F", "#{client_tty}"]).unwrap_or_default();
            is(clients.starts_with('/'), clients)
        });
        Self { child, log }
    }

    /// All that was written to it.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
