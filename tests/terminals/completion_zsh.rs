//! Completion in a real zsh: of `dispatch`, and of everything else once it is installed.

use std::fs;

use crate::shell::{Shell, completes_all, world};
use crate::world::World;

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
