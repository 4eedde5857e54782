//! Parses git's list of changed files (`--numstat -z`). Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub path: PathBuf,
    /// Its previous name, if it was renamed.
    pub from: Option<PathBuf>,
    /// Lines added and removed; `None` for a binary file.
    pub lines: Option<(u64, u64)>,
}

/// The files at the start of `text`, and the length of that part in bytes. An empty record ends it. `None` if it is cut
/// off or not in git's format.
pub(super) fn parse(text: &[u8]) -> Option<(Vec<Changed>, usize)> {
    let mut files = Vec::new();
    let mut at = 0;
    let mut record = || -> Option<&[u8]> {
        let rest = text.get(at..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        at += end + 1;
        rest.get(..end)
    };
    // Without a patch the list ends with the text, not with an empty record.
    while let Some(line) = record().filter(|line| !line.is_empty()) {
        let mut fields = line.splitn(3, |byte| *byte == b'\t');
        let (added, removed, name) = (fields.next()?, fields.next()?, fields.next()?);
        let (from, name) = match name {
            [] => (Some(path(record()?)), record()?),
            name => (None, name),
        };
        let lines = number(added).zip(number(removed));
        files.push(Changed { path: path(name), from, lines });
    }
    Some((files, at))
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, from: Option<&str>, lines: Option<(u64, u64)>) -> Changed {
        Changed { path: path.into(), from: from.map(PathBuf::from), lines }
    }

    #[test]
    fn files_are_told_with_odd_names_and_renames() {
        let text = b"1\t0\ta\0-\t-\tbin\x000\t2\t\0b \"q\"\0c\x001\t0\tnew\nline\0\0diff --git a/a b/a\n";
        let (files, length) = parse(text).unwrap();
        let expected = [
            changed("a", None, Some((1, 0))),
            changed("bin", None, None),
            changed("c", Some("b \"q\""), Some((0, 2))),
            changed("new\nline", None, Some((1, 0))),
        ];
        assert_eq!(files, expected);
        assert!(text[length..].starts_with(b"diff --git a/a"));
    }

    #[test]
    fn nothing_is_nothing_and_a_list_may_stand_alone() {
        assert_eq!(parse(b""), Some((Vec::new(), 0)));
        assert_eq!(parse(b"1\t2\ta\0"), Some((vec![changed("a", None, Some((1, 2)))], 6)));
        assert_eq!(parse(b"fatal: what\0"), None);
        assert_eq!(parse(b"0\t0\t\0from\0"), None);
    }
}
