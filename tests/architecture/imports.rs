//! Which module may import which, and what only some modules may name.
//!
//! Reads text, not types: comments, and unit tests at the end of a file, are left out first. Each
//! rule is tested on a made-up line that breaks it.

use std::fs;
use std::path::Path;

use crate::sources;

/// Which modules a module may import. A folder of `src/` that is missing here fails the test.
pub(crate) const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("manifest", &["model", "agents"]),
    ("tasks", &["model"]),
    ("plan", &["model", "manifest", "tasks"]),
    ("os", &["model"]),
    ("store", &["model", "os"]),
    ("executor", &["model", "plan", "os", "store"]),
    ("agents", &["model"]),
    ("supervisor", &["model", "os", "store", "agents"]),
    ("lifecycle", &["model", "manifest", "tasks", "plan", "os", "store", "executor", "agents", "view"]),
    ("snapshot", &["model", "manifest", "tasks", "plan", "os", "store", "executor", "agents", "lifecycle", "view"]),
    ("worker", &["model", "manifest", "tasks", "plan", "os", "store", "agents", "lifecycle", "view"]),
    ("view", &["model", "plan", "tasks"]),
    ("serve", &["model", "lifecycle", "snapshot", "worker", "view"]),
    ("tui", &["model", "os", "agents", "lifecycle", "snapshot", "worker", "view"]),
    (
        "cli",
        &[
            "model",
            "manifest",
            "tasks",
            "plan",
            "os",
            "store",
            "agents",
            "supervisor",
            "lifecycle",
            "snapshot",
            "worker",
            "view",
            "serve",
            "tui",
        ],
    ),
    ("main.rs", &["cli"]),
];

/// A path of `std` and the modules that may name it.
const STD_ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("fs", &["manifest", "tasks", "os", "store"], "only `os` and `store` change files; manifest and tasks read them"),
    ("process", &["os", "cli", "main.rs"], "only `os` knows processes"),
    ("env", &["os", "cli"], "only `os` and `cli` ask for the environment"),
    ("net", &["os", "serve"], "only `os` and `serve` know sockets"),
];

/// Words that only some modules may hold.
const WORD_ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("SystemTime::now", &["os"], "the clock is in `os`"),
    ("Instant::now", &["os", "cli", "serve"], "the clock is in `os`"),
    ("Timestamp::now", &["os", "cli"], "the clock is in `os`"),
    ("Zoned::now", &["os", "cli"], "the clock is in `os`"),
    ("println!", &["cli"], "only `cli` prints"),
    ("print!", &["cli"], "only `cli` prints"),
    ("eprintln!", &["cli"], "only `cli` prints"),
    ("eprint!", &["cli"], "only `cli` prints"),
    ("tokio", &["supervisor"], "only `supervisor` is asynchronous"),
    ("begin_supervisor", &["os", "executor"], "only an executor starts supervisors"),
    ("process::signal", &["os", "executor"], "only an executor signals the owner of a run"),
    ("TreeToEnd", &["os", "executor"], "only an executor ends the processes of runs"),
    ("supervisor_of", &["os", "executor"], "only an executor looks for a supervisor"),
    ("super::super", &[], "a path that climbs hides what it reaches; write `crate::`"),
];

/// Names that only Linux knows: only in files named `linux.rs`, or in folders of `os` of that name.
const LINUX_NAMES: &[&str] = &["pidfd", "prctl", "inotify", "PDEATHSIG", "SUBREAPER"];

/// The same, which `os/process` may use as names of what each system offers in its own way.
const LINUX_WORDS: &[&str] = &["cgroup", "subreaper"];

/// The commands of Slurm: only its folder knows them.
const SLURM_COMMANDS: &[&str] = &["sbatch", "squeue", "scancel", "scontrol", "sinfo", "srun"];

/// The one file that may hold `unsafe`.
const UNSAFE_FILE: &str = "os/process/child.rs";

/// The files that may tell one protocol from another: its names, and the table of implementations.
const PROTOCOL_FILES: &[&str] = &["model/protocol.rs", "agents/mod.rs"];

/// One source file, ready to be judged.
struct Source {
    /// Relative to `src/`, with `/`.
    path: String,
    /// Without comments and unit tests.
    text: String,
    /// The same, and what string literals hold is blanked.
    code: String,
    opens_with_doc: bool,
}

impl Source {
    fn new(path: &str, raw: &str) -> Self {
        let cut = sources::without_tests(raw);
        Self {
            path: path.to_owned(),
            text: strip(cut, false),
            code: strip(cut, true),
            opens_with_doc: raw.starts_with("//!"),
        }
    }

    /// The folder or file directly below `src/`.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    fn is_linux(&self) -> bool {
        let in_system = self.path.ends_with("/cgroup.rs") || self.path.contains("/linux/");
        self.path.ends_with("/linux.rs") || (self.path.starts_with("os/") && in_system)
    }
}

