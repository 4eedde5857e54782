//! Gathers every template of a manifest, checks them together, and places what is wrong.

use std::path::Path;

use crate::manifest::document::{At, Document, Fields};
use crate::manifest::mode::PromptSource;
use crate::manifest::mode_block::ModeBlock;
use crate::manifest::settings::Manifest;
use crate::manifest::source::Source;
use crate::manifest::template_check::{self, Job, Mistake};
use crate::manifest::template_names::Scope;
use crate::manifest::templates;
use crate::manifest::tree::{Kind, Node, NodeId};
use crate::model::problem::Problem;

/// The keys of a mode whose texts are templates.
const MODE_TEMPLATES: &[&str] = &["prompt", "flags", "save_to", "sources", "generates", "cwd"];

/// Where a job's own mistakes are shown.
#[derive(Clone, Copy, Debug)]
enum Shown {
    /// In a text node of the manifest.
    Node(NodeId),
    /// In a text node of the local file.
    Local(NodeId),
    /// In the template's own file.
    File,
}

/// Checks the templates of `blocks` and of the worktree.
pub(crate) fn templates(
    document: &Document,
    local: Option<(&Document, &[&Node])>,
    fields: &Fields<'_>,
    blocks: &[ModeBlock<'_>],
    manifest: &Manifest,
    others: &mut Vec<Problem>,
) {
    let mut jobs = Jobs { root: &manifest.root, list: Vec::new(), shown: Vec::new(), unreadable: Vec::new() };
    if let Some(worktree) = fields.get("worktree").and_then(|node| document.map_quietly(node)) {
        for key in ["path", "branch", "base"] {
            jobs.texts(worktree.get(key), Scope::BeforeWorktree);
        }
        jobs.texts(worktree.get("setup"), Scope::All);
    }
    let entries =
        fields.get("tasks").and_then(|node| if let Kind::List(items) = &node.kind { Some(items) } else { None });
    for entry in entries.into_iter().flatten() {
        if let Some(entry) = document.map_quietly(entry).filter(|entry| entry.get("files").is_some()) {
            jobs.texts(entry.get("id"), Scope::TaskFile);
        }
    }
    for block in blocks {
        for key in MODE_TEMPLATES {
            jobs.texts(block.node(key), Scope::All);
        }
        if let Some(expect) = block.node("expect").and_then(|node| document.map_quietly(node)) {
            jobs.texts(expect.get("files"), Scope::All);
            jobs.texts(expect.get("command"), Scope::All);
        }
        if let (PromptSource::Template(path), Some(node)) = (&block.mode.prompt, block.node("template")) {
            jobs.file(document, node, path);
        }
    }
    if let Some((_, flags)) = local {
        let items = flags.iter().filter_map(|node| if let Kind::List(items) = &node.kind { Some(items) } else { None });
        for item in items.flatten() {
            jobs.text(Shown::Local(item.id), item.text().unwrap_or_default(), Scope::All);
        }
    }
    let Jobs { list, shown, unreadable, .. } = jobs;
    others.extend(unreadable);
    let sources: Vec<Source> = list.iter().map(|job| job.source.clone()).collect();
    let answers = template_check::check(list, &manifest.pass_env);
    for ((mistakes, shown), source) in answers.into_iter().zip(shown).zip(sources) {
        for mistake in mistakes {
            match (mistake, shown) {
                (Mistake::Elsewhere(problem), _) => others.push(problem),
                (Mistake::Here { range, problem }, Shown::Node(id)) => document.add(At::Within(id, range), problem),
                (Mistake::Here { range, problem }, Shown::Local(id)) => {
                    if let Some((local, _)) = local {
                        local.add(At::Within(id, range), problem);
                    }
                }
                (Mistake::Here { range, problem }, Shown::File) => {
                    others.push(problem.at(source.path.clone(), &source.text, range.start, range.end));
                }
            }
        }
    }
}

struct Jobs<'a> {
    root: &'a Path,
    list: Vec<Job>,
    shown: Vec<Shown>,
    unreadable: Vec<Problem>,
}

impl Jobs<'_> {
    /// A text, or each text of a list.
    fn texts(&mut self, node: Option<&Node>, scope: Scope) {
        let Some(node) = node else { return };
        match &node.kind {
            Kind::Text(text) => self.text(Shown::Node(node.id), text, scope),
            Kind::List(items) => items.iter().for_each(|item| self.texts(Some(item), scope)),
            _ => {}
        }
    }

    fn text(&mut self, shown: Shown, text: &str, scope: Scope) {
        if templates::is_plain(text) {
            return;
        }
        let name = "the manifest".to_owned();
        let source = Source { path: self.root.to_owned(), text: text.into() };
        self.list.push(Job { source, tree: self.root.to_owned(), name, scope });
        self.shown.push(shown);
    }

    /// A template file, once however many modes share it.
    fn file(&mut self, document: &Document, node: &Node, path: &Path) {
        match templates::read_template(self.root, path) {
            Ok(source) => {
                if templates::is_plain(&source.text) || self.list.iter().any(|job| job.source.path == path) {
                    return;
                }
                let (tree, name) = templates::tree_and_name(path);
                self.list.push(Job { source, tree, name, scope: Scope::All });
                self.shown.push(Shown::File);
            }
            // A file that cannot be read is a mistake of the manifest; bad bytes are the file's own.
            Err(problem) => {
                if problem.place.as_ref().is_some_and(|place| place.excerpt.is_some()) {
                    self.unreadable.push(problem);
                } else {
                    document.add(At::Node(node.id), Problem { place: None, ..problem });
                }
            }
        }
    }
}
