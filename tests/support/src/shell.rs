//! An interactive shell that completes what is typed.

use crate::waiting::{is, wait_until};
use crate::world::World;

/// An interactive shell in a pane of the world's own tmux server.
#[derive(Debug)]
pub struct Shell<'a> {
    world: &'a World,
    name: &'static str,
}

impl<'a> Shell<'a> {
    #[track_caller]
    pub fn start(world: &'a World, name: &'static str, command: &str) -> Self {
        let size = ["new-session", "-d", "-x", "150", "-y", "40", "-s", name, command];
        world.tmux(&size);
        let shell = Self { world, name };
        shell.wait_for("%");
        shell
    }

    fn screen(&self) -> String {
        self.world.tmux(&["capture-pane", "-p", "-t", self.name])
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        wait_until(&format!("`{text}` is shown"), || {
            let screen = self.screen();
            is(screen.contains(text), screen)
        });
    }

    /// Types a line, presses Tab, and waits for what it becomes.
    #[track_caller]
    pub fn completes(&self, typed: &str, to: &str) {
        self.world.tmux(&["send-keys", "-t", self.name, "-l", typed]);
        self.wait_for(&format!("% {typed}"));
        self.world.tmux(&["send-keys", "-t", self.name, "Tab"]);
        self.wait_for(&format!("% {to}"));
        assert!(!self.screen().contains("not found"), "{}", self.screen());
        self.world.tmux(&["send-keys", "-t", self.name, "C-u"]);
        self.world.tmux(&["send-keys", "-t", self.name, "-R", "C-l"]);
        wait_until("the line is empty", || {
            let screen = self.screen();
            is(screen.lines().next().is_some_and(|line| line.trim_end() == "%"), screen)
        });
    }
}

/// A project with one more below it, and a file whose name is to be completed.
pub fn world() -> World {
    let world = World::with("  careful: { agent: fake, prompt: x }\n");
    world.task("TASK-1", "x");
    let below = "version: 1\nmodes:\n  deeper: { prompt: x }\ntasks: [{ list: [{ id: BELOW-1 }] }]\n";
    world.write("sub/dispatch.yaml", below);
    world.write("other/named.yaml", below.replace("deeper", "elsewhere"));
    world.write("unmistakable-file", "");
    world
}

/// Completes a line of everything that a shell has to complete.
#[track_caller]
pub fn completes_all(shell: &Shell<'_>) {
    shell.completes("cat unmistak", "cat unmistakable-file");
    shell.completes("dispatch run care", "dispatch run careful");
    shell.completes("dispatch run careful TA", "dispatch run careful TASK-1");
    // The manifest that the line is about, not the one of the folder where it is typed.
    shell.completes("dispatch -C sub run dee", "dispatch -C sub run deeper");
    shell.completes("dispatch -C sub run deeper BEL", "dispatch -C sub run deeper BELOW-1");
    shell.completes("dispatch -f other/named.yaml status else", "dispatch -f other/named.yaml status elsewhere");
    shell.completes("dispatch logs -f care", "dispatch logs -f careful");
    shell.completes("dispatch -C 'sub' logs dee", "dispatch -C 'sub' logs deeper");
}
