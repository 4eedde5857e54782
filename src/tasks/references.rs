//! Resolves a name by which a task file refers to another task, as the tool that wrote the file would.
//!
//! Tried in this order: an id as written, a file's name, an id in another case or with other leading zeros, a
//! scopecraft folder without `FEATURE_` or `AREA_`, a bare number of Backlog.md. If several tasks match, the one with
//! the nearest file is taken, provided it is unique.

use std::collections::HashMap;
use std::path::Path;

use crate::tasks::ids::{OVERVIEW, titled};
use crate::tasks::task_file::TaskDraft;

/// Prefixes that scopecraft gives to a folder with an overview.
const FOLDER_KINDS: [&str; 2] = ["FEATURE_", "AREA_"];

/// The names of all tasks.
#[derive(Debug)]
pub(super) struct References<'a> {
    drafts: &'a [TaskDraft],
    ids: HashMap<&'a str, usize>,
    aliases: HashMap<&'a str, Vec<usize>>,
    /// Ids and aliases, normalised by [`folded`].
    folded: HashMap<String, Vec<usize>>,
    overviews: HashMap<&'a Path, usize>,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referent {
    Task(usize),
    /// An ancestor folder of the file, which is no task.
    OwnFolder,
    Unknown,
}

impl<'a> References<'a> {
    pub(super) fn new(drafts: &'a [TaskDraft]) -> Self {
        let (ids, aliases, overviews) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut all = Self { drafts, ids, aliases, folded: HashMap::new(), overviews };
        for (i, draft) in drafts.iter().enumerate() {
            all.ids.insert(draft.task.id.as_str(), i);
            for alias in &draft.aliases {
                all.aliases.entry(alias).or_default().push(i);
            }
            for name in draft.aliases.iter().map(String::as_str).chain([draft.task.id.as_str()]) {
                let same = all.folded.entry(folded(name)).or_default();
                if !same.contains(&i) {
                    same.push(i);
                }
            }
            if let (true, Some(path)) = (draft.task.is_overview, &draft.task.path) {
                all.overviews.extend(path.parent().map(|folder| (folder, i)));
            }
        }
        all
    }

    /// The task that `text` in the file of the draft `from` refers to.
    pub(super) fn resolve(&self, text: &str, from: usize) -> Referent {
        let bare = [".task.md", ".md"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        if let Some(found) = self.named(bare, from) {
            return Referent::Task(found);
        }
        if bare == OVERVIEW {
            return self.own_overview(from).map_or(Referent::OwnFolder, Referent::Task);
        }
        let last = bare.rsplit('/').next().filter(|last| *last != bare);
        let before_title = titled(bare).map(|(id, _)| id);
        let of_kind = FOLDER_KINDS.iter().map(|kind| format!("{kind}{bare}"));
        let others =
            last.into_iter().chain(before_title).map(str::to_owned).chain(of_kind).chain(self.numbered(bare, from));
        for other in others {
            if let Some(found) = self.named(&other, from) {
                return Referent::Task(found);
            }
        }
        if self.lies_in(bare, from) { Referent::OwnFolder } else { Referent::Unknown }
    }

    /// The nearest overview above a file; for an overview, the next one up.
    pub(super) fn above(&self, draft: &TaskDraft) -> Option<usize> {
        let path = draft.task.path.as_deref()?;
        let folder = if draft.task.is_overview { path.parent()? } else { path };
        folder.ancestors().skip(1).find_map(|folder| self.overviews.get(folder).copied())
    }

    fn named(&self, text: &str, from: usize) -> Option<usize> {
        if let Some(found) = self.ids.get(text) {
            return Some(*found);
        }
        let nearest = |found: &Vec<usize>| self.nearest(found, from);
        self.aliases.get(text).and_then(nearest).or_else(|| self.folded.get(&folded(text)).and_then(nearest))
    }

    /// The overview of the folder that contains the draft's file or, if it has none, of the next one up.
    fn own_overview(&self, from: usize) -> Option<usize> {
        let path = self.drafts[from].task.path.as_deref()?;
        path.ancestors().skip(1).find_map(|folder| self.overviews.get(folder).copied())
    }

    /// The task in `found` whose file shares the most folders with the draft's file; `None` if several do.
    fn nearest(&self, found: &[usize], from: usize) -> Option<usize> {
        let [first, rest @ ..] = found else { return None };
        if rest.is_empty() {
            return Some(*first);
        }
        let folders = |i: usize| self.drafts[i].task.path.as_deref().into_iter().flat_map(Path::iter);
        let shared = |i: usize| folders(i).zip(folders(from)).take_while(|(a, b)| a == b).count();
        let most = found.iter().map(|i| shared(*i)).max()?;
        let mut best = found.iter().filter(|i| shared(**i) == most);
        best.next().filter(|_| best.next().is_none()).copied()
    }

    /// The id for Backlog.md's bare number: `12` in a file of `TASK-7` is `TASK-12`.
    fn numbered(&self, text: &str, from: usize) -> Option<String> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let (kind, _) = self.drafts[from].task.id.as_str().rsplit_once('-')?;
        is_number.then(|| format!("{kind}-{text}"))
    }

    /// Whether the draft's file is in a folder of that name, at any depth.
    fn lies_in(&self, text: &str, from: usize) -> bool {
        let path = self.drafts[from].task.path.as_deref();
        let mut folders = path.into_iter().flat_map(Path::ancestors).skip(1).filter_map(Path::file_name);
        folders.any(|folder| {
            let folder = folder.to_string_lossy();
            FOLDER_KINDS.iter().any(|kind| folder.strip_prefix(kind) == Some(text)) || folder == text
        })
    }
}

/// Lower case, and numbers without leading zeros, so that `TASK-007` and `task-7` are equal.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_number = false;
    while let Some(c) = chars.next() {
        let leads = c == '0' && !in_number && chars.peek().is_some_and(char::is_ascii_digit);
        if leads {
            continue;
        }
        in_number = c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn case_and_leading_zeros_do_not_matter() {
        for (a, b) in
            [("TASK-007", "task-7"), ("task-1.02", "Task-1.2"), ("x0", "X0"), ("000", "0"), ("a-100", "A-100")]
        {
            assert_eq!(folded(a), folded(b));
        }
        assert_ne!(folded("task-10"), folded("task-1"));
    }
}
