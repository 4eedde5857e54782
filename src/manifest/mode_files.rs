//! Finds command files (`mode_files:`) as Claude Code does: in the manifest's folder and each parent up to the
//! repository. Of files with equal names, the nearest is used.
//!
//! A file becomes an interactive mode. Only the optional `description:` of its front matter is read here; the agent
//! reads the rest.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::manifest::mode::{Mode, Origin, PromptSource};
use crate::manifest::source;
use crate::manifest::tree::{self, NodeKind};
use crate::model::names::ModeName;
use crate::model::problem::Problem;
use crate::model::run_form::RunForm;

/// The largest command file whose description is read.
const COMMAND_MAX: u64 = 1 << 20;
/// More matches of one pattern are a mistake such as `/**`.
const MATCHES_MAX: usize = 2000;

/// The files that one pattern matched.
#[derive(Debug, Default)]
pub(crate) struct FoundModes {
    pub modes: BTreeMap<ModeName, Mode>,
    /// A warning for each file that cannot be a mode.
    pub warnings: Vec<Problem>,
    /// Whether any file matched, for patterns without a wildcard.
    pub matched: bool,
    pub too_many: bool,
}

/// Whether a pattern names exactly one file.
pub(crate) fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '['])
}

/// Searches for `pattern` from `root` upward. Reads descriptions if `with_text` is set.
pub(crate) fn find(root: &Path, pattern: &str, with_text: bool) -> FoundModes {
    let mut found = FoundModes::default();
    let mut seen = 0;
    for folder in folders_upward(root) {
        let escaped = glob::Pattern::escape(&folder.to_string_lossy());
        let Ok(paths) = glob::glob(&format!("{}/{pattern}", escaped.trim_end_matches('/'))) else { continue };
        for path in paths.filter_map(Result::ok) {
            seen += 1;
            if seen > MATCHES_MAX {
                found.too_many = true;
                return found;
            }
            if path.is_file() {
                found.matched = true;
                add(&mut found, &folder.join(literal_base(pattern)), path, with_text);
            }
        }
    }
    found
}

fn add(found: &mut FoundModes, base: &Path, path: PathBuf, with_text: bool) {
    let command = path.strip_prefix(base).ok().and_then(command_name);
    let name = command.as_ref().map(|name| ModeName::parse(&name.replace(':', "-")));
    let (Some(command), Some(Ok(name))) = (command, name) else {
        let warning = Problem::warning("this command file's name cannot be a mode's, so it is not offered");
        found.warnings.push(warning.in_file(&path).hint("use letters, digits, `_` and `-` only"));
        return;
    };
    if found.modes.contains_key(&name) {
        return;
    }
    let description = if with_text { description(&path).unwrap_or_default() } else { String::new() };
    let prompt = PromptSource::Command { name: command, path: path.clone() };
    let mode =
        Mode { form: RunForm::Interactive, description, prompt, ..Mode::new(name.clone(), Origin::CommandFile(path)) };
    found.modes.insert(name, mode);
}

/// `root` and its parents, up to the folder that contains `.git` or to the top.
fn folders_upward(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in root.ancestors() {
        folders.push(folder.to_owned());
        // In a linked worktree `.git` is a file.
        if folder.join(".git").exists() {
            return folders;
        }
    }
    folders
}

/// The folders of a pattern before its first wildcard or its file name.
fn literal_base(pattern: &str) -> PathBuf {
    let parts: Vec<&str> = pattern.split('/').collect();
    let literal = parts.iter().take_while(|part| is_literal(part)).count().min(parts.len().saturating_sub(1));
    parts[..literal].iter().collect()
}

/// `sub/deep.md` → `sub:deep`.
fn command_name(relative: &Path) -> Option<String> {
    let bare = relative.with_extension("");
    let parts: Option<Vec<&str>> = bare
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str().filter(|name| !name.contains(':')),
            _ => None,
        })
        .collect();
    parts.map(|parts| parts.join(":")).filter(|name| !name.is_empty())
}

/// The `description:` of an optional YAML front matter. Invalid front matter is ignored, since the agent reads the file
/// by its own rules.
fn description(path: &Path) -> Option<String> {
    let text = source::read(path, "command file", COMMAND_MAX).ok()?.text;
    let rest = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let (front, _) = rest.split_once("\n---")?;
    let found = match tree::parse(front) {
        Ok(parsed) if matches!(parsed.root.kind, NodeKind::Map(_)) => {
            parsed.root.get("description")?.as_text()?.to_owned()
        }
        // Existing front matter is often invalid YAML: `argument-hint: [x] [y]`.
        _ => front.lines().find_map(|line| line.strip_prefix("description:"))?.to_owned(),
    };
    let line = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line.chars().filter(|c| !c.is_control()).take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_folders_below_the_literal_part() {
        assert_eq!(literal_base(".claude/commands/**/*.md"), PathBuf::from(".claude/commands"));
        assert_eq!(literal_base(".claude/commands/review.md"), PathBuf::from(".claude/commands"));
        assert_eq!(literal_base("*.md"), PathBuf::new());
        assert_eq!(command_name(Path::new("sub/deep.md")).as_deref(), Some("sub:deep"));
        assert_eq!(command_name(Path::new("review.md")).as_deref(), Some("review"));
    }
}
