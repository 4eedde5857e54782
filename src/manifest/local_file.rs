//! Reads `dispatch.local.yaml`: a user's own settings, which override the shared manifest.

use std::collections::BTreeMap;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::named_entries;
use crate::manifest::fields::SectionFields;
use crate::manifest::keys;
use crate::manifest::notify_section::{self, NotifyKeys};
use crate::manifest::settings::Budget;
use crate::manifest::tree::{Node, NodeId};
use crate::manifest::{editor_section, settings_section, terminal_section};
use crate::model::editor::EditorCommand;
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;
use crate::model::terminal::Terminal;

/// The user's own settings, next to the manifest.
pub const LOCAL_NAME: &str = "dispatch.local.yaml";

/// The settings of the file. `None` or empty: the manifest's value is used.
#[derive(Debug, Default)]
pub(crate) struct Overlay<'a> {
    pub terminal: Option<Terminal>,
    pub editor: Option<EditorCommand>,
    pub jobs: Option<u32>,
    pub budget: Budget,
    pub notify: NotifyKeys,
    pub env: BTreeMap<String, String>,
    pub pass_env: Vec<String>,
    /// The flags of modes, which replace the manifest's.
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

/// Reads the local file. Problems go to `document`.
pub(crate) fn read<'a>(document: &'a Document, root: &'a Node) -> Overlay<'a> {
    let Some(fields) = SectionFields::new(document, root, "the local file", &keys::LOCAL) else {
        return Overlay::default();
    };
    settings_section::version_value(&fields);
    let mut overlay = Overlay {
        terminal: fields.read("terminal", terminal_section::read),
        editor: fields.read("editor", editor_section::read),
        jobs: fields.number("jobs"),
        budget: settings_section::budget(&fields),
        notify: notify_section::read(&fields),
        env: settings_section::env(&fields).unwrap_or_default(),
        pass_env: settings_section::pass_env(&fields),
        flags: Vec::new(),
    };
    for (mode, key, block) in named_entries(fields.read("modes", Document::read_map).unwrap_or_default()) {
        let what = format!("modes.{}", shown(mode));
        let Some(fields) = SectionFields::new(document, block, &what, &keys::LOCAL_MODE) else { continue };
        if let (Some(node), Some(flags)) = (fields.get("flags"), fields.texts("flags")) {
            overlay.flags.push(LocalFlags { mode, key, node, flags });
        }
    }
    overlay
}

/// Adds the problem that the local file sets flags of an unknown mode.
pub(crate) fn unknown_mode<'m>(document: &Document, id: NodeId, name: &str, known: impl IntoIterator<Item = &'m str>) {
    let mut problem = Problem::error(format!("there is no mode `{}` to set flags for", shown(name)));
    problem.hints.extend(did_you_mean(name, known));
    document.add(At::Node(id), problem);
}
