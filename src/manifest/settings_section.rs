//! Reads the top-level settings that are neither tasks, agents nor modes.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::manifest::command_line;
use crate::manifest::document::{At, Document, Fields, shown};
use crate::manifest::home::Home;
use crate::manifest::keys;
use crate::manifest::settings::{Budget, Retention, Worktree};
use crate::manifest::source::stays_below;
use crate::manifest::tree::{Kind, Node};
use crate::model::problem::Problem;

const LENGTH_OF_TIME: &str = "a length of time such as `30m`, `10s` or `1h 30m`";

/// `version: 1`, which must be there so that a later format can be told apart.
pub(crate) fn version(document: &Document, fields: &Fields<'_>) {
    match fields.get("version") {
        Some(node) => version_value(document, node),
        None => {
            let problem = Problem::error("`version` is missing");
            document.add(At::Bytes(0, 0), problem.hint("write `version: 1` in the first line"));
        }
    }
}

/// The only version there is, as a number. The local file may leave it out, but not differ.
pub(crate) fn version_value(document: &Document, node: &Node) {
    let hint = match &node.kind {
        Kind::Int(1) => return,
        Kind::Int(n) if *n > 1 => "this `dispatch` reads version 1; update `dispatch`, or write `version: 1`",
        Kind::Text(text) if text.trim() == "1" => "remove the quotes: `version: 1`",
        _ => "write `version: 1`",
    };
    document.expected_hint(node, "version", "1", Some(hint.to_owned()));
}

/// The session's name: a tmux target must never be able to mean something else.
pub(crate) fn session(document: &Document, node: &Node) -> Option<String> {
    let name = document.text(node, "session")?;
    if let Some(problem) = session_problem(&name) {
        document.add(At::Node(node.id), problem);
        return None;
    }
    Some(name)
}

fn session_problem(name: &str) -> Option<Problem> {
    if name.trim().is_empty() {
        return Some(Problem::error("`session` cannot be empty"));
    }
    if let Some(bad) = name.chars().find(|c| matches!(c, '.' | ':' | '#') || c.is_control()) {
        let problem = Problem::error(format!("`session` cannot hold `{}`", bad.escape_debug()));
        return Some(problem.hint(format!("write `{}`", session_from(name))));
    }
    if let Some(bad) = name.chars().next().filter(|c| "-=@$%".contains(*c)) {
        return Some(Problem::error(format!(
            "`session` cannot start with `{bad}`, which tmux reads as an option or id"
        )));
    }
    None
}

/// A session name made of a folder's name.
pub(crate) fn session_from(folder: &str) -> String {
    let name: String =
        folder.chars().map(|c| if matches!(c, '.' | ':' | '#') || c.is_control() { '_' } else { c }).collect();
    let name = name.trim().trim_start_matches(['-', '=', '@', '$', '%']);
    if name.is_empty() { "dispatch".to_owned() } else { name.to_owned() }
}

pub(crate) fn tmux_socket(document: &Document, node: &Node) -> Option<String> {
    let fields = document.fields(node, "tmux", keys::TMUX)?;
    let value = fields.get("socket")?;
    let name = document.filled_text(value, "socket")?;
    if name.starts_with('-') || name.contains('/') || name.chars().any(char::is_control) {
        let problem = Problem::error("`socket` must be a name as `tmux -L` takes it, without `/`");
        document.add(At::Node(value.id), problem);
        return None;
    }
    Some(name)
}

pub(crate) fn jobs(document: &Document, node: &Node) -> Option<u32> {
    document.number(node, "jobs", 1..=1000)
}

/// Whether the shell and `environ` would take it as a variable's name.
pub(crate) fn is_env_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn env_name_problem(name: &str) -> Option<Problem> {
    if !is_env_name(name) {
        return Some(Problem::error(format!("`{}` is not the name of an environment variable", shown(name))));
    }
    name.starts_with("DISPATCH_")
        .then(|| Problem::error(format!("`{name}` cannot be set: `DISPATCH_` names belong to `dispatch`")))
}

