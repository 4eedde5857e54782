//! Decides whether a selector of `runs:` matches a task. Pure.

use crate::manifest::TaskSelector;
use crate::tasks::Task;

/// Whether the selector has any field; without one it matches every task.
pub fn selects(selector: &TaskSelector) -> bool {
    *selector != TaskSelector::default()
}

/// Values of one field are alternatives; all fields must match.
pub fn matches(selector: &TaskSelector, task: &Task) -> bool {
    let TaskSelector { status, tag, kind, parent } = selector;
    (status.is_empty() || task.status.is_some_and(|own| status.contains(&own)))
        && (tag.is_empty() || tag.iter().any(|tag| task.tags.contains(tag)))
        && (kind.is_empty() || kind.contains(&task.kind))
        && (parent.is_empty() || task.parent.as_ref().is_some_and(|own| parent.contains(own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task_status::TaskStatus;
    use crate::plan::for_tests::{id, listed, tasks};

    #[test]
    fn values_of_one_field_are_alternatives_and_fields_must_all_hold() {
        let mut task = listed("A", Some("P"), &[]);
        (task.status, task.kind, task.tags) = ("todo".into(), "bug".into(), vec!["x".into(), "y".into()]);
        let set = tasks(vec![listed("P", None, &[]), task]);
        let task = set.get(&id("A")).unwrap();
        let selector = |status: &[TaskStatus], tag: &[&str], kind: &[&str], parent: &[&str]| TaskSelector {
            status: status.to_vec(),
            tag: tag.iter().map(ToString::to_string).collect(),
            kind: kind.iter().map(ToString::to_string).collect(),
            parent: parent.iter().map(|name| id(name)).collect(),
        };
        let todo = [TaskStatus::Done, TaskStatus::Todo];
        for (selector, expected) in [
            (selector(&[], &[], &[], &[]), true),
            (selector(&todo, &["z", "y"], &["bug"], &["P"]), true),
            (selector(&todo[..1], &["y"], &["bug"], &["P"]), false),
            (selector(&todo, &["z"], &["bug"], &["P"]), false),
            (selector(&todo, &["y"], &["task"], &["P"]), false),
            (selector(&todo, &["y"], &["bug"], &["A"]), false),
        ] {
            assert_eq!(matches(&selector, task), expected, "{selector:?}");
        }
        assert!(!matches(&selector(&todo, &[], &[], &[]), set.get(&id("P")).unwrap()), "a task without a status");
    }
}
