//! `dispatch event RUNDIR`: a hook of the agent in a window says what happened. Writes one record, and where
//! the agent waits for its user, a notice.
//!
//! Must not slow or disturb the agent: on any error it does nothing and prints nothing. Must not open the
//! index, read the manifest or talk to tmux.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::agents::{self, WindowProtocol};
use crate::lifecycle::notify;
use crate::model::activity::ActivityState;
use crate::model::agent_record::AgentRecord;
use crate::os::clock;
use crate::os::environment;
use crate::os::process;
use crate::store::run_folder::RunFolder;

/// A tool's input may be a whole file.
const MAX_INPUT: u64 = 64 << 20;

/// Records what the agent of the run in `folder` tells its hook.
pub fn take(folder: &Path, input: impl Read) {
    let at = clock::now();
    let folder = RunFolder::at(folder);
    // Before all is read: a stranger's words may be long.
    let previous = folder.read_agent().ok().flatten();
    let Some(protocol) = folder.read_spec().ok().and_then(|spec| agents::of(spec.protocol).window()) else { return };
    let Some(pid) = reporter(protocol, &folder, previous.as_ref()) else { return };
    let Some(event) = protocol.read_hook(&mut BufReader::new(input.take(MAX_INPUT))) else { return };
    // Another hook may have been quicker.
    let previous = folder.read_agent().ok().flatten();
    if let Some(record) = event.record(previous.as_ref(), at, Some(pid))
        && folder.write_agent(&record).is_ok()
        && record.state == ActivityState::Waiting
    {
        notify::raise_waiting(folder.path(), Some(&record.reason), record.since);
    }
}

/// The agent that started us, where it is the run's own: the process in its window, or the one that
/// this, a script maybe, started with the run's settings. Agents that it starts itself are others.
fn reporter(protocol: &dyn WindowProtocol, folder: &RunFolder, previous: Option<&AgentRecord>) -> Option<u32> {
    let owner = folder.read_live().ok().flatten()?.owner;
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

/// Whether `word` is an option's value `path`, alone or after `--option=`.
fn is_value(word: &[u8], path: &Path) -> bool {
    let before = word.strip_suffix(path.as_os_str().as_encoded_bytes());
    before.is_some_and(|before| before.is_empty() || before.ends_with(b"="))
}
