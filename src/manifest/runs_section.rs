//! Reads `runs:`, the wanted set. Does not know the tasks.

use std::collections::{BTreeMap, HashMap};

use crate::manifest::document::{At, Document};
use crate::manifest::fields::SectionFields;
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::needs::unknown_mode;
use crate::manifest::settings::{TaskChoice, TaskSelector, WantedRuns};
use crate::manifest::tree::{Node, NodeKind};
use crate::model::names::{ModeName, TaskId};
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;
use crate::model::restart::Restart;
use crate::model::task_status::TaskStatus;

/// The restart policies of the pairs that earlier entries name by id.
type NamedPairs = HashMap<(ModeName, TaskId), Restart>;

/// The entries in order.
pub(crate) fn read(fields: &SectionFields<'_>, modes: &BTreeMap<ModeName, Mode>) -> Vec<WantedRuns> {
    let (document, entries) = (fields.document, fields.items("runs"));
    let Some(node) = fields.get("runs").filter(|_| !entries.is_empty()) else { return Vec::new() };
    // A node's line costs a parse of the file, so the lines are first searched in the text.
    let mut lines = document.item_lines("runs:");
    if lines.len() != entries.len() {
        lines = vec![document.line(node.id); entries.len()];
    }
    let mut named = NamedPairs::new();
    let read = |(entry, line)| {
        let fields = SectionFields::new(document, entry, "the entry of `runs`", &keys::RUN)?;
        read_entry(&fields, line, modes, &mut named)
    };
    entries.iter().zip(lines).filter_map(read).collect()
}

fn read_entry(
    fields: &SectionFields<'_>,
    line: usize,
    modes: &BTreeMap<ModeName, Mode>,
    named: &mut NamedPairs,
) -> Option<WantedRuns> {
    if fields.get("mode").is_none() {
        fields.add_problem(Problem::error("an entry of `runs` needs a `mode`"));
    }
    let mode = fields.read("mode", |document, node, _| known_mode(document, node, modes));
    let restart = read_restart(fields, mode);
    let Some(tasks) = fields.get("tasks") else {
        let problem = Problem::error("an entry of `runs` does not say which `tasks`");
        fields.add_problem(problem.hint("`tasks: [TASK-1]`, or `tasks: { status: in_progress }`"));
        return None;
    };
    let choice = match &tasks.kind {
        NodeKind::List(items) => {
            let read = |item| Some((item, fields.document.read_id(item, "tasks")?));
            let ids: Vec<(&Node, TaskId)> = items.iter().filter_map(read).collect();
            if let Some(mode) = mode {
                refuse_two_policies(fields.document, &mode.name, &ids, restart, named);
            }
            TaskChoice::Ids(ids.into_iter().map(|(_, id)| id).collect())
        }
        NodeKind::Map(_) => TaskChoice::Selected(read_selector(&fields.fields_of("tasks")?)),
        _ => {
            let form = "a list of ids or a selector such as `{ status: in_progress }`";
            fields.document.expected(tasks, "tasks", form);
            return None;
        }
    };
    Some(WantedRuns { mode: mode?.name.clone(), tasks: choice, restart, line })
}

/// The mode that `node` names. Adds a problem if it does not exist.
pub(crate) fn known_mode<'m>(
    document: &Document,
    node: &Node,
    modes: &'m BTreeMap<ModeName, Mode>,
) -> Option<&'m Mode> {
    let text = document.read_text(node, "mode")?;
    let found = ModeName::parse(&text).ok().and_then(|name| modes.get(&name));
    if found.is_none() {
        document.add(At::Node(node.id), unknown_mode(&text, modes.keys().map(ModeName::as_str)));
    }
    found
}

fn read_restart(fields: &SectionFields<'_>, mode: Option<&Mode>) -> Restart {
    let restart = fields.choice("restart", Restart::WORDS).unwrap_or_default();
    if let Some(mode) = mode.filter(|mode| restart == Restart::Always && mode.form.is_job()) {
        let message = format!("`restart: always` is for interactive modes, and `{}` is headless", mode.name);
        fields.add_at_value("restart", Problem::error(message).hint("write `on_failure`, or `never`"));
    }
    restart
}

/// Adds a problem if two entries name one pair with different policies.
fn refuse_two_policies(
    document: &Document,
    mode: &ModeName,
    ids: &[(&Node, TaskId)],
    restart: Restart,
    named: &mut NamedPairs,
) {
    for (node, id) in ids {
        let first = *named.entry((mode.clone(), id.clone())).or_insert(restart);
        if first != restart {
            let message = format!("`{mode} {id}` is wanted twice, with `restart: {}` before", first.as_str());
            document.add(At::Node(node.id), Problem::error(message).hint("name it in one entry only"));
        }
    }
}

/// A selector over the fields of tasks; each field is one value or a list of them.
fn read_selector(fields: &SectionFields<'_>) -> TaskSelector {
    let document = fields.document;
    let values = |key: &str| fields.get(key).map(one_or_many).unwrap_or_default();
    let texts =
        |key: &str| values(key).iter().filter_map(|value| document.read_filled_text(value, key)).collect::<Vec<_>>();
    // A selector without values would select more tasks than intended.
    if fields.entries.is_empty() {
        let problem = Problem::error("an empty selector would choose every task");
        fields.add_problem(problem.hint("name one of status, tag, type, parent"));
    }
    for (key, _) in fields.entries.iter().filter(|(_, value)| one_or_many(value).is_empty()) {
        document.error(At::Node(key.id), "a selector's field needs a value");
    }
    TaskSelector {
        status: values("status").iter().filter_map(|value| read_status(document, value)).collect(),
        tag: texts("tag"),
        kind: texts("type"),
        parent: values("parent").iter().filter_map(|value| document.read_id(value, "parent")).collect(),
    }
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.kind {
        NodeKind::List(items) => items,
        NodeKind::Null => &[],
        _ => std::slice::from_ref(node),
    }
}

fn read_status(document: &Document, node: &Node) -> Option<TaskStatus> {
    let text = document.read_text(node, "status")?;
    let found = TaskStatus::parse(&text);
    if found.is_none() {
        let known = TaskStatus::ALL.map(TaskStatus::as_str);
        let hint = did_you_mean(&text, known).unwrap_or_else(|| format!("there are: {}", known.join(", ")));
        document.expected_hint(node, "status", "a status", Some(hint));
    }
    found
}
