//! Reads one block of `modes:` over an earlier mode: a new, built-in or command file's one.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use crate::manifest::agent::Agent;
use crate::manifest::document::{At, Document, shown};
use crate::manifest::fields::SectionFields;
use crate::manifest::mode::{ExpectTemplates, Mode, PromptSource};
use crate::manifest::mode_conditions;
use crate::manifest::settings_section;
use crate::manifest::source::stays_below;
use crate::manifest::tree::{Node, NodeId};
use crate::model::limits::Limits;
use crate::model::names::ModeName;
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;
use crate::model::run_form::RunForm;

/// Keys that need a job's exit, output or process tree, which a window does not have.
const HEADLESS_ONLY: &[&str] =
    &["timeout", "exit_grace", "limits", "retry", "log_max", "expect", "save_to", "sources", "generates", "executor"];
const INTERACTIVE_ONLY: &[&str] = &["cleanup_on_exit"];

/// A block that was read, and the nodes for its later checks.
#[derive(Debug)]
pub(crate) struct ModeBlock<'a> {
    pub mode: Mode,
    pub key: NodeId,
    pub fields: SectionFields<'a>,
}

/// Applies the fields of a block, with what it inherits, to `mode`, and checks that they fit together.
pub(crate) fn read(fields: &SectionFields<'_>, mode: Mode, root: &Path) -> Mode {
    let mode = read_values(fields, mode, root);
    mode_conditions::check(fields);
    refuse_other_form(fields, mode.form);
    mode
}

/// Applies fields to `mode`. Each value is checked by itself only.
pub(crate) fn read_values(fields: &SectionFields<'_>, mut mode: Mode, root: &Path) -> Mode {
    mode.description = fields.text("description").unwrap_or(mode.description);
    mode.form = fields.bool("interactive").map_or(mode.form, RunForm::of_interactive);
    mode.cleanup_on_exit = fields.bool("cleanup_on_exit").unwrap_or(mode.cleanup_on_exit);
    read_prompt(fields, &mut mode, root);
    mode.flags = fields.texts("flags").unwrap_or(mode.flags);
    mode.save_to = fields.read("save_to", below).or(mode.save_to);
    mode.timeout = fields.interval("timeout").or(mode.timeout);
    mode.stop_grace = fields.interval("stop_grace").unwrap_or(mode.stop_grace);
    mode.exit_grace = fields.interval("exit_grace").unwrap_or(mode.exit_grace);
    mode.log_max = fields.bytes("log_max").or(mode.log_max);
    mode.limits = read_limits(fields);
    mode.expect = read_expect(fields);
    mode.agent = fields.filled_text("agent").unwrap_or(mode.agent);
    mode.executor = fields.filled_text("executor").or(mode.executor);
    mode.cwd = fields.filled_text("cwd").or(mode.cwd);
    mode.env = settings_section::env(fields).unwrap_or(mode.env);
    mode_conditions::read(fields, &mut mode);
    mode
}

/// Reads `template` or `prompt`, each of which replaces the prompt of a command file.
fn read_prompt(fields: &SectionFields<'_>, mode: &mut Mode, root: &Path) {
    if fields.get("template").is_some() && fields.get("prompt").is_some() {
        // Reported where it is written.
    } else if let Some(path) = fields.filled_text("template") {
        mode.prompt = PromptSource::Template(root.join(path));
    } else if let Some(text) = fields.text("prompt") {
        mode.prompt = PromptSource::Inline(text);
    }
}

/// A template whose literal part does not lead out of the run's working directory.
pub(crate) fn below(document: &Document, node: &Node, what: &str) -> Option<String> {
    let text = document.read_filled_text(node, what)?;
    let literal = !text.contains("{{") && !text.contains("{%");
    let path = Path::new(&text);
    // A path with expressions is checked again when it is rendered.
    let leaves = path.is_absolute() || path.components().any(|part| part == Component::ParentDir);
    if leaves || (literal && !stays_below(path)) {
        let problem =
            Problem::error(format!("`{what}` must stay below the run's working directory, found `{}`", shown(&text)));
        document.add(At::Node(node.id), problem.hint("write a relative path without `..`"));
        return None;
    }
    Some(text)
}

fn read_limits(fields: &SectionFields<'_>) -> Limits {
    let Some(fields) = fields.fields_of("limits") else { return Limits::default() };
    Limits { cpu: fields.interval("cpu"), memory: fields.bytes("memory"), processes: fields.number("processes") }
}

fn read_expect(fields: &SectionFields<'_>) -> ExpectTemplates {
    let Some(fields) = fields.fields_of("expect") else { return ExpectTemplates::default() };
    let files = fields.items("files").iter().filter_map(|file| below(fields.document, file, "files"));
    ExpectTemplates {
        non_empty: fields.bool("non_empty").unwrap_or(false),
        files: files.collect(),
        command: fields.command("command").unwrap_or_default(),
    }
}

/// Checks a block by itself: it has one prompt.
pub(crate) fn check_own(fields: &SectionFields<'_>, name: &ModeName) {
    if let (Some(_), Some(id)) = (fields.get("template"), fields.key_id("prompt")) {
        let problem = Problem::error(format!("mode `{name}` has both `template` and `prompt`"));
        fields.document.add(At::Node(id), problem.hint("keep one of the two"));
    }
}

/// Whether only modes of the other form have the key `name`.
pub(crate) fn is_of_other_form(name: &str, form: RunForm) -> bool {
    other_form_keys(form).contains(&name)
}

fn other_form_keys(form: RunForm) -> &'static [&'static str] {
    match form {
        RunForm::Interactive => HEADLESS_ONLY,
        RunForm::Headless => INTERACTIVE_ONLY,
    }
}

fn refuse_other_form(fields: &SectionFields<'_>, form: RunForm) {
    let (kind, fix) = match form {
        RunForm::Interactive => ("an interactive", "remove it, or make the mode headless with `interactive: false`"),
        RunForm::Headless => ("a headless", "remove it, or add `interactive: true`"),
    };
    for name in other_form_keys(form) {
        if let Some(id) = fields.key_id(name) {
            let problem = Problem::error(format!("{kind} mode cannot honour `{name}`"));
            fields.document.add(At::Node(id), problem.hint(fix));
        }
    }
}

impl ModeBlock<'_> {
    /// Checks that the agent exists and has a command for this kind of mode.
    pub(crate) fn check_agent(&self, agents: &BTreeMap<String, Agent>) {
        let mode = &self.mode;
        let add = |problem| {
            let at = self.fields.get("agent").map_or(self.key, |node| node.id);
            self.fields.document.add(At::Node(at), problem);
        };
        let Some(agent) = agents.get(&mode.agent) else {
            let known = agents.keys().map(String::as_str);
            let hint = did_you_mean(&mode.agent, known.clone())
                .unwrap_or_else(|| format!("known agents: {}", known.collect::<Vec<_>>().join(", ")));
            return add(Problem::error(format!("there is no agent `{}`", shown(&mode.agent))).hint(hint));
        };
        // An agent without any command has a message of its own.
        if agent.argv(mode.form).is_none() && agent.argv(mode.form.other()).is_some() {
            let kind = mode.form.as_str();
            let message = format!("mode `{}` is {kind}, but agent `{}` has no `{kind}` command", mode.name, agent.name);
            let hint =
                format!("add `{kind}:` to `agents.{}`, or set `interactive: {}`", agent.name, mode.form.is_job());
            add(Problem::error(message).hint(hint));
        }
    }
}
