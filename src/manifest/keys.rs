//! The keys of each mapping of a manifest, and what to say about others.
//!
//! `schema.rs` describes the same keys for editors; a test keeps the two equal.

use crate::manifest::document::shown;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;

pub(crate) const MANIFEST: &[&str] = &[
    "version",
    "session",
    "tmux",
    "terminal",
    "jobs",
    "state_dir",
    "env",
    "pass_env",
    "retention",
    "budget",
    "notify",
    "tasks",
    "worktree",
    "agents",
    "modes",
    "mode_files",
    "runs",
];
pub(crate) const LOCAL: &[&str] = &["version", "terminal", "jobs", "budget", "notify", "env", "pass_env", "modes"];
pub(crate) const LOCAL_MODE: &[&str] = &["flags"];
pub(crate) const TMUX: &[&str] = &["socket"];
pub(crate) const RETENTION: &[&str] = &["runs_per_pair", "max_age"];
pub(crate) const WORKTREE: &[&str] = &["path", "create", "branch", "base", "fetch", "submodules", "copy", "setup"];
pub(crate) const AGENT: &[&str] = &["interactive", "headless", "prompt", "protocol"];
pub(crate) const AGENT_PROMPT: &[&str] = &["interactive", "headless"];
pub(crate) const TASK_SOURCE: &[&str] = &["files", "list", "subtasks", "id"];
pub(crate) const TASK: &[&str] =
    &["id", "title", "status", "type", "priority", "area", "tags", "assignee", "parent", "depends_on", "body"];
pub(crate) const SUBTASK: &[&str] = &["id", "title", "parent", "depends_on", "mode", "prompt", "gate"];
pub(crate) const MODE: &[&str] = &[
    "description",
    "interactive",
    "template",
    "prompt",
    "flags",
    "save_to",
    "cleanup_on_exit",
    "timeout",
    "stop_grace",
    "exit_grace",
    "log_max",
    "limits",
    "retry",
    "needs",
    "gate",
    "exclusive",
    "sources",
    "generates",
    "expect",
    "agent",
    "cwd",
    "env",
];
pub(crate) const LIMITS: &[&str] = &["cpu", "memory", "processes"];
pub(crate) const EXPECT: &[&str] = &["non_empty", "files", "command"];

pub(crate) const RETRY: &[&str] = &["max", "backoff", "on"];
pub(crate) const BUDGET: &[&str] = &["run", "day"];
pub(crate) const NOTIFY: &[&str] = &["desktop", "command", "on", "every"];
pub(crate) const RUN: &[&str] = &["mode", "tasks", "restart"];
pub(crate) const SELECTOR: &[&str] = &["status", "tag", "type", "parent"];

/// `belongs`: hints where the key belongs, if another mapping has it.
pub(crate) fn unknown_key(name: &str, what: &str, known: &[&str], belongs: Vec<String>) -> Problem {
    let mut problem = Problem::error(format!("unknown key `{}` in {}", shown(name), quoted_place(what)));
    // Of a key that another mapping has, only the plural or the singular is likelier.
    let is_likely = |near: &&str| {
        belongs.is_empty() || near.strip_suffix('s') == Some(name) || name.strip_suffix('s') == Some(near)
    };
    let near = nearest(name, known.iter().copied()).filter(is_likely);
    problem.hints.extend(near.map(|near| format!("did you mean `{near}`?")));
    problem.hints.extend(belongs);
    if problem.hints.is_empty() {
        problem.hints.push(format!("known keys: {}", known.join(", ")));
    }
    problem
}

/// A part of the file in a message: a name in backticks, a description as it is.
pub(crate) fn quoted_place(what: &str) -> String {
    if what.starts_with("the ") { what.to_owned() } else { format!("`{what}`") }
}
