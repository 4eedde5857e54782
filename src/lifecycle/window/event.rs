//! `dispatch event RUNDIR`: run by a hook of the agent in a window. Input: the hook's JSON. Writes one record and,
//! if the agent waits for its user, raises a notice.
//!
//! Must not slow down or disturb the agent: on any error it does nothing and prints nothing. Must not open the
//! index, read the manifest or run tmux.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::agents::{self, WindowProtocol};
use crate::lifecycle::notify;
use crate::model::activity::ActivityState;
use crate::model::agent_record::AgentRecord;
use crate::model::owner::Owner;
use crate::os::clock;
use crate::os::environment;
use crate::os::process;
use crate::store::run_folder::RunFolder;

/// Bytes. The input of a tool may be a whole file.
const MAX_INPUT: u64 = 64 << 20;

/// Records the event that the hook of the agent in `folder` reports.
pub fn take(folder: &Path, input: impl Read) {
    let at = clock::now();
    let folder = RunFolder::at(folder);
    // Before `input` is read: for an agent of another run it may be long and is not needed.
    let previous = folder.read_agent().ok().flatten();
    let Some(protocol) = folder.read_spec().ok().and_then(|spec| agents::of(spec.protocol).window()) else { return };
    let Some(pid) = reporter(protocol, &folder, previous.as_ref()) else { return };
    let Some(event) = protocol.read_hook(&mut BufReader::new(input.take(MAX_INPUT))) else { return };
    // Re-read: another hook may have written the record meanwhile.
    let previous = folder.read_agent().ok().flatten();
    if let Some(record) = event.record(previous.as_ref(), at, Some(pid))
        && folder.write_agent(&record).is_ok()
        && record.state == ActivityState::Waiting
    {
        notify::raise_waiting(folder.path(), Some(&record.reason), record.since);
    }
}

/// The pid of the agent that ran this hook, if it is the run's own: the process in the window, or the agent that this
/// process (a script) started with the run's settings. Agents that the agent itself starts do not count.
fn reporter(protocol: &dyn WindowProtocol, folder: &RunFolder, previous: Option<&AgentRecord>) -> Option<u32> {
    let Owner::Process(owner) = folder.read_live().ok().flatten()?.owner else { return None };
    let parent = process::parent();
    if parent == owner.pid {
        return process::is_alive(&owner).then_some(parent);
    }
    let claimed =
        environment::var_text(protocol.hook_pid_variable()).and_then(|pid| pid.parse().ok()).unwrap_or(parent);
    let is_owner = claimed == owner.pid;
    let settings = folder.settings();
    let has_ours = || process::arguments_of(claimed).iter().any(|word| is_value(word, &settings));
    let known = previous.and_then(|previous| previous.pid);
    let rival = known.is_some_and(|known| known == owner.pid);
    let is_own = process::descends(process::own_pid(), owner.pid)
        && (is_owner || !rival && process::descends(claimed, owner.pid) && has_ours());
    (is_own && process::is_alive(&owner)).then_some(claimed)
}

/// Whether `word` is `path` or `--option=path`.
fn is_value(word: &[u8], path: &Path) -> bool {
    let before = word.strip_suffix(path.as_os_str().as_encoded_bytes());
    before.is_some_and(|before| before.is_empty() || before.ends_with(b"="))
}
