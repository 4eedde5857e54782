//! `dispatch shell`: the user's shell in the worktree of a task.

use crate::world::World;

#[test]
fn a_shell_starts_in_the_worktree_and_its_exit_code_counts() {
    let (world, tree) = crate::git::world();
    let script = "pwd\ngit branch --show-current\nexit 7\n";
    let call = world.dispatch("shell T").env("SHELL", "/bin/sh").stdin(script);
    let note = format!("T in {} (task/t); `exit` leaves it\n", tree.display());
    call.stdout_is(format!("{}\ntask/t\n", tree.display())).stderr_has(note).fails_with(7);
    world.dispatch("-q shell T").env("SHELL", "").stdin("echo here\n").stdout_is("here\n").succeeds();
    let call =
        world.dispatch("shell T").env("SHELL", "/no/shell").stderr_has("the shell `/no/shell` cannot be started");
    call.stderr_has("hint: set SHELL").fails_with(1);
}

#[test]
fn without_a_worktree_there_is_no_shell() {
    let (world, _) = crate::git::world();
    world.task("U", "x");
    let call = world.dispatch("shell U").stderr_has("of task `U` does not exist");
    call.stderr_has("hint: `dispatch run MODE U` begins the work").fails_with(1);
    world.dispatch("shell T --json").stderr_has("`shell` has no JSON").fails_with(2);
    world.dispatch("shell NO").stderr_has("NO").fails_with(2);
    let none = World::new();
    none.task("T", "x");
    none.dispatch("shell T").stderr_has("the manifest has no `worktree:`").fails_with(2);
}
