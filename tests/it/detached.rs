//! `__on_tty` and `__become`: the hidden commands that replace this program by another one.

use crate::world::World;

/// Words as `__become` takes them.
fn encoded(words: &[&str]) -> String {
    words.iter().flat_map(|word| word.bytes().chain([0])).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn encoded_words_arrive_byte_for_byte() {
    let world = World::new();
    let words = ["sh", "-c", "printf '<%s>' \"$@\"; exit 3", "x", "it's", "a;b", "", "$HOME \"q\" \\ é"];
    let call = world.dispatch("__become").arg(encoded(&words));
    call.stdout_is("<it's><a;b><><$HOME \"q\" \\ é>").fails_with(3);
}

#[test]
fn a_failed_start_is_reported() {
    let world = World::new();
    world.dispatch("__pty no-such-program").stderr_has("dispatch: ").fails_with(127);
    world.dispatch("__pty").any_stderr().fails_with(2);
    world.dispatch("__become").arg(encoded(&["no-such-program"])).stderr_has("dispatch: ").fails_with(127);
    world.dispatch("__become 4x").stderr_has("no encoded words").fails_with(2);
    world.dispatch("__become").any_stderr().fails_with(2);
}
