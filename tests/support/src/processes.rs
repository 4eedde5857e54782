//! The processes of a world: which there are, whether they are gone, and signals to them.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::World;

impl World {
    /// Every living process of this world but tmux, with its command line.
    pub fn processes(&self) -> Vec<(i32, String)> {
        self.everything().into_iter().filter(|(_, line)| !line.starts_with("tmux")).collect()
    }

    /// The command lines of this world's processes, tmux too, that hold `word`.
    pub fn processes_with(&self, word: &str) -> Vec<String> {
        self.everything().into_iter().map(|(_, line)| line).filter(|line| line.contains(word)).collect()
    }

    /// Every living process whose home is this world's.
    pub(crate) fn everything(&self) -> Vec<(i32, String)> {
        let mark = self.root().join("home").into_os_string().into_encoded_bytes();
        let marked = |environ: &[u8]| environ.windows(mark.len()).any(|window| window == mark);
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A zombie has no environment any more.
            if !fs::read(entry.path().join("environ")).is_ok_and(|environ| marked(&environ)) {
                continue;
            }
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push((pid, line));
        }
        found
    }

    /// Waits until none of them is left: no agent, no supervisor, no child.
    #[track_caller]
    pub fn wait_all_quiet(&self) {
        self.wait_all_quiet_but(0);
    }

    /// The same, beside one process that the test itself started.
    #[track_caller]
    pub fn wait_all_quiet_but(&self, own: u32) {
        wait_until_gone("no process of this world is left", || {
            let mut left = self.processes();
            left.retain(|(pid, _)| i64::from(*pid) != i64::from(own));
            is(left.is_empty(), format!("{left:?}"))
        });
    }

    /// The supervisor of a run, by its own record.
    #[track_caller]
    pub fn supervisor(&self, run: &str) -> i32 {
        let path = self.run_folder(run).join("live.json");
        wait_until("the supervisor wrote its record", || {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let live: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            live["owner"]["pid"].as_i64().and_then(|pid| pid.try_into().ok()).ok_or(text)
        })
    }
}

/// Waits until `look` finds no process of a world. It looks twice: a process that is just being replaced by `exec` shows
/// no environment, and is not found then.
#[track_caller]
pub fn wait_until_gone(what: &str, look: impl Fn() -> Result<(), String>) {
    wait_until(what, || look().and_then(|()| look()));
}

/// Is there a process that is not a zombie?
pub fn alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Sends a signal. After a KILL the process is gone, and with it its locks: the kernel ends a process after the call.
pub fn kill(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).expect("a pid is not 0"), signal);
    if signal == Signal::KILL {
        wait_until("the killed process is gone", || is(!alive(pid), pid.to_string()));
    }
}
