//! Collects all templates of a manifest, checks them together, and reports each mistake at its position.

use std::path::Path;

use crate::manifest::document::{At, Document};
use crate::manifest::fields::SectionFields;
use crate::manifest::mode::PromptSource;
use crate::manifest::mode_block::ModeBlock;
use crate::manifest::settings::Manifest;
use crate::manifest::source::Source;
use crate::manifest::template_check::{self, Mistake, TemplateToCheck};
use crate::manifest::template_names::{DeclaredNames, TemplateScope};
use crate::manifest::templates;
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::model::problem::Problem;

/// The keys of a mode whose texts are templates.
const MODE_TEMPLATES: &[&str] = &["prompt", "flags", "save_to", "sources", "generates", "cwd"];

/// Where a template's mistakes are reported.
#[derive(Clone, Copy, Debug)]
enum TemplateOrigin<'a> {
    /// In a text node of the manifest or the local file.
    Node(&'a Document, NodeId),
    /// In the template's own file.
    File,
}

/// The templates to check, and the origin of each.
struct TemplateList<'a> {
    root: &'a Path,
    list: Vec<(TemplateToCheck, TemplateOrigin<'a>)>,
    unreadable: Vec<Problem>,
}

/// Checks the templates of the worktree, the task files, the modes and the flags of the local file.
pub(crate) fn templates<'a>(
    fields: &SectionFields<'a>,
    blocks: &[ModeBlock<'a>],
    local_flags: Option<(&'a Document, &[&Node])>,
    manifest: &'a Manifest,
    others: &mut Vec<Problem>,
) {
    let document = fields.document;
    let mut found = TemplateList { root: &manifest.root, list: Vec::new(), unreadable: Vec::new() };
    if let Some(worktree) = fields.get("worktree") {
        for key in ["path", "branch", "base"] {
            found.add_texts(document, worktree.get(key), TemplateScope::BeforeWorktree);
        }
        found.add_texts(document, worktree.get("setup"), TemplateScope::All);
        found.add_texts(document, worktree.get("check"), TemplateScope::All);
    }
    for entry in fields.get("tasks").map(Node::items).unwrap_or_default() {
        let id = entry.get("id").filter(|_| entry.get("files").is_some());
        found.add_texts(document, id, TemplateScope::TaskFile);
    }
    for block in blocks {
        for key in MODE_TEMPLATES {
            found.add_texts(document, block.fields.get(key), TemplateScope::All);
        }
        for key in ["files", "command"] {
            let expected = block.fields.get("expect").and_then(|expect| expect.get(key));
            found.add_texts(document, expected, TemplateScope::All);
        }
        if let (PromptSource::Template(path), Some(node)) = (&block.mode.prompt, block.fields.given("template")) {
            found.add_file(document, node, path);
        }
    }
    if let Some((local, flags)) = local_flags {
        flags.iter().for_each(|node| found.add_texts(local, Some(node), TemplateScope::All));
    }
    others.extend(found.unreadable);
    let (templates, origins): (Vec<TemplateToCheck>, Vec<TemplateOrigin<'_>>) = found.list.into_iter().unzip();
    let sources: Vec<Source> = templates.iter().map(|template| template.source.clone()).collect();
    let vars = manifest.vars.keys().cloned().collect();
    let declared = DeclaredNames { pass_env: manifest.pass_env.clone(), vars };
    let answers = template_check::check(templates, declared);
    for ((mistakes, origin), source) in answers.into_iter().zip(origins).zip(sources) {
        for mistake in mistakes {
            match (mistake, origin) {
                (Mistake::Elsewhere(problem), _) => others.push(problem),
                (Mistake::Here { range, problem }, TemplateOrigin::Node(document, id)) => {
                    document.add(At::Within(id, range), problem);
                }
                (Mistake::Here { range, problem }, TemplateOrigin::File) => {
                    others.push(problem.at(source.path.clone(), &source.text, range.start, range.end));
                }
            }
        }
    }
}

impl<'a> TemplateList<'a> {
    /// Adds a text, or each text of a list.
    fn add_texts(&mut self, document: &'a Document, node: Option<&Node>, scope: TemplateScope) {
        let Some(node) = node else { return };
        match &node.kind {
            NodeKind::Text(text) if !templates::is_plain(text) && !self.has(node.id, document) => {
                let name = "the manifest".to_owned();
                let source = Source { path: self.root.to_owned(), text: text.as_str().into() };
                let template = TemplateToCheck { source, tree: self.root.to_owned(), name, scope };
                self.list.push((template, TemplateOrigin::Node(document, node.id)));
            }
            NodeKind::List(items) => items.iter().for_each(|item| self.add_texts(document, Some(item), scope)),
            _ => {}
        }
    }

    /// Whether a text is in the list, because another mode inherits it too.
    fn has(&self, id: NodeId, document: &Document) -> bool {
        let is_it = |origin: &TemplateOrigin<'_>| matches!(origin, TemplateOrigin::Node(other, known) if *known == id && std::ptr::eq(*other, document));
        self.list.iter().any(|(_, origin)| is_it(origin))
    }

    /// Adds a template file, once even if several modes use it.
    fn add_file(&mut self, document: &Document, node: &Node, path: &Path) {
        match templates::read_template(self.root, path) {
            Ok(source) => {
                if templates::is_plain(&source.text)
                    || self.list.iter().any(|(template, _)| template.source.path == path)
                {
                    return;
                }
                let (tree, name) = templates::tree_and_name(path);
                let template = TemplateToCheck { source, tree, name, scope: TemplateScope::All };
                self.list.push((template, TemplateOrigin::File));
            }
            // An unreadable file is reported at the manifest's node; invalid bytes in the file itself.
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
