//! Tells where each value of a mode comes from: built in, or a place in a file. Parses the manifest again, because a
//! loaded one keeps no places. Values are shown as they are written; templates are not rendered.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::manifest::document::Document;
use crate::manifest::fields::SectionFields;
use crate::manifest::keys;
use crate::manifest::load::local_document;
use crate::manifest::mode::{Mode, Origin, PromptSource};
use crate::manifest::modes_section::ModesSection;
use crate::manifest::settings::Manifest;
use crate::manifest::source::Source;
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::model::names::ModeName;

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueOrigin {
    /// Its path in the manifest: `timeout` of the mode, `env.CI`, `worktree.path`.
    pub key: String,
    /// Null if nothing sets it; `None` if it is not shown: a variable of the environment may be a secret.
    pub value: Option<Json>,
    pub source: ValueSource,
    /// The file and, unless it is a command file, the line, from 1.
    pub place: Option<(PathBuf, Option<usize>)>,
}

/// What sets a value; the later ones are stronger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    BuiltIn,
    /// A key at the top level of the manifest.
    Manifest,
    Defaults,
    /// A mode that this one extends.
    Extended(ModeName),
    CommandFile,
    Mode,
    /// `dispatch.local.yaml`.
    Local,
    CommandLine,
}

/// All values that shape a run of `mode`, as the files have them now.
pub fn value_origins(manifest: &Manifest, mode: &Mode) -> Vec<ValueOrigin> {
    let document = Document::new(Source { path: manifest.path.clone(), text: Arc::clone(&manifest.source) });
    let local = local_document(&manifest.root, &[]).ok().flatten();
    let Some(root) = document.parse() else { return Vec::new() };
    let Some(fields) = SectionFields::new(&document, &root, "the manifest", &keys::MANIFEST) else { return Vec::new() };
    let section = ModesSection::collect(&fields, &manifest.root, true, &mut Vec::new());
    let local_root = local.as_ref().and_then(Document::parse);
    let local = local.as_ref().zip(local_root.as_ref());
    let mut finder = Finder { document: &document, root: &root, local, section: &section, mode, found: Vec::new() };
    mode_values(mode).into_iter().for_each(|(key, value)| finder.add_of_mode(key, value));
    finder.add_environment(manifest);
    finder.add_agent(manifest);
    project_values(manifest, mode).into_iter().for_each(|(key, value)| finder.add_of_project(&key, value));
    finder.found
}

/// The keys of a mode of this form, with the values that count where nothing sets them.
fn mode_values(mode: &Mode) -> Vec<(&'static str, Json)> {
    let prompt = match &mode.prompt {
        PromptSource::None => ("prompt", Json::Null),
        PromptSource::Inline(text) => ("prompt", json!(text)),
        PromptSource::Template(path) => ("template", json!(path)),
        PromptSource::Command { name, .. } => ("prompt", json!(format!("/{name} {{{{ task.id }}}}"))),
    };
    let needs: Vec<&str> = mode.needs.iter().map(ModeName::as_str).collect();
    let mut values = vec![
        ("description", json!(mode.description)),
        ("interactive", json!(mode.form.has_window())),
        prompt,
        ("agent", json!(mode.agent)),
        ("flags", json!(mode.flags)),
        ("cwd", json!(mode.cwd)),
        ("needs", json!(needs)),
        ("gate", json!(mode.gate.then_some("approve"))),
        ("exclusive", json!(mode.exclusive)),
        ("stop_grace", json!(mode.stop_grace)),
    ];
    if mode.form.has_window() {
        values.push(("cleanup_on_exit", json!(mode.cleanup_on_exit)));
        return values;
    }
    values.extend([
        ("executor", json!(mode.executor.as_deref().unwrap_or("local"))),
        ("timeout", json!(mode.timeout)),
        ("exit_grace", json!(mode.exit_grace)),
        ("log_max", json!(mode.log_max)),
        ("limits.cpu", json!(mode.limits.cpu)),
        ("limits.memory", json!(mode.limits.memory)),
        ("limits.processes", json!(mode.limits.processes)),
        ("save_to", json!(mode.save_to)),
        ("expect.non_empty", json!(mode.expect.non_empty)),
        ("expect.files", json!(mode.expect.files)),
        ("expect.command", json!(mode.expect.command)),
        ("sources", json!(mode.sources)),
        ("generates", json!(mode.generates)),
    ]);
    match &mode.retry {
        None => values.push(("retry", Json::Null)),
        Some(retry) => {
            let record = json!(retry);
            values.extend(
                [("retry.max", "max"), ("retry.backoff", "backoff"), ("retry.on", "on")]
                    .map(|(key, name)| (key, record[name].clone())),
            );
        }
    }
    values
}

