//! Reads the top-level settings that are neither tasks, agents nor modes.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::named_entries;
use crate::manifest::fields::SectionFields;
use crate::manifest::home::Home;
use crate::manifest::settings::{Budget, Retention, Worktree};
use crate::manifest::source::stays_below;
use crate::manifest::tree::NodeKind;
use crate::model::problem::Problem;

/// Checks `version: 1`, which is required so that later formats can be distinguished.
pub(crate) fn version(fields: &SectionFields<'_>) {
    if fields.get("version").is_none() {
        let problem = Problem::error("`version` is missing").hint("write `version: 1` in the first line");
        fields.document.add(At::Bytes(0, 0), problem);
    }
    version_value(fields);
}

/// Checks that the version is the number 1, if it is set. The local file may omit it.
pub(crate) fn version_value(fields: &SectionFields<'_>) {
    let Some(node) = fields.get("version") else { return };
    let hint = match &node.kind {
        NodeKind::Int(1) => return,
        NodeKind::Int(n) if *n > 1 => "this `dispatch` reads version 1; update `dispatch`, or write `version: 1`",
        NodeKind::Text(text) if text.trim() == "1" => "remove the quotes: `version: 1`",
        _ => "write `version: 1`",
    };
    fields.document.expected_hint(node, "version", "1", Some(hint.to_owned()));
}

/// The session's name, which must be unambiguous in a tmux target.
pub(crate) fn session(fields: &SectionFields<'_>) -> Option<String> {
    let name = fields.text("session")?;
    if let Some(problem) = session_problem(&name) {
        fields.add_at_value("session", problem);
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

/// A session name derived from a folder's name.
pub(crate) fn session_from(folder: &str) -> String {
    let name: String =
        folder.chars().map(|c| if matches!(c, '.' | ':' | '#') || c.is_control() { '_' } else { c }).collect();
    let name = name.trim().trim_start_matches(['-', '=', '@', '$', '%']);
    if name.is_empty() { "dispatch".to_owned() } else { name.to_owned() }
}

pub(crate) fn tmux_socket(fields: &SectionFields<'_>) -> Option<String> {
    let fields = fields.fields_of("tmux")?;
    let name = fields.filled_text("socket")?;
    if name.starts_with('-') || name.contains('/') || name.chars().any(char::is_control) {
        let problem = Problem::error("`socket` must be a name as `tmux -L` takes it, without `/`");
        fields.add_at_value("socket", problem);
        return None;
    }
    Some(name)
}

/// Whether the shell and `environ` accept it as a variable's name.
pub(crate) fn is_env_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Why no run can have a variable of this name.
pub fn env_name_problem(name: &str) -> Option<Problem> {
    if !is_env_name(name) {
        return Some(Problem::error(format!("`{}` is not the name of an environment variable", shown(name))));
    }
    name.starts_with("DISPATCH_")
        .then(|| Problem::error(format!("`{name}` cannot be set: `DISPATCH_` names belong to `dispatch`")))
}

/// The field `env`; `None` if it is missing.
pub(crate) fn env(fields: &SectionFields<'_>) -> Option<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    for (name, id, value) in named_entries(fields.read("env", Document::read_map)?) {
        if let Some(problem) = env_name_problem(name) {
            fields.document.add(At::Node(id), problem);
        } else if let Some(text) = fields.document.read_text(value, name) {
            env.insert(name.to_owned(), text);
        }
    }
    Some(env)
}

/// The variables of templates. A null has no value.
pub(crate) fn vars(fields: &SectionFields<'_>) -> BTreeMap<String, Option<String>> {
    let mut vars = BTreeMap::new();
    for (name, id, value) in named_entries(fields.read("vars", Document::read_map).unwrap_or_default()) {
        // As for an environment variable: a template can write `vars.NAME`.
        if !is_env_name(name) {
            let message = format!("`{}` is not the name of a template variable", shown(name));
            fields.document.add(At::Node(id), Problem::error(message).hint("use letters, digits and `_`"));
        } else if matches!(value.kind, NodeKind::Null) {
            vars.insert(name.to_owned(), None);
        } else if let Some(text) = fields.document.read_text(value, name) {
            vars.insert(name.to_owned(), Some(text));
        }
    }
    vars
}

pub(crate) fn pass_env(fields: &SectionFields<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for item in fields.items("pass_env") {
        let Some(name) = fields.document.read_text(item, "pass_env") else { continue };
        match env_name_problem(&name) {
            Some(problem) => fields.document.add(At::Node(item.id), problem),
            None if !names.contains(&name) => names.push(name),
            None => {}
        }
    }
    names
}

pub(crate) fn retention(fields: &SectionFields<'_>) -> Retention {
    let usual = Retention::default();
    let Some(fields) = fields.fields_of("retention") else { return usual };
    let runs_per_pair = fields.number("runs_per_pair").unwrap_or(usual.runs_per_pair);
    Retention { runs_per_pair, max_age: fields.interval("max_age") }
}

/// The budget in USD; `day` limits the cost of all runs of a day.
pub(crate) fn budget(fields: &SectionFields<'_>) -> Budget {
    let Some(fields) = fields.fields_of("budget") else { return Budget::default() };
    Budget { run: fields.usd("run"), day: fields.usd("day") }
}

/// The state folder as written. Must not contain the project or the folder that the path is relative to, since it is
/// made private and hidden from git.
pub(crate) fn state_dir(fields: &SectionFields<'_>, root: &Path, home: &Home) -> Option<String> {
    let text = fields.filled_text("state_dir")?;
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
        let usual = home.shown(&home.usual_state_dir());
        fields.add_at_value("state_dir", problem.hint(format!("leave it out for `{usual}`")));
        return None;
    }
    Some(text)
}

pub(crate) fn worktree(fields: &SectionFields<'_>) -> Option<Worktree> {
    let fields = fields.fields_of("worktree")?;
    if fields.get("path").is_none() {
        fields.add_problem(Problem::error("`worktree` needs a `path`"));
    }
    let mut copy = Vec::new();
    for item in fields.items("copy") {
        let Some(name) = fields.document.read_filled_text(item, "copy") else { continue };
        if !stays_below(name.as_ref()) {
            fields.document.error(At::Node(item.id), format!("`{}` is not a path below the project", shown(&name)));
        }
        copy.push(name);
    }
    Some(Worktree {
        path: fields.filled_text("path").unwrap_or_default(),
        create: fields.bool("create").unwrap_or(false),
        branch: fields.filled_text("branch").unwrap_or_else(|| "task/{{ task.id | lower }}".to_owned()),
        base: fields.filled_text("base"),
        fetch: fields.bool("fetch").unwrap_or(false),
        submodules: fields.bool("submodules"),
        copy,
        setup: fields.command("setup").unwrap_or_default(),
        check: fields.command("check").unwrap_or_default(),
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
