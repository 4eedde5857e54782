//! The plain POSIX form, for macOS and others: `ps`, `kill`, process groups.
//!
//! Finds processes whose parent has exited only by their mark, and checks and signals a pid in two steps.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::os::process::tree::Process;

pub(super) const ADOPTS_DESCENDANTS: bool = false;

/// A start time is a hash of the text that `ps` prints.
pub(super) const COUNTS_TICKS: bool = false;

pub(super) fn boot_id() -> String {
    static ASKED: OnceLock<String> = OnceLock::new();
    ASKED
        .get_or_init(|| {
            // macOS has a boot id; elsewhere the boot time is used, which moves when the clock is set.
            let answers = ["kern.bootsessionuuid", "kern.boottime"].map(|name| output("sysctl", &["-n", name]));
            let answer = answers.into_iter().flatten().find(|answer| !answer.trim().is_empty());
            answer.unwrap_or_default().trim().to_owned()
        })
        .clone()
}

pub(super) fn pid_namespace() -> u64 {
    0
}

/// A number for the second in which `pid` started. A zombie counts as gone.
pub(super) fn start_time(pid: u32) -> io::Result<u64> {
    let text = output("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()])?;
    let mut words = text.split_ascii_whitespace();
    let state = words.next().ok_or(io::ErrorKind::NotFound)?;
    if state.starts_with('Z') {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(digest(words))
}

/// A hash of a start time, by word, since `ps` pads words with blanks. Only equality matters.
fn digest<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| step(word.bytes().fold(hash, step), b' '))
}

pub(super) fn signal(pid: u32, start: u64, signal: Signal) -> io::Result<bool> {
    match start_time(pid) {
        Ok(found) if found == start => {}
        _ => return Ok(false),
    }
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    match rustix::process::kill_process(pid, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Sleeps up to 20 ms: the system does not report the end of a process that is not a child.
pub(super) fn wait_for_ends(_processes: &[(u32, u64)], patience: Duration) {
    std::thread::sleep(patience.min(Duration::from_millis(20)));
}

pub(super) fn all() -> io::Result<Vec<Process>> {
    let text = output("ps", &["-axo", "pid=,ppid=,pgid=,stat=,lstart=,comm="])?;
    Ok(text.lines().filter_map(parse_line).collect())
}

/// Whether `pid` is stopped.
pub(super) fn is_stopped(pid: u32) -> bool {
    output("ps", &["-o", "stat=", "-p", &pid.to_string()]).is_ok_and(|state| state.trim_start().starts_with('T'))
}

/// POSIX cannot tell.
pub(super) fn lock_holders(_device: u64, _inode: u64) -> Vec<u32> {
    Vec::new()
}

/// POSIX cannot tell.
pub(super) fn standard_input(_pid: u32) -> Option<(PathBuf, bool)> {
    None
}

/// POSIX cannot tell.
pub(super) fn working_directory(_pid: u32) -> Option<PathBuf> {
    None
}

/// The processes above `pid`, the nearest first.
pub(super) fn ancestors(pid: u32) -> Vec<u32> {
    let parents: BTreeMap<u32, u32> =
        all().unwrap_or_default().into_iter().map(|process| (process.pid, process.parent)).collect();
    let parent = |pid: &u32| parents.get(pid).copied().filter(|parent| *parent > 0);
    std::iter::successors(parent(&pid), parent).take(parents.len()).collect()
}

/// `lstart` is five words: `Sun Nov 22 10:00:00 2026`.
fn parse_line(line: &str) -> Option<Process> {
    let mut words = line.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    if words.next()?.starts_with('Z') {
        return None;
    }
    let start_time = digest(words.by_ref().take(5));
    let command = words.collect::<Vec<_>>().join(" ");
    (!command.is_empty()).then_some(Process { pid, parent, group, start_time, command })
}

/// Reads what the process table lacks, for all processes at the first use: each `ps` takes milliseconds.
pub(super) struct Details {
    with_environment: OnceCell<BTreeMap<u32, String>>,
    arguments: OnceCell<BTreeMap<u32, String>>,
}

impl Details {
    pub(super) fn new() -> Self {
        Self { with_environment: OnceCell::new(), arguments: OnceCell::new() }
    }

    /// The value of `name` in the environment of `pid`, if it can be read, up to its first blank.
    pub(super) fn environment_of(&self, pid: u32, name: &str) -> Option<Vec<u8>> {
        // The option differs between implementations of `ps`.
        let options = if cfg!(target_vendor = "apple") { "-axEww" } else { "axeww" };
        let prefix = format!("{name}=");
        let line = self.with_environment.get_or_init(|| commands(options)).get(&pid)?;
        line.split_ascii_whitespace().find_map(|word| word.strip_prefix(&prefix)).map(|value| value.as_bytes().to_vec())
    }

    /// The arguments of `pid`, split at blanks.
    pub(super) fn arguments_of(&self, pid: u32) -> Vec<Vec<u8>> {
        let line = self.arguments.get_or_init(|| commands("-axww")).get(&pid);
        line.into_iter().flat_map(|line| line.split_ascii_whitespace()).map(|word| word.as_bytes().to_vec()).collect()
    }
}

fn commands(options: &str) -> BTreeMap<u32, String> {
    let text = output("ps", &[options, "-o", "pid=,command="]).unwrap_or_default();
    let line = |line: &str| {
        let (pid, command) = line.trim_start().split_once(' ')?;
        Some((pid.parse().ok()?, command.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Not supported: a process whose parent has exited gets process 1 as its parent, and is found by its mark.
pub(super) fn become_subreaper() -> io::Result<()> {
    Ok(())
}

/// Not supported: the child outlives a killed supervisor, and the next command that observes finds it by its mark.
pub(super) fn die_with(_parent: Pid) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_the_same_alone_and_in_the_list() {
        let pid = std::process::id();
        let start = start_time(pid).unwrap();
        let all = all().unwrap();
        let found = all.iter().find(|process| process.pid == pid).unwrap();
        assert_eq!(found.start_time, start);
        assert_eq!(found.parent, std::os::unix::process::parent_id());
        assert!(start_time(u32::MAX >> 1).is_err());
        assert!(!signal(pid, start + 1, Signal::KILL).unwrap());
    }

    #[test]
    fn days_of_one_figure_and_commands_with_blanks_are_read() {
        let process = parse_line("  42     7    41 Ss   Sun Nov  2 10:00:00 2026 /Apps/a b (c)").unwrap();
        assert_eq!(
            (process.pid, process.parent, process.group, process.command.as_str()),
            (42, 7, 41, "/Apps/a b (c)")
        );
        assert_eq!(process.start_time, digest("Sun Nov 2 10:00:00 2026".split(' ')));
        assert!(parse_line("42 7 42 Z+ Sun Nov  2 10:00:00 2026 gone").is_none());
        assert!(parse_line("42 7 42 S").is_none(), "cut short");
    }

    #[test]
    fn the_environment_and_the_arguments_of_a_child_are_found() {
        let mut child = Command::new("sleep").arg("1000").env("DISPATCH_X", "mark").spawn().unwrap();
        let pid = child.id();
        let details = Details::new();
        let environment = |name: &str| details.environment_of(pid, name);
        let found = (environment("DISPATCH_X"), environment("DISPATCH_Y"), details.arguments_of(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.0.as_deref(), Some(&b"mark"[..]));
        assert_eq!(found.1, None);
        assert_eq!(found.2, [&b"sleep"[..], b"1000"]);
        assert_eq!(Details::new().environment_of(pid, "DISPATCH_X"), None);
    }
}
