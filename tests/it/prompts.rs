//! Prompts and extras arrive byte for byte, in both kinds of mode.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::random::Random;
use crate::waiting::{rounds, wait_until};
use crate::world::World;

const MODES: &str = r#"  by-stdin: { agent: fake }
  by-arg: { agent: by-arg }
  by-file: { agent: by-file }
  window: { interactive: true, agent: fake }
"#;

const AGENTS: &str = r"agents:
  by-arg: { interactive: [fake], headless: [fake, --flag], prompt: arg, protocol: text }
  by-file: { interactive: [fake], headless: [fake], prompt: file, protocol: text }
";

fn world() -> World {
    let world = World::with(MODES);
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("agents:\n", AGENTS));
    world.task("TASK-1", "x");
    world
}

/// Texts that shells, tmux, templates and argument parsers have been seen to change.
fn traps() -> Vec<Vec<u8>> {
    let long = "0123456789abcdef".repeat(6400); // 102,400 bytes
    let mut texts: Vec<Vec<u8>> = [
        "fix this;",
        ";",
        "a;b\\;",
        "-p",
        "--help",
        "-- x",
        "#{pid} #(touch x) #[fg=red]",
        "##{x}",
        "$(touch x) `id` $HOME ${PATH}",
        "\"double\" 'single' \\back\\",
        "line one\nline two\n\nline four",
        "\ttab\r\nreturn",
        "🟡 emoji, ümlaut, 漢字, e\u{301}",
        "{{ 7 * 7 }} {% raw %} {# c #}",
        "%d %s %% %1 ~ * ? [a] {a,b} !x ^x",
        "\u{1b}[31mred\u{1b}[0m\u{7}\u{8}",
        " leading and trailing ",
        "ends with newline\n",
        "@file",
        "=name",
        "+x",
        &long,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    texts.push((1..=255).collect());
    texts
}

/// Any bytes but NUL, up to 100 kB.
fn random(source: &mut Random) -> Vec<u8> {
    let length = match source.below(4) {
        0 => 1 + source.below(8),
        1 => 1 + source.below(200),
        2 => 15_000 + source.below(3000), // around tmux's limit of one command
        _ => 1 + source.below(100_000),
    };
    (0..length).map(|_| u8::try_from(1 + source.below(255)).unwrap()).collect()
}

fn arrives(world: &World, mode: &str, prompt: &[u8]) -> Vec<u8> {
    let prompt = OsStr::from_bytes(prompt);
    let call = world.dispatch("run -d --attach none").arg(mode).arg("TASK-1").arg("--prompt").arg(prompt);
    let answer = call.notes().json();
    let run = answer["runs"][0]["runId"].as_str().unwrap().to_owned();
    let seen = match mode {
        "by-stdin" => world.saw(&run, "stdin"),
        "by-file" => {
            let path = world.saw_words(&run, "argv").pop().unwrap();
            std::fs::read(path).unwrap()
        }
        _ => {
            let argv = world.saw(&run, "argv");
            argv.strip_suffix(b"\0").unwrap().rsplit(|byte| *byte == 0).next().unwrap().to_vec()
        }
    };
    world.dispatch("stop").arg(mode).arg("TASK-1").notes().succeeds();
    seen
}

fn all_arrive(mode: &str) {
    let world = world();
    let mut source = Random::new();
    let mut texts = traps();
    texts.extend((0..rounds(50)).map(|_| random(&mut source)));
    // `--prompt` is an argument and must be text where a template may use it: bytes that are no
    // UTF-8 come in by stdin, in the test below.
    texts.iter_mut().for_each(|text| *text = String::from_utf8_lossy(text).into_owned().into_bytes());
    // One argument holds 128 KiB on Linux, lossy text may have grown.
    texts.iter_mut().for_each(|text| text.truncate(text.len().min(100_000)));
    for text in texts {
        let text = String::from_utf8_lossy(&text).into_owned().into_bytes();
        let seen = arrives(&world, mode, &text);
        assert!(
            seen == text,
            "seed {}: {} bytes {:?}… arrived as {} bytes {:?}…",
            source.seed,
            text.len(),
            String::from_utf8_lossy(&text[..text.len().min(60)]),
            seen.len(),
            String::from_utf8_lossy(&seen[..seen.len().min(60)])
        );
    }
}

#[test]
fn by_stdin() {
    all_arrive("by-stdin");
}

#[test]
fn as_an_argument_of_a_job() {
    all_arrive("by-arg");
}

#[test]
fn as_a_file() {
    all_arrive("by-file");
}

#[test]
fn as_an_argument_in_a_window() {
    all_arrive("window");
}

#[test]
fn extras_arrive_in_order_and_untouched() {
    let world = world();
    let extras = ["--flag=a b", ";", "x;", "#{pid}", "$(id)", "", "two\nlines", "-", "--", "ü"];
    for (at, (mode, program)) in [("by-stdin", vec!["fake"]), ("window", vec!["fake"])].into_iter().enumerate() {
        let call = world.dispatch("run -d --attach none").arg(mode).arg("TASK-1").arg("--");
        let answer = extras.iter().fold(call, |call, extra| call.arg(extra));
        // `--json` after `--` would be an extra.
        let ended = answer.notes().succeeds();
        drop(ended);
        let run = wait_until("the agent has started", || {
            let starts = world.starts();
            starts.get(at).map(|start| start.run.clone()).ok_or_else(|| format!("{starts:?}"))
        });
        let expected: Vec<&str> = program.iter().copied().chain(extras).collect();
        assert_eq!(world.saw_words(&run, "argv"), expected, "{mode}");
        world.dispatch("stop").arg(mode).arg("TASK-1").notes().succeeds();
    }
}

#[test]
fn a_prompt_that_cannot_arrive_whole_is_refused() {
    let world = world();
    // More than one argument can hold, and more than a prompt may be.
    let large = "x".repeat(200_000);
    world.dispatch("run window TASK-1 --attach none --prompt -").stdin(large).any_stderr().ends_somehow();
    let seen = world.starts().last().map(|note| world.saw(&note.run, "argv").len()).unwrap_or_default();
    assert!(seen == 0 || seen > 200_000, "never cut: {seen}");
    let huge = "x".repeat((1 << 20) + 1);
    let before = world.starts().len();
    world.dispatch("run by-stdin TASK-1 --prompt -").stdin(huge).stderr_has("error: ").fails_with(2);
    let nul = world.dispatch("run by-stdin TASK-1 --prompt -").stdin(*b"a\0b").stderr_has("error: ");
    nul.fails_with(2);
    assert_eq!(world.starts().len(), before);
}
