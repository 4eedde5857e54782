//! File names → ids and order.

use std::path::Path;

use crate::model::names::TaskId;

/// The name of a file that is the task of its folder, and an alias of that task.
pub(super) const OVERVIEW: &str = "_overview";

/// The id and order in a file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stem {
    /// The name without `.task.md` or `.md`; for an overview, that of its folder.
    pub(super) whole: String,
    /// Without the `NN_` prefix or a title after the id, if that leaves a valid id.
    pub(super) id: String,
    pub(super) order: Option<u32>,
    pub(super) is_overview: bool,
    /// The text after the id in `TASK-1 - Some-title`, as Backlog.md names files.
    pub(super) title: Option<String>,
}

/// Parses the last part of `path`. Bytes that are not UTF-8 become U+FFFD, which no id may contain.
pub(super) fn stem(path: &Path) -> Stem {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bare = [".task.md", ".md"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let is_overview = bare == OVERVIEW;
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let whole = if is_overview { folder.into_owned() } else { bare.to_owned() };
    if let Some((id, title)) = titled(&whole) {
        let (id, title) = (id.to_owned(), Some(title.replace('-', " ")));
        return Stem { id, title, order: None, is_overview, whole };
    }
    let (order, id) = numbered(&whole).map_or((None, whole.as_str()), |(order, rest)| (Some(order), rest));
    Stem { id: id.to_owned(), order, is_overview, whole, title: None }
}

/// Splits `TASK-1 - Some-title`, if its first part is a valid id.
pub(super) fn titled(text: &str) -> Option<(&str, &str)> {
    text.split_once(" - ").filter(|(id, _)| TaskId::parse(id).is_ok())
}

/// Splits `01_name`; `None` unless the rest is a valid id.
fn numbered(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..)?.strip_prefix('_')?;
    let order = if digits >= 2 { text[..digits].parse().ok()? } else { return None };
    TaskId::parse(rest).is_ok().then_some((order, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_prefix_as_order_and_the_rest_as_id() {
        for (path, id, order) in [
            ("t/TASK-42.md", "TASK-42", None),
            ("t/TASK-42.task.md", "TASK-42", None),
            ("t/01_design.task.md", "design", Some(1)),
            ("t/1_design.md", "1_design", None),
            ("t/01_.md", "01_", None),
            ("t/01_-x.md", "01_-x", None),
            ("t/99999999999_x.md", "99999999999_x", None),
            ("t/02_FEATURE_x/_overview.md", "FEATURE_x", Some(2)),
            ("FEATURE_x/_overview.task.md", "FEATURE_x", None),
            ("t/note.txt", "note.txt", None),
            ("t/task-1.2 - Some-title.md", "task-1.2", None),
            ("t/no id - title.md", "no id - title", None),
        ] {
            let stem = stem(Path::new(path));
            assert_eq!((stem.id.as_str(), stem.order), (id, order), "{path}");
        }
    }
}