/// Blanks comments, and with `strings` also what is inside string literals. Keeps line ends.
fn strip(text: &str, strings: bool) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(n, c)| bytes.get(at + n) == Some(&c));
    while at < bytes.len() {
        if starts(at, "//") {
            while at < bytes.len() && bytes[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            while at < bytes.len() {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else if let Some(hashes) = raw_string(&bytes, at) {
            let end: String = std::iter::once('"').chain("#".repeat(hashes).chars()).collect();
            let start = at + hashes + 2;
            let mut stop = start;
            while stop < bytes.len() && !starts(stop, &end) {
                stop += 1;
            }
            push_string(&mut out, &bytes[start..stop.min(bytes.len())], strings);
            at = stop + end.len();
        } else if bytes[at] == '"' {
            let start = at + 1;
            let mut stop = start;
            while stop < bytes.len() && bytes[stop] != '"' {
                stop += if bytes[stop] == '\\' { 2 } else { 1 };
            }
            push_string(&mut out, &bytes[start..stop.min(bytes.len())], strings);
            at = stop + 1;
        } else if starts(at, "'\"'") || starts(at, "'\\''") {
            at += if starts(at, "'\"'") { 3 } else { 4 };
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// The number of `#` where a raw string starts here.
fn raw_string(text: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map_or(' ', |before| text[before]);
    if text[at] != 'r' || (is_word(before) && before != 'b') {
        return None;
    }
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    (text.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn push_string(out: &mut String, inside: &[char], blank: bool) {
    out.push('"');
    out.extend(inside.iter().map(|c| if blank && *c != '\n' { ' ' } else { *c }));
    out.push('"');
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every place where `word` stands by itself.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = word.ends_with('!') || code[at + word.len()..].chars().next().is_none_or(|c| !is_word(c));
        before && after
    })
}

/// The names that follow `root::`, singly or in braces.
fn after_root(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = code[at + root.len() + 2..].trim_start();
        let name = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
        let Some(group) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                found.push(name(item.trim_start()));
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Everything that is wrong with one file.
fn judge(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    let module = source.module();
    let mut say = |what: String| wrong.push(format!("src/{}: {what}", source.path));
    if !source.opens_with_doc {
        say("does not open with `//!`: what is it for, and what must it not do?".to_owned());
    }

    match MAY_IMPORT.iter().find(|(name, _)| *name == module) {
        // lib.rs only declares the modules.
        None if module == "lib.rs" => {}
        None => say(format!("`{module}` has no rule in tests/architecture")),
        Some((_, allowed)) => {
            let own = if module == "main.rs" { "dispatch" } else { "crate" };
            for name in after_root(&source.code, own) {
                let known = MAY_IMPORT.iter().any(|(known, _)| *known == name);
                if known && name != module && !allowed.contains(&name.as_str()) {
                    say(format!("`{module}` must not import `{name}`"));
                }
            }
        }
    }

    for (name, allowed, why) in STD_ONLY_IN {
        if after_root(&source.code, "std").iter().any(|found| found == name) && !allowed.contains(&module) {
            say(format!("`std::{name}`: {why}"));
        }
    }
    for (word, allowed, why) in WORD_ONLY_IN {
        if mentions(&source.code, word) && !allowed.contains(&module) {
            say(format!("`{word}`: {why}"));
        }
    }
    for command in SLURM_COMMANDS {
        if mentions(&source.text, command) && !source.path.starts_with("executor/slurm/") {
            say(format!("`{command}`: only `executor/slurm` knows Slurm's words"));
        }
    }
    let variants = after_root(&source.code, "Protocol");
    let names_a_variant = variants.iter().any(|name| name.starts_with(char::is_uppercase));
    if names_a_variant && !PROTOCOL_FILES.contains(&source.path.as_str()) {
        say("a protocol by name: ask `agents::of(protocol)` for what it can do".to_owned());
    }
    if mentions(&source.code, "unsafe") && source.path != UNSAFE_FILE {
        say(format!("`unsafe` stands only in src/{UNSAFE_FILE}"));
    }
    if !source.is_linux() {
        let words = if source.path.starts_with("os/process/") { &[] } else { LINUX_WORDS };
        for name in LINUX_NAMES.iter().chain(words).filter(|name| source.code.contains(**name)) {
            say(format!("`{name}` is Linux's: it belongs into a `linux.rs` of `os`"));
        }
        if source.text.contains("\"/proc/") || source.text.contains("\"/sys/fs/") {
            say("a path of /proc or /sys is Linux's: it belongs into a `linux.rs` of `os`".to_owned());
        }
    }
    wrong
}

#[test]
fn modules_import_only_what_they_may() {
    let root = sources::root();
    let mut paths = Vec::new();
    sources::files(&root, &mut paths);
    assert!(paths.len() > 20, "the sources were found");
    paths.sort();
    let mut wrong = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        wrong.extend(judge(&Source::new(&name, &fs::read_to_string(&path).unwrap())));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn main_only_hands_over() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(text.lines().count() <= 15);
}

#[test]
fn every_rule_sees_a_line_that_breaks_it() {
    for (path, line) in [
        ("model/x.rs", "use crate::os::clock;"),
        ("manifest/x.rs", "use crate::tasks::Task;"),
        ("plan/x.rs", "use crate::{model::names, os::clock};"),
        ("os/x.rs", "fn f() { crate::plan::decide(); }"),
        ("agents/x.rs", "use crate::os::process;"),
        ("supervisor/x.rs", "use crate::manifest::Manifest;"),
        ("lifecycle/x.rs", "pub use crate::cli::args;"),
        ("view/x.rs", "use crate::lifecycle::Report;"),
        ("main.rs", "fn main() { dispatch::lifecycle::run() }"),
        ("strange/x.rs", "fn f() {}"),
        ("strange.rs", "fn f() {}"),
        ("plan/x.rs", "use std::fs;"),
        ("plan/x.rs", "use std::{fmt, fs::File};"),
        ("manifest/x.rs", "use std::process::Command;"),
        ("lifecycle/x.rs", "let home = std::env::var(\"HOME\");"),
        ("lifecycle/x.rs", "use std::net::TcpStream;"),
        ("plan/x.rs", "let now = SystemTime::now();"),
        ("supervisor/x.rs", "let now = std::time::Instant::now();"),
        ("lifecycle/x.rs", "let now = jiff::Timestamp::now();"),
        ("lifecycle/x.rs", "println!(\"x\");"),
        ("os/x.rs", "eprint!(\"x\");"),
        ("lifecycle/x.rs", "use tokio::process::Command;"),
        ("os/process/other.rs", "unsafe { libc::fork() };"),
        ("supervisor/x.rs", "let fd = pidfd_open(pid);"),
        ("os/process/mod.rs", "rustix::process::prctl();"),
        ("supervisor/x.rs", "let limits = cgroup::open();"),
        ("lifecycle/x.rs", "let path = \"/proc/self/stat\";"),
        ("lifecycle/x.rs", "let it = supervise::begin_supervisor(folder, pair, None)?.finish();"),
        ("lifecycle/x.rs", "process::signal(&supervisor, Signal::TERM)?;"),
        ("supervisor/x.rs", "let tree = TreeToEnd { run, root };"),
        ("lifecycle/x.rs", "let pid = orphan::supervisor_of(run);"),
        ("lifecycle/x.rs", "let program = \"squeue\";"),
        ("lifecycle/x.rs", "use super::super::os::clock;"),
        ("lifecycle/x.rs", "if spec.protocol == Protocol::Text {}"),
        ("agents/claude/x.rs", "use crate::model::protocol::Protocol::{self, Claude};"),
    ] {
        let wrong = judge(&Source::new(path, &format!("//! Made up.\n{line}\n")));
        assert_eq!(wrong.len(), 1, "src/{path}: {line}: {wrong:?}");
    }
    assert_eq!(judge(&Source::new("model/x.rs", "fn f() {}\n")).len(), 1, "a file without `//!`");
}

#[test]
fn what_is_allowed_passes() {
    for (path, text) in [
        ("cli/x.rs", "let it = Protocol::default(); AgentProtocol::Claude; f::<Protocol>();"),
        ("agents/mod.rs", "Protocol::Text => &text::Text,"),
        ("cli/x.rs", "use crate::{lifecycle::Report, view};\nfn f() { println!(\"x\"); }"),
        ("os/process/linux.rs", "prctl(); // a comment, unsafe\nlet p = \"/proc/self\";"),
        ("os/process/child.rs", "unsafe { libc::fork() };"),
        ("os/tmux/x.rs", "use std::process::Command;\nuse crate::model::names::Pair;\nuse crate::os::clock;"),
        ("plan/x.rs", "// use crate::os::clock;\n/* std::fs /* nested */ */ let s = \"crate::cli println! unsafe\";"),
        ("plan/x.rs", "let s = r#\"std::fs \"quoted\" tokio\"#; let c = '\"'; let d = '\\''; f();"),
        ("plan/x.rs", "fn unsafe_looking() {} fn my_println() {} use mycrate::os;"),
        ("plan/x.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}"),
        ("executor/slurm/x.rs", "let program = \"squeue\";"),
        ("lib.rs", "pub mod model;"),
        ("main.rs", "use std::process::ExitCode;\nfn main() -> ExitCode { dispatch::cli::main() }"),
    ] {
        let wrong = judge(&Source::new(path, &format!("//! Made up.\n{text}\n")));
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
