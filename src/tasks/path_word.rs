//! Compares a typed word with the path of a task's file, or a suffix of the path.
//!
//! `release-v1/AREA_ui` matches `tasks/release-v1/AREA_ui/_overview.md` and `tasks/release-v1/AREA_ui.md`; the
//! extension and an `NN_` prefix may be omitted. Pure: compares text, reads no files.

use std::path::Path;

use crate::model::lexical_path::without_dots;
use crate::tasks::ids::stem;

/// How a typed word matches a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    /// The word is a suffix of the path.
    End,
    /// The word is the path, relative to the folder in which it was typed.
    Whole,
}

/// Compares `typed`, as typed in the folder `here`, with a file of the project at `root`.
pub(super) fn compare(typed: &str, here: &Path, root: &Path, file: &Path) -> Match {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    if without_dots(&here.join(typed)) == without_dots(&absolute) {
        return Match::Whole;
    }
    let words: Vec<&str> = typed.split('/').filter(|word| !word.is_empty() && *word != ".").collect();
    let Some((last, folders)) = words.split_last() else { return Match::No };
    if typed.starts_with('/') || words.contains(&"..") {
        return Match::No;
    }
    let below = file.strip_prefix(root).unwrap_or(file);
    let known = stem(file);
    let names: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let Some((name, above)) = names.split_last() else { return Match::No };
    let bare = [".task.md", ".md"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if (last == name || *last == bare || !known.is_overview && *last == known.id) && ends_with(above, folders) {
        return Match::End;
    }
    match above.split_last() {
        Some((folder, above)) if known.is_overview => {
            let named = last == folder || *last == known.id;
            if named && ends_with(above, folders) { Match::End } else { Match::No }
        }
        _ => Match::No,
    }
}

fn ends_with(all: &[String], end: &[&str]) -> bool {
    all.len() >= end.len() && all[all.len() - end.len()..].iter().zip(end).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_an_end_of_it_names_a_file() {
        let (root, here) = (Path::new("/p"), Path::new("/p/tasks"));
        for (typed, file, expected) in [
            ("v1/AREA_ui", "tasks/v1/AREA_ui/_overview.md", Match::End),
            ("AREA_ui", "tasks/v1/AREA_ui/_overview.md", Match::End),
            ("v1/ui", "tasks/v1/02_ui/_overview.md", Match::End),
            ("v1/AREA_ui/_overview", "tasks/v1/AREA_ui/_overview.md", Match::End),
            ("v1/AREA_ui", "tasks/v2/AREA_ui/_overview.md", Match::No),
            ("1/AREA_ui", "tasks/v1/AREA_ui/_overview.md", Match::No),
            ("v1/design", "tasks/v1/01_design.task.md", Match::End),
            ("v1/01_design", "tasks/v1/01_design.task.md", Match::End),
            ("design.md", "tasks/v1/design.md", Match::End),
            ("v1/design.md", "tasks/v1/design.md", Match::Whole),
            ("../tasks/./v1/design.md", "tasks/v1/design.md", Match::Whole),
            ("/p/tasks/v1/design.md", "tasks/v1/design.md", Match::Whole),
            ("/v1/design", "tasks/v1/design.md", Match::No),
            ("../v1/design", "tasks/v1/design.md", Match::No),
            ("", "tasks/v1/design.md", Match::No),
            ("sign", "tasks/v1/design.md", Match::No),
        ] {
            assert_eq!(compare(typed, here, root, &root.join(file)), expected, "{typed} {file}");
        }
    }
}
