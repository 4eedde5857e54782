//! Reads one block of `modes:` over what a mode was before: new, built in, or a command file.

use std::path::Path;

use crate::manifest::agent::Agent;
use crate::manifest::command_line;
use crate::manifest::document::{At, Document, Fields, shown};
use crate::manifest::keys;
use crate::manifest::mode::{ExpectTemplates, Mode, PromptSource};
use crate::manifest::mode_conditions;
use crate::manifest::settings_section;
use crate::manifest::source::stays_below;
use crate::manifest::tree::{Kind, Node, NodeId};
use crate::model::bytes::Bytes;
use crate::model::interval::Interval;
use crate::model::limits::Limits;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;

pub(crate) const LENGTH_OF_TIME: &str = "a length of time such as `30m`, `10s` or `1h 30m`";
const AMOUNT: &str = "an amount of bytes such as `1GiB`, `512MB` or `65536`";
/// Keys that need a job's exit, output or tree, which a window does not have.
const HEADLESS_ONLY: &[&str] =
    &["timeout", "exit_grace", "limits", "retry", "log_max", "expect", "save_to", "sources", "generates"];
const INTERACTIVE_ONLY: &[&str] = &["cleanup_on_exit"];

/// A block that has been read, and the nodes its later checks point at.
#[derive(Debug)]
pub(crate) struct ModeBlock<'a> {
    pub mode: Mode,
    pub key: NodeId,
    pub fields: Fields<'a>,
}

/// Lays the block `node` over `mode`.
pub(crate) fn read<'a>(
    document: &Document,
    key: NodeId,
    node: &'a Node,
    mut mode: Mode,
    root: &Path,
) -> Option<ModeBlock<'a>> {
    let what = format!("modes.{}", mode.name);
    let fields = document.fields(node, &what, keys::MODE)?;
    let text = |name: &str| fields.get(name).and_then(|value| document.text(value, name));
    let flag = |name: &str| fields.get(name).and_then(|value| document.bool(value, name));
    if let Some(description) = text("description") {
        mode.description = description;
    }
    mode.interactive = flag("interactive").unwrap_or(mode.interactive);
    mode.cleanup_on_exit = flag("cleanup_on_exit").unwrap_or(mode.cleanup_on_exit);
    read_prompt(document, &fields, &mut mode, root);
    if let Some(flags) = fields.get("flags").and_then(|value| document.texts(value, "flags")) {
        mode.flags = flags;
    }
    mode.save_to = fields.get("save_to").and_then(|value| below(document, value, "save_to")).or(mode.save_to);
    let interval = |name: &str| fields.get(name).and_then(|v| document.value::<Interval>(v, name, LENGTH_OF_TIME));
    mode.timeout = interval("timeout").or(mode.timeout);
    mode.stop_grace = interval("stop_grace").unwrap_or(mode.stop_grace);
    mode.exit_grace = interval("exit_grace").unwrap_or(mode.exit_grace);
    if let Some(value) = fields.get("log_max") {
        mode.log_max = document.value::<Bytes>(value, "log_max", AMOUNT);
    }
    if let Some(value) = fields.get("limits") {
        mode.limits = read_limits(document, value);
    }
    if let Some(value) = fields.get("expect") {
        mode.expect = read_expect(document, value);
    }
    if let Some(agent) = fields.get("agent").and_then(|value| document.filled_text(value, "agent")) {
        mode.agent = agent;
    }
    mode.cwd = fields.get("cwd").and_then(|value| document.filled_text(value, "cwd")).or(mode.cwd);
    if let Some(value) = fields.get("env") {
        mode.env = settings_section::env(document, value);
    }
    mode_conditions::read(document, &fields, &mut mode);
    refuse_other_kind(document, &fields, &mode);
    Some(ModeBlock { mode, key, fields })
}

/// `template` or `prompt`, each of which replaces a command file's.
fn read_prompt(document: &Document, fields: &Fields<'_>, mode: &mut Mode, root: &Path) {
    match (fields.get("template"), fields.get("prompt")) {
        (Some(_), Some(prompt)) => {
            let id = fields.key_id("prompt").unwrap_or(prompt.id);
            let problem = Problem::error(format!("mode `{}` has both `template` and `prompt`", mode.name));
            document.add(At::Node(id), problem.hint("keep one of the two"));
        }
        (Some(template), None) => {
            if let Some(path) = document.filled_text(template, "template") {
                mode.prompt = PromptSource::Template(root.join(path));
            }
        }
        (None, Some(prompt)) => {
            if let Some(text) = document.text(prompt, "prompt") {
                mode.prompt = PromptSource::Inline(text);
            }
        }
        (None, None) => {}
    }
}

