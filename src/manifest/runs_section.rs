//! Reads `runs:`, the wanted set. Which tasks there are is not known here.

use std::collections::{BTreeMap, HashMap};

use crate::manifest::document::{At, Document, Fields};
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::needs::unknown_mode;
use crate::manifest::settings::{TaskChoice, TaskSelector, WantedRuns};
use crate::manifest::task_section::read_id;
use crate::manifest::tree::{Kind, Node};
use crate::model::names::{ModeName, TaskId};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::model::restart::Restart;
use crate::model::task_status::TaskStatus;

/// What an earlier entry says of a pair that it names by its id.
type Named = HashMap<(ModeName, TaskId), Restart>;

/// The entries in their order.
pub(crate) fn read(document: &Document, node: &Node, modes: &BTreeMap<ModeName, Mode>) -> Vec<WantedRuns> {
    let entries = document.list(node, "runs").unwrap_or_default();
    if entries.is_empty() {
        return Vec::new();
    }
    // A place by its node costs a reading of the file, so that the many are found at a glance.
    let lines = document.item_lines("runs:").filter(|lines| lines.len() == entries.len());
    let lines = lines.unwrap_or_else(|| vec![document.line(node.id); entries.len()]);
    let mut named = Named::new();
    let read = |(entry, line)| read_entry(document, entry, line, modes, &mut named);
    entries.iter().zip(lines).filter_map(read).collect()
}

fn read_entry(
    document: &Document,
    node: &Node,
    line: usize,
    modes: &BTreeMap<ModeName, Mode>,
    named: &mut Named,
) -> Option<WantedRuns> {
    let fields = document.fields(node, "the entry of `runs`", keys::RUN)?;
    let mode = read_mode(document, &fields, modes);
    let restart = read_restart(document, &fields, mode);
    let Some(tasks) = fields.get("tasks") else {
        let problem = Problem::error("an entry of `runs` does not say which `tasks`");
        document.add(At::Node(fields.id), problem.hint("`tasks: [TASK-1]`, or `tasks: { status: in_progress }`"));
        return None;
    };
    let choice = match &tasks.kind {
        Kind::List(items) => {
            let read = |item| Some((item, read_id(document, item, "tasks")?));
            let ids: Vec<(&Node, TaskId)> = items.iter().filter_map(read).collect();
            if let Some(mode) = mode {
                refuse_two_minds(document, &mode.name, &ids, restart, named);
            }
            TaskChoice::Ids(ids.into_iter().map(|(_, id)| id).collect())
        }
        Kind::Map(_) => TaskChoice::Selected(read_selector(document, tasks)?),
        _ => {
            document.expected(tasks, "tasks", "a list of ids or a selector such as `{ status: in_progress }`");
            return None;
        }
    };
    Some(WantedRuns { mode: mode?.name.clone(), tasks: choice, restart, line })
}

fn read_mode<'m>(document: &Document, fields: &Fields<'_>, modes: &'m BTreeMap<ModeName, Mode>) -> Option<&'m Mode> {
    let Some(node) = fields.get("mode") else {
        document.error(At::Node(fields.id), "an entry of `runs` needs a `mode`");
        return None;
    };
    let text = document.text(node, "mode")?;
    let found = ModeName::parse(&text).ok().and_then(|name| modes.get(&name));
    if found.is_none() {
        document.add(At::Node(node.id), unknown_mode(&text, modes));
    }
    found
}

fn read_restart(document: &Document, fields: &Fields<'_>, mode: Option<&Mode>) -> Restart {
    let Some(node) = fields.get("restart") else { return Restart::default() };
    let Some(restart) = Restart::ALL.into_iter().find(|restart| node.text() == Some(restart.as_str())) else {
        let near = node.text().and_then(|text| nearest(text, Restart::ALL.map(Restart::as_str)));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        document.expected_hint(node, "restart", "`never`, `on_failure` or `always`", hint);
        return Restart::default();
    };
    if let Some(mode) = mode.filter(|mode| restart == Restart::Always && !mode.interactive) {
        let message = format!("`restart: always` is for interactive modes, and `{}` is headless", mode.name);
        document.add(At::Node(node.id), Problem::error(message).hint("write `on_failure`, or `never`"));
    }
    restart
}

/// One pair cannot have two policies where both entries name it.
fn refuse_two_minds(
    document: &Document,
    mode: &ModeName,
    ids: &[(&Node, TaskId)],
    restart: Restart,
    named: &mut Named,
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
fn read_selector(document: &Document, node: &Node) -> Option<TaskSelector> {
    let fields = document.fields(node, "tasks", keys::SELECTOR)?;
    let values = |key: &str| fields.get(key).map(one_or_many).unwrap_or_default();
    let texts = |key: &str| values(key).iter().filter_map(|value| document.filled_text(value, key)).collect::<Vec<_>>();
    let selector = TaskSelector {
        status: values("status").iter().filter_map(|value| read_status(document, value)).collect(),
        tag: texts("tag"),
        kind: texts("type"),
        parent: values("parent").iter().filter_map(|value| read_id(document, value, "parent")).collect(),
    };
    // A field without values would quietly choose more than was meant.
    let mut empty = fields.entries.iter().filter(|(_, value)| one_or_many(value).is_empty()).peekable();
    if fields.entries.is_empty() {
        let problem = Problem::error("an empty selector would choose every task");
        document.add(At::Node(node.id), problem.hint("name one of status, tag, type, parent"));
    } else if empty.peek().is_some() {
        for (key, _) in empty {
            document.error(At::Node(key.id), "a selector's field needs a value");
        }
    }
    Some(selector)
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        Kind::Null => &[],
        _ => std::slice::from_ref(node),
    }
}

fn read_status(document: &Document, node: &Node) -> Option<TaskStatus> {
    let text = document.text(node, "status")?;
    let found = TaskStatus::parse(&text);
    if found.is_none() {
        let known = TaskStatus::ALL.map(TaskStatus::as_str);
        let hint = match nearest(&text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        document.expected_hint(node, "status", "a status", Some(hint));
    }
    found
}