/// The keys of the manifest that shape a run of this mode, without `env` and `agents`.
fn project_values(manifest: &Manifest, mode: &Mode) -> Vec<(String, Json)> {
    let mut values = vec![("session".to_owned(), json!(manifest.session))];
    if mode.form.is_job() {
        let budget = &manifest.budget;
        values.extend(
            [("jobs", json!(manifest.jobs)), ("budget.run", json!(budget.run)), ("budget.day", json!(budget.day))]
                .map(|(key, value)| (key.to_owned(), value)),
        );
    }
    values.extend(manifest.vars.iter().map(|(name, value)| (format!("vars.{name}"), json!(value))));
    values.extend([
        ("retention.runs_per_pair".to_owned(), json!(manifest.retention.runs_per_pair)),
        ("retention.max_age".to_owned(), json!(manifest.retention.max_age)),
    ]);
    if let Some(worktree) = &manifest.worktree {
        let below = [
            ("path", json!(worktree.path)),
            ("create", json!(worktree.create)),
            ("branch", json!(worktree.branch)),
            ("base", json!(worktree.base)),
            ("fetch", json!(worktree.fetch)),
            ("submodules", json!(worktree.submodules)),
            ("copy", json!(worktree.copy)),
            ("setup", json!(worktree.setup)),
        ];
        values.extend(below.map(|(key, value)| (format!("worktree.{key}"), value)));
    }
    values
}

struct Finder<'a> {
    document: &'a Document,
    root: &'a Node,
    local: Option<(&'a Document, &'a Node)>,
    section: &'a ModesSection<'a>,
    mode: &'a Mode,
    found: Vec<ValueOrigin>,
}

