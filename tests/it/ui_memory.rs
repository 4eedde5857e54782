//! `ui`: hours of events leave its memory as it was.

use std::fs;
use std::time::Duration;

use crate::user_terminal::UserTerminal;
use crate::waiting::{is, rounds, wait_for};
use crate::world::World;

/// How much its memory may grow, in KiB: the last 4,096 events are kept, about a KiB each. A round that left what it
/// listed would leave 80 KiB.
const GROWTH: usize = 6144;

/// Megabytes without a line end.
const MEGABYTES: usize = 16;

/// The memory of this process that belongs to no file, in KiB; also what the system moved out.
fn private_memory(pid: i32) -> usize {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let private = text.lines().filter(|line| line.starts_with("Anonymous:") || line.starts_with("Swap:"));
    private.map(|line| line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()).sum()
}

#[test]
fn thousands_of_events_leave_its_memory_as_it_was() {
    let world = World::with("jobs: 40\n");
    // More lines than the view keeps, and then always another one.
    let events =
        "%sh i=0; while :; do i=$((i + 1)); echo \"event $i of the log\"; [ $i -lt 8000 ] || sleep 0.05; done\n";
    world.task("LOUD", events).task("SHORT", "%out short\n");
    for n in 0..29 {
        let task = format!("T{n}");
        world.task(&task, "%hang\n");
        world.detach("job", &task);
    }
    let loud = world.detach("job", "LOUD");
    world.agent_ready(&loud);
    let ui = UserTerminal::start(&world, (120, 70), "dispatch ui");
    ui.press(&["g"]);
    ui.chooses("LOUD");
    // Each round is some twenty events: starts, ends, a changed task file, turns of the preview.
    let round = |n: usize| {
        world.task("CHANGES", &format!("for the {n}th time\n"));
        world.dispatch("run -q job SHORT").notes().succeeds();
        for keys in [&["j", "Tab"][..], &["j", "BTab"], &["k", "k"], &["p"], &["Escape"], &["?"], &["Escape"]] {
            ui.press(keys);
        }
        wait_for(Duration::from_secs(60), "the list shows the last run", || {
            let screen = ui.screen();
            is(screen.contains("SHORT"), screen)
        });
    };
    let pid = ui.pid();
    // What is needed for a moment does not count.
    let least = |numbers: std::ops::Range<usize>| {
        let memory = numbers.map(|n| {
            round(n);
            private_memory(pid)
        });
        memory.min().unwrap()
    };
    // The list has as many ended runs as it shows, and the memory has its holes.
    (0..100).for_each(round);
    ui.chooses("LOUD");
    let before = least(100..110);
    let count = 110 + rounds(1000);
    (110..count).for_each(round);
    let after = least(count..count + 10);
    println!("{before} KiB before, {after} KiB after");
    assert!(after <= before + GROWTH, "{before} KiB before, {after} KiB after");
    ui.press(&["q"]);
    assert_eq!((ui.code(), ui.stderr()), (0, String::new()));
}

#[test]
fn a_line_of_many_megabytes_is_cut() {
    let world = World::new();
    let flood = format!("head -c {MEGABYTES}000000 /dev/zero | tr '\\0' x");
    world.task("A", &format!("%out begin\n%until go\n%sh {flood}\n%out .\n%out after it\n%hang\n"));
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let ui = UserTerminal::start(&world, (120, 70), "dispatch ui");
    ui.shows("│begin");
    let before = private_memory(ui.pid());
    world.write("go", "");
    let screen = ui.shows("│after it");
    assert!(screen.contains("x…"), "{screen}");
    let after = private_memory(ui.pid());
    println!("{before} KiB before, {after} KiB after");
    assert!(after <= before + GROWTH, "{before} KiB before, {after} KiB after");
}
