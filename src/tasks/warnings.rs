//! Combines warnings about task files: one for each kind, with a count and an example. A folder of another tool may
//! contain hundreds of files with one kind of problem.

use crate::model::problem::Problem;

/// Most other files that are named.
const NAMED: usize = 5;

/// The kind of a warning. Warnings of one kind are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WarningKind {
    UnknownStatus,
    /// The value of this field has a wrong form.
    IgnoredValue(&'static str),
    UnknownParent,
    UnknownDependency,
}

#[derive(Clone, Debug)]
pub(super) struct Warning {
    pub(super) kind: WarningKind,
    pub(super) problem: Problem,
}

/// One problem for each kind, in order of first occurrence.
pub(super) fn summed(warnings: Vec<Warning>) -> Vec<Problem> {
    let mut kinds: Vec<(WarningKind, Vec<Problem>)> = Vec::new();
    for Warning { kind, problem } in warnings {
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, problems)) => problems.push(problem),
            None => kinds.push((kind, vec![problem])),
        }
    }
    kinds.into_iter().filter_map(|(_, problems)| sum(problems)).collect()
}

fn sum(problems: Vec<Problem>) -> Option<Problem> {
    let mut rest = problems.into_iter();
    let mut first = rest.next()?;
    let others = rest.len();
    if others == 0 {
        return Some(first);
    }
    let own = first.place.as_ref().map(|place| place.path.clone());
    let mut names: Vec<String> = Vec::new();
    let mut more = false;
    for path in rest.filter_map(|problem| problem.place.map(|place| place.path)) {
        let name = format!("`{}`", path.file_name().unwrap_or_default().to_string_lossy());
        if Some(&path) == own.as_ref() || names.contains(&name) {
            continue;
        }
        more |= names.len() == NAMED;
        names.push(name);
        names.truncate(NAMED);
    }
    first.message.push_str(&format!(" ({others} more like this)"));
    if !names.is_empty() {
        first.hints.push(format!("also in {}{}", names.join(", "), if more { ", …" } else { "" }));
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(kind: WarningKind, file: &str) -> Warning {
        Warning { kind, problem: Problem::warning("odd").in_file(format!("t/{file}")) }
    }

    #[test]
    fn each_kind_is_said_once() {
        let mut all = vec![warning(WarningKind::UnknownParent, "a.md")];
        all.extend((0..9).map(|n| warning(WarningKind::UnknownStatus, &format!("{n}.md"))));
        all.push(warning(WarningKind::IgnoredValue("tags"), "b.md"));
        all.push(warning(WarningKind::IgnoredValue("tags"), "b.md"));
        let problems = summed(all);
        let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages, ["odd", "odd (8 more like this)", "odd (1 more like this)"]);
        assert_eq!(problems[1].hints, ["also in `1.md`, `2.md`, `3.md`, `4.md`, `5.md`, …"]);
        assert!(problems[0].hints.is_empty() && problems[2].hints.is_empty());
    }
}