impl Finder<'_> {
    fn add_of_mode(&mut self, key: &str, built_in: Json) {
        let name = self.mode.name.as_str();
        if key == "flags" && self.add_local(key, &["modes", name, key]) {
            return;
        }
        if self.add_merged(key) {
            return;
        }
        let base = self.section.inherited(&self.mode.name).map(|inherited| &inherited.base);
        let place = base.and_then(|base| match &base.origin {
            Origin::CommandFile(path) => {
                let says =
                    key == "interactive" || key == "prompt" || key == "description" && !base.description.is_empty();
                says.then(|| (path.clone(), None))
            }
            _ => None,
        });
        let source = if place.is_some() { ValueSource::CommandFile } else { ValueSource::BuiltIn };
        self.found.push(ValueOrigin { key: key.to_owned(), value: Some(built_in), source, place });
    }

    /// A value of the mode's block or of what it inherits. False if there is none.
    fn add_merged(&mut self, key: &str) -> bool {
        let inherited = self.section.inherited(&self.mode.name);
        let found = inherited.and_then(|inherited| entry(&inherited.entries, &path(key)));
        let Some((key_node, value)) = found else { return false };
        let source = match self.section.block_with(key_node.id) {
            None => ValueSource::Defaults,
            Some(name) if *name == self.mode.name => ValueSource::Mode,
            Some(name) => ValueSource::Extended(name.clone()),
        };
        self.push(key, value, source, self.document, key_node.id);
        true
    }

    /// A key at the top level, which the local file may override.
    fn add_of_project(&mut self, key: &str, built_in: Json) {
        if self.add_local(key, &path(key)) || self.add_manifest(key, &path(key)) {
            return;
        }
        let (key, value) = (key.to_owned(), Some(built_in));
        self.found.push(ValueOrigin { key, value, source: ValueSource::BuiltIn, place: None });
    }

    fn add_local(&mut self, key: &str, at: &[&str]) -> bool {
        let Some((document, root)) = self.local else { return false };
        self.add_at(key, document, root, at, ValueSource::Local)
    }

    fn add_manifest(&mut self, key: &str, at: &[&str]) -> bool {
        self.add_at(key, self.document, self.root, at, ValueSource::Manifest)
    }

    fn add_at(&mut self, key: &str, document: &Document, root: &Node, at: &[&str], source: ValueSource) -> bool {
        let NodeKind::Map(entries) = &root.kind else { return false };
        let Some((key_node, value)) = entry(entries, at) else { return false };
        self.push(key, value, source, document, key_node.id);
        true
    }

    fn add_environment(&mut self, manifest: &Manifest) {
        let names = manifest.env.keys().chain(self.mode.env.keys().filter(|name| !manifest.env.contains_key(*name)));
        for name in names {
            let key = format!("env.{name}");
            let _ = self.add_merged(&key) || self.add_local(&key, &path(&key)) || self.add_manifest(&key, &path(&key));
        }
        for name in &manifest.pass_env {
            let item = |root: &Node| {
                let items = root.get("pass_env").map(Node::items).unwrap_or_default();
                items.iter().find(|item| item.as_text() == Some(name)).map(|item| (item.clone(), item.id))
            };
            let key = format!("pass_env.{name}");
            if let Some((node, id)) = item(self.root) {
                self.push(&key, &node, ValueSource::Manifest, self.document, id);
            } else if let Some((document, (node, id))) =
                self.local.and_then(|(document, root)| Some((document, item(root)?)))
            {
                self.push(&key, &node, ValueSource::Local, document, id);
            }
        }
    }

    /// The agent's keys that count for this form of mode.
    fn add_agent(&mut self, manifest: &Manifest) {
        let Some(agent) = manifest.agents.get(&self.mode.agent) else { return };
        let form = self.mode.form;
        let values = [
            (form.as_str(), json!(agent.argv(form))),
            ("prompt", json!(agent.prompt(form))),
            ("protocol", json!(agent.protocol)),
            ("model", json!(agent.model)),
        ];
        for (name, built_in) in values {
            let key = format!("agents.{}.{name}", agent.name);
            let for_form = format!("{key}.{}", form.as_str());
            // `prompt` is one word, or one for each form.
            if name == "prompt" && self.add_manifest(&key, &path(&for_form)) {
                continue;
            }
            let written =
                self.root.get("agents").and_then(|agents| agents.get(&agent.name)).and_then(|agent| agent.get(name));
            let is_of_other_form =
                written.is_some_and(|node| name == "prompt" && matches!(node.kind, NodeKind::Map(_)));
            if is_of_other_form || !self.add_manifest(&key, &path(&key)) {
                let (value, source) = (Some(built_in), ValueSource::BuiltIn);
                self.found.push(ValueOrigin { key, value, source, place: None });
            }
        }
    }

    fn push(&mut self, key: &str, value: &Node, source: ValueSource, document: &Document, id: NodeId) {
        let place = Some((document.source.path.clone(), Some(document.line(id))));
        let value = (!key.starts_with("env.")).then(|| as_json(value));
        self.found.push(ValueOrigin { key: key.to_owned(), value, source, place });
    }
}

/// No name in a key holds a dot.
fn path(key: &str) -> Vec<&str> {
    key.split('.').collect()
}

fn entry<'n>(entries: &'n [(Node, Node)], path: &[&str]) -> Option<&'n (Node, Node)> {
    let (first, rest) = path.split_first()?;
    let found = entries.iter().find(|(key, _)| key.as_text() == Some(first))?;
    match (&found.1.kind, rest) {
        (_, []) => Some(found),
        (NodeKind::Map(inner), rest) => entry(inner, rest),
        _ => None,
    }
}

fn as_json(node: &Node) -> Json {
    match &node.kind {
        NodeKind::Null => Json::Null,
        NodeKind::Bool(value) => json!(value),
        NodeKind::Int(value) => i64::try_from(*value).map_or_else(|_| json!(value.to_string()), |value| json!(value)),
        NodeKind::Float(value) => json!(value),
        NodeKind::Text(text) => json!(text),
        NodeKind::List(items) => items.iter().map(as_json).collect(),
        NodeKind::Map(entries) => {
            let fields = entries.iter().filter_map(|(key, value)| Some((key.as_text()?.to_owned(), as_json(value))));
            Json::Object(fields.collect())
        }
    }
}
