//! Reads `notify:` of the manifest and of the local file.

use std::collections::BTreeSet;

use crate::manifest::document::Document;
use crate::manifest::fields::SectionFields;
use crate::model::interval::Interval;
use crate::model::notify::{NoticeKind, Notify};

/// The keys of one file. `None`: the file does not set that key.
#[derive(Debug, Default)]
pub(crate) struct NotifyKeys {
    desktop: Option<bool>,
    command: Option<Vec<String>>,
    on: Option<BTreeSet<NoticeKind>>,
    every: Option<Interval>,
}

pub(crate) fn read(fields: &SectionFields<'_>) -> NotifyKeys {
    let Some(fields) = fields.fields_of("notify") else { return NotifyKeys::default() };
    NotifyKeys {
        desktop: fields.bool("desktop"),
        command: fields.command("command"),
        on: fields.read("on", Document::read_list).map(|items| {
            items.iter().filter_map(|item| fields.document.read_choice(item, "on", NoticeKind::WORDS)).collect()
        }),
        every: fields.interval("every"),
    }
}

impl NotifyKeys {
    /// These keys, overridden by those that `over` sets.
    pub(crate) fn under(self, over: &Self) -> Self {
        Self {
            desktop: over.desktop.or(self.desktop),
            command: over.command.clone().or(self.command),
            on: over.on.clone().or(self.on),
            every: over.every.or(self.every),
        }
    }

    /// The settings with their defaults; `None` if notices are off.
    pub(crate) fn whole(self) -> Option<Notify> {
        let notify = Notify {
            desktop: self.desktop.unwrap_or(false),
            command: self.command.unwrap_or_default(),
            on: self.on.unwrap_or_else(|| Notify::DEFAULT_ON.into()),
            every: self.every.unwrap_or(Notify::DEFAULT_EVERY),
        };
        notify.is_enabled().then_some(notify)
    }
}
