//! The agent of the tests: built once from `fake/fake.c`, read back from its own records.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::programs;
use crate::world::alive;

/// One line of the agent's log.
#[derive(Clone, Debug)]
pub struct Note {
    /// `start`, `ready`, `hang`, `child` for one it left behind, `clash` for a pair that has two.
    pub what: String,
    pub pid: i32,
    pub run: String,
    pub task: String,
}

impl Note {
    /// Whether the process that wrote it lives. Another process may have its number by now, without the run's id in
    /// its environment.
    pub fn is_alive(&self) -> bool {
        let mark = format!("DISPATCH_RUN_ID={}", self.run);
        let environ = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        alive(self.pid) && environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    }
}

/// The compiled agent, shared by all tests of this run.
pub fn binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = programs::repository().join("tests/support/fake/fake.c");
        let folder = programs::scratch();
        let fresh = folder.join(format!("fake-agent.{}", std::process::id()));
        let built = folder.join("fake-agent");
        // The linker writes it, not this process: a file open for writing here could not be
        // started ("text file busy") while another test forks.
        let status = Command::new("cc")
            .args(["-O1", "-Wall", "-o"])
            .arg(&fresh)
            .arg(&source)
            .status()
            .expect("the tests need a C compiler named `cc`");
        assert!(status.success(), "cc failed on {}", source.display());
        fs::rename(&fresh, &built).unwrap();
        built
    })
}

/// Puts the agent into `folder` under `name`, as a file of its own so that `/proc/self/exe` says
/// which test it belongs to.
pub fn install(folder: &Path, name: &str) {
    let target = folder.join(name);
    if fs::hard_link(binary(), &target).is_err() {
        let status = Command::new("cp").arg(binary()).arg(&target).status().unwrap();
        assert!(status.success());
    }
}

pub fn notes(folder: &Path) -> Vec<Note> {
    let text = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let note = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = |skipped| words.nth(skipped).unwrap_or_default();
        Note {
            what: word(0),
            pid: word(0).parse().expect("the agent's log holds its pid"),
            run: word(0),
            task: word(1), // The mode stands between them.
        }
    };
    text.lines().map(note).collect()
}
