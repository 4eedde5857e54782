//! Reads `dispatch.local.yaml`: a person's own settings over the shared manifest.

use std::collections::BTreeMap;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::keys;
use crate::manifest::notify_section::{self, NotifyKeys};
use crate::manifest::settings::Budget;
use crate::manifest::tree::{Node, NodeId};
use crate::manifest::{settings_section, terminal_section};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::model::terminal::Terminal;

/// The file of a person's own settings, beside the manifest.
pub const LOCAL_NAME: &str = "dispatch.local.yaml";

/// What the file sets; nothing is what it leaves alone.
#[derive(Debug, Default)]
pub(crate) struct Overlay<'a> {
    pub terminal: Option<Terminal>,
    pub jobs: Option<u32>,
    pub budget: Budget,
    pub notify: NotifyKeys,
    pub env: BTreeMap<String, String>,
    pub pass_env: Vec<String>,
    /// Each mode's flags in place of its own.
    pub flags: Vec<LocalFlags<'a>>,
}

/// The flags of one mode.
#[derive(Debug)]
pub(crate) struct LocalFlags<'a> {
    pub mode: &'a str,
    /// The mode's name in the local file.
    pub key: NodeId,
    pub node: &'a Node,
    pub flags: Vec<String>,
}

pub(crate) fn read<'a>(document: &Document, root: &'a Node) -> Overlay<'a> {
    let mut overlay = Overlay::default();
    let Some(fields) = document.fields(root, "the local file", keys::LOCAL) else { return overlay };
    if let Some(node) = fields.get("version") {
        settings_section::version_value(document, node);
    }
    overlay.terminal = fields.get("terminal").and_then(|node| terminal_section::read(document, node));
    overlay.jobs = fields.get("jobs").and_then(|node| settings_section::jobs(document, node));
    if let Some(node) = fields.get("budget") {
        overlay.budget = settings_section::budget(document, node);
    }
    if let Some(node) = fields.get("notify") {
        overlay.notify = notify_section::read(document, node);
    }
    if let Some(node) = fields.get("env") {
        overlay.env = settings_section::env(document, node);
    }
    if let Some(node) = fields.get("pass_env") {
        overlay.pass_env = settings_section::pass_env(document, node);
    }
    if let Some(modes) = fields.get("modes").and_then(|node| document.map(node, "modes")) {
        for (name, id, block) in document.entries(modes) {
            let Some(fields) = document.fields(block, &format!("modes.{}", shown(name)), keys::LOCAL_MODE) else {
                continue;
            };
            let Some(node) = fields.get("flags") else { continue };
            if let Some(flags) = document.texts(node, "flags") {
                overlay.flags.push(LocalFlags { mode: name, key: id, node, flags });
            }
        }
    }
    overlay
}

/// Notes that the local file sets flags of a mode that is not there.
pub(crate) fn unknown_mode<'m>(document: &Document, id: NodeId, name: &str, known: impl IntoIterator<Item = &'m str>) {
    let mut problem = Problem::error(format!("there is no mode `{}` to set flags for", shown(name)));
    problem.hints.extend(nearest(name, known).map(|near| format!("did you mean `{near}`?")));
    document.add(At::Node(id), problem);
}