/// A template that, as far as it is literal, stays below the run's folder.
pub(crate) fn below(document: &Document, node: &Node, what: &str) -> Option<String> {
    let text = document.filled_text(node, what)?;
    let literal = !text.contains("{{") && !text.contains("{%");
    let path = Path::new(&text);
    // A folder that an expression leaves open is checked again when it is rendered.
    let leaves = path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir);
    if leaves || (literal && !stays_below(path)) {
        let problem = Problem::error(format!("`{what}` must stay below the run's folder, found `{}`", shown(&text)));
        document.add(At::Node(node.id), problem.hint("write a relative path without `..`"));
        return None;
    }
    Some(text)
}

fn read_limits(document: &Document, node: &Node) -> Limits {
    let Some(fields) = document.fields(node, "limits", keys::LIMITS) else { return Limits::default() };
    Limits {
        cpu: fields.get("cpu").and_then(|value| document.value(value, "cpu", LENGTH_OF_TIME)),
        memory: fields.get("memory").and_then(|value| document.value(value, "memory", AMOUNT)),
        processes: fields.get("processes").and_then(|value| document.number(value, "processes", 1..=4_194_304)),
    }
}

fn read_expect(document: &Document, node: &Node) -> ExpectTemplates {
    let Some(fields) = document.fields(node, "expect", keys::EXPECT) else { return ExpectTemplates::default() };
    let files = fields.get("files").and_then(|value| document.list(value, "files")).unwrap_or_default();
    ExpectTemplates {
        non_empty: fields.get("non_empty").and_then(|value| document.bool(value, "non_empty")).unwrap_or(false),
        files: files.iter().filter_map(|file| below(document, file, "files")).collect(),
        command: fields
            .get("command")
            .and_then(|value| command_line::read(document, value, "command"))
            .unwrap_or_default(),
    }
}

fn refuse_other_kind(document: &Document, fields: &Fields<'_>, mode: &Mode) {
    let (names, kind, cure) = if mode.interactive {
        (HEADLESS_ONLY, "an interactive", "remove it, or make the mode headless with `interactive: false`")
    } else {
        (INTERACTIVE_ONLY, "a headless", "remove it, or add `interactive: true`")
    };
    for name in names {
        if let Some(id) = fields.key_id(name) {
            let problem = Problem::error(format!("{kind} mode cannot honour `{name}`"));
            document.add(At::Node(id), problem.hint(cure));
        }
    }
}

impl ModeBlock<'_> {
    /// Checks the agent's name, and that the agent has this kind of mode.
    pub(crate) fn check_agent(&self, document: &Document, agents: &std::collections::BTreeMap<String, Agent>) {
        let mode = &self.mode;
        let at = self.fields.get("agent").map_or(self.key, |node| node.id);
        let Some(agent) = agents.get(&mode.agent) else {
            let mut problem = Problem::error(format!("there is no agent `{}`", shown(&mode.agent)));
            let known = agents.keys().map(String::as_str);
            problem.hints.push(match nearest(&mode.agent, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known agents: {}", known.collect::<Vec<_>>().join(", ")),
            });
            document.add(At::Node(at), problem);
            return;
        };
        // An agent without any command has its own message.
        let other = agent.argv(!mode.interactive).is_some();
        if agent.argv(mode.interactive).is_none() && other {
            let (kind, key) = if mode.interactive { ("interactive", "interactive") } else { ("headless", "headless") };
            let message = format!("mode `{}` is {kind}, but agent `{}` has no `{key}` command", mode.name, agent.name);
            let hint = format!("add `{key}:` to `agents.{}`, or set `interactive: {}`", agent.name, !mode.interactive);
            document.add(At::Node(at), Problem::error(message).hint(hint));
        }
    }

    /// The text node of `key`, whatever kind it is.
    pub(crate) fn node(&self, key: &str) -> Option<&Node> {
        self.fields.get(key).filter(|node| !matches!(node.kind, Kind::Null))
    }
}
