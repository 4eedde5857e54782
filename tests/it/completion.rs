//! Completion in real shells: of `dispatch`, and of everything else once it is installed.

use std::fs;

use crate::waiting::{is, wait_until};
use crate::world::World;

/// An interactive shell in a pane of the world's own tmux server.
struct Shell<'a> {
    world: &'a World,
    name: &'static str,
}

impl<'a> Shell<'a> {
    fn start(world: &'a World, name: &'static str, command: &str) -> Self {
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
    fn completes(&self, typed: &str, to: &str) {
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
fn world() -> World {
    let world = World::with("  careful: { agent: fake, prompt: x }\n");
    world.task("TASK-1", "x");
    let below = "version: 1\nmodes:\n  deeper: { prompt: x }\ntasks: [{ list: [{ id: BELOW-1 }] }]\n";
    world.write("sub/dispatch.yaml", below);
    world.write("other/named.yaml", below.replace("deeper", "elsewhere"));
    world.write("unmistakable-file", "");
    world
}

#[track_caller]
fn completes_all(shell: &Shell<'_>) {
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

fn zsh(world: &World, before: &str, after: &str) {
    let folder = world.root().join("home/.zfunc");
    let script =
        format!("PS1='%% '\nfpath=({} $fpath)\n{before}autoload -Uz compinit\ncompinit -u\n{after}", folder.display());
    fs::write(world.root().join("home/.zshrc"), script).unwrap();
}

#[test]
fn zsh_completes_dispatch_and_all_else_however_the_script_is_installed() {
    let world = world();
    let script = world.dispatch("completions zsh").succeeds().stdout;
    let folder = world.root().join("home/.zfunc");
    fs::create_dir(&folder).unwrap();
    zsh(&world, "", "");
    // Under the usual name, which a function of zsh's own has too; and under another one.
    for name in ["_dispatch", "_dispatch_agents"] {
        let file = folder.join(name);
        fs::write(&file, &script).unwrap();
        let session = if name == "_dispatch" { "usual" } else { "other" };
        let shell = Shell::start(&world, session, "zsh -i");
        shell.completes("git statu", "git status");
        completes_all(&shell);
        shell.completes("dispatch run --file=other/named.yaml else", "dispatch run --file=other/named.yaml elsewhere");
        fs::remove_file(file).unwrap();
        let _ = fs::remove_file(world.root().join("home/.zcompdump"));
    }
    zsh(&world, "", "source <(dispatch completions zsh)\n");
    let shell = Shell::start(&world, "sourced", "zsh -i");
    shell.completes("git statu", "git status");
    completes_all(&shell);
    assert!(!String::from_utf8(script).unwrap().contains("\n_dispatch()"), "zsh has a function of that name");
}

#[test]
fn zsh_says_what_to_load_first() {
    let world = world();
    let ended = world.command("zsh").args(["-fc", "source <(dispatch completions zsh)"]).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(said, "dispatch: load the completion after `autoload -Uz compinit && compinit`\n");
}

#[test]
fn bash_completes_dispatch_and_all_else() {
    let world = world();
    let rc = "PS1='% '\nbind 'set enable-bracketed-paste off'\nsource <(dispatch completions bash)\n";
    let path = world.root().join("home/rc");
    fs::write(&path, rc).unwrap();
    let shell = Shell::start(&world, "bash", &format!("bash --noprofile --rcfile {} -i", path.display()));
    completes_all(&shell);
}
