//! Reads `notify:`, of the manifest and of a person's own file over it.

use std::collections::BTreeSet;

use crate::manifest::command_line;
use crate::manifest::document::Document;
use crate::manifest::keys;
use crate::manifest::tree::Node;
use crate::model::interval::Interval;
use crate::model::nearest::nearest;
use crate::model::notify::{NewsKind, Notify};

/// What one file sets; nothing is what it leaves alone.
#[derive(Debug, Default)]
pub(crate) struct NotifyKeys {
    desktop: Option<bool>,
    command: Option<Vec<String>>,
    on: Option<BTreeSet<NewsKind>>,
    every: Option<Interval>,
}

pub(crate) fn read(document: &Document, node: &Node) -> NotifyKeys {
    let Some(fields) = document.fields(node, "notify", keys::NOTIFY) else { return NotifyKeys::default() };
    NotifyKeys {
        desktop: fields.get("desktop").and_then(|value| document.bool(value, "desktop")),
        command: fields.get("command").and_then(|value| command_line::read(document, value, "command")),
        on: fields.get("on").and_then(|value| {
            let items = document.list(value, "on")?;
            Some(items.iter().filter_map(|item| kind(document, item)).collect())
        }),
        every: fields
            .get("every")
            .and_then(|value| document.value(value, "every", "a length of time such as `30m`, `10s` or `1h 30m`")),
    }
}

fn kind(document: &Document, node: &Node) -> Option<NewsKind> {
    let found = NewsKind::ALL.into_iter().find(|kind| node.text() == Some(kind.as_str()));
    if found.is_none() {
        let near = node.text().and_then(|text| nearest(text, NewsKind::ALL.map(NewsKind::as_str)));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        document.expected_hint(node, "on", "`waiting`, `failed`, `done` or `succeeded`", hint);
    }
    found
}

impl NotifyKeys {
    /// These keys under those of `over`.
    pub(crate) fn under(self, over: &Self) -> Self {
        Self {
            desktop: over.desktop.or(self.desktop),
            command: over.command.clone().or(self.command),
            on: over.on.clone().or(self.on),
            every: over.every.or(self.every),
        }
    }

    /// With its defaults; `None` where nobody is to be told anything.
    pub(crate) fn whole(self) -> Option<Notify> {
        let notify = Notify {
            desktop: self.desktop.unwrap_or(false),
            command: self.command.unwrap_or_default(),
            on: self.on.unwrap_or_else(|| Notify::DEFAULT_ON.into()),
            every: self.every.unwrap_or(Notify::DEFAULT_EVERY),
        };
        notify.tells().then_some(notify)
    }
}