pub(crate) fn env(document: &Document, node: &Node) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let Some(fields) = document.map(node, "env") else { return env };
    for (name, id, value) in document.entries(fields) {
        if let Some(problem) = env_name_problem(name) {
            document.add(At::Node(id), problem);
        } else if let Some(text) = document.text(value, name) {
            env.insert(name.to_owned(), text);
        }
    }
    env
}

pub(crate) fn pass_env(document: &Document, node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    for item in document.list(node, "pass_env").unwrap_or_default() {
        let Some(name) = document.text(item, "pass_env") else { continue };
        match env_name_problem(&name) {
            Some(problem) => document.add(At::Node(item.id), problem),
            None if !names.contains(&name) => names.push(name),
            None => {}
        }
    }
    names
}

pub(crate) fn retention(document: &Document, node: &Node) -> Retention {
    let mut retention = Retention::default();
    let Some(fields) = document.fields(node, "retention", keys::RETENTION) else { return retention };
    if let Some(value) = fields.get("runs_per_pair") {
        retention.runs_per_pair = document.number(value, "runs_per_pair", 1..=1_000_000).unwrap_or(1);
    }
    if let Some(value) = fields.get("max_age") {
        retention.max_age = document.value(value, "max_age", LENGTH_OF_TIME);
    }
    retention
}

/// Amounts in USD. A day's budget is what all runs of a day may cost together.
pub(crate) fn budget(document: &Document, node: &Node) -> Budget {
    let Some(fields) = document.fields(node, "budget", keys::BUDGET) else { return Budget::default() };
    let amount = |key: &str| fields.get(key).and_then(|value| document.usd(value, key));
    Budget { run: amount("run"), day: amount("day") }
}

/// The state folder as written. It is made private and hidden from git, so it cannot be a folder that the
/// project, or what the path is relative to, lives in.
pub(crate) fn state_dir(document: &Document, node: &Node, (root, home): (&Path, &Home)) -> Option<String> {
    let text = document.filled_text(node, "state_dir")?;
    let mut plain = PathBuf::new();
    for part in home.state_dir(&text).components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    if root.starts_with(&plain) || home.base().starts_with(&plain) {
        let problem = Problem::error("`state_dir` must be a folder of its own, not one that holds the project");
        let usual = home.usual_state_dir();
        document.add(At::Node(node.id), problem.hint(format!("leave it out for `{}`", home.shown(&usual))));
        return None;
    }
    Some(text)
}

pub(crate) fn worktree(document: &Document, node: &Node) -> Option<Worktree> {
    let fields = document.fields(node, "worktree", keys::WORKTREE)?;
    let text = |key: &str, default: &str| match fields.get(key) {
        Some(value) => document.filled_text(value, key).unwrap_or_default(),
        None => default.to_owned(),
    };
    let path = fields.get("path").map_or_else(
        || {
            document.error(At::Node(fields.id), "`worktree` needs a `path`");
            String::new()
        },
        |value| document.filled_text(value, "path").unwrap_or_default(),
    );
    let mut copy = Vec::new();
    if let Some(items) = fields.get("copy").and_then(|value| document.list(value, "copy")) {
        for item in items {
            let Some(name) = document.filled_text(item, "copy") else { continue };
            if !stays_below(name.as_ref()) {
                let message = format!("`{}` is not a path below the project", shown(&name));
                document.error(At::Node(item.id), message);
            }
            copy.push(name);
        }
    }
    Some(Worktree {
        path,
        create: fields.get("create").and_then(|value| document.bool(value, "create")).unwrap_or(false),
        branch: text("branch", "task/{{ task.id | lower }}"),
        base: fields.get("base").map(|value| document.filled_text(value, "base").unwrap_or_default()),
        fetch: fields.get("fetch").and_then(|value| document.bool(value, "fetch")).unwrap_or(false),
        submodules: fields.get("submodules").and_then(|value| document.bool(value, "submodules")),
        copy,
        setup: fields.get("setup").and_then(|value| command_line::read(document, value, "setup")).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_always_gives_a_valid_session() {
        for (folder, session) in
            [("scopecraft", "scopecraft"), ("a.b:c", "a_b_c"), ("-x", "x"), ("", "dispatch"), ("#", "_")]
        {
            assert_eq!(session_from(folder), session);
            assert!(session_problem(&session_from(folder)).is_none(), "{folder}");
        }
    }
}
