//! Reads `editor:`: the command that opens a file in the user's editor, with `{{ file }}` and `{{ line }}`.

use crate::manifest::document::Document;
use crate::manifest::placeholder_command;
use crate::manifest::tree::Node;
use crate::model::editor::{EditorCommand, PLACEHOLDERS};

pub(crate) fn read(document: &Document, node: &Node, what: &str) -> Option<EditorCommand> {
    let command = placeholder_command::read(document, node, what, &PLACEHOLDERS)?;
    Some(EditorCommand::written(command.words))
}
