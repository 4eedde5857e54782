//! The names that several tools use for one field. Names are compared without case, `_` and `-`, so `dependsOn`,
//! `depends-on` and `depends_on` are equal. For a field with a single value, the first name with a value counts; lists
//! are joined. The tools: scopecraft (TOML, and title-first), Roo Commander's MDTM (TOML), Backlog.md (YAML).

use std::borrow::Cow;

/// All tools.
pub(super) const ID: &[&str] = &["id"];
pub(super) const TITLE: &[&str] = &["title"];
pub(super) const STATUS: &[&str] = &["status"];
/// Scopecraft, MDTM.
pub(super) const KIND: &[&str] = &["type"];
pub(super) const PRIORITY: &[&str] = &["priority"];
/// Scopecraft.
pub(super) const AREA: &[&str] = &["area"];
/// `tags`: scopecraft, MDTM. `labels`: Backlog.md.
pub(super) const TAGS: &[&str] = &["tags", "labels"];
/// `assignee`: Backlog.md (a list of handles), title-first. `assigned_to`: scopecraft, MDTM.
pub(super) const ASSIGNEE: &[&str] = &["assignee", "assigned_to", "assignees"];
/// `parent_task`: scopecraft, MDTM. `parent_task_id`: Backlog.md.
pub(super) const PARENT: &[&str] = &["parent", "parent_task", "parent_task_id"];
/// `depends`: scopecraft. `depends_on`: MDTM. `dependencies`: Backlog.md.
pub(super) const DEPENDS_ON: &[&str] = &["depends_on", "depends", "dependencies"];

/// Whether `key`, as written in a file, is the field name `name`.
pub(super) fn is_name(key: &str, name: &str) -> bool {
    key == name || key.eq_ignore_ascii_case(name) || plain(key) == plain(name)
}

fn plain(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(key.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_in_letters_only() {
        for key in ["depends_on", "dependsOn", "depends-on", "Depends_On"] {
            assert!(is_name(key, "depends_on"), "{key}");
        }
        assert!(!is_name("depends", "depends_on"));
        assert!(is_name("Labels", "labels"));
    }
}
