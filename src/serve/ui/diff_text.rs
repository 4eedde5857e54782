//! A patch of git → one part for each file, in sections of lines of one kind. Pure; templates escape its text.

use serde::Serialize;

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LineKind {
    /// Before the first hunk: file names, modes, renames.
    Head,
    Hunk,
    Same,
    Added,
    Removed,
}

/// Consecutive lines of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct DiffSection {
    pub(super) kind: LineKind,
    pub(super) text: String,
}

/// The part of a patch that is about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct FilePatch {
    pub(super) sections: Vec<DiffSection>,
}

/// The files of `patch` in order, with at most `max_lines` lines in all, and whether that is the whole patch.
pub(super) fn by_file(patch: &str, max_lines: usize) -> (Vec<FilePatch>, bool) {
    let mut files: Vec<FilePatch> = Vec::new();
    // Lines in a hunk start with a sign, so that the text of a file is never taken for a header.
    let mut in_hunk = false;
    for (number, line) in patch.lines().enumerate() {
        if number >= max_lines {
            return (files, false);
        }
        if line.starts_with("diff --git ") || line.starts_with("* Unmerged path ") {
            files.push(FilePatch::default());
            in_hunk = false;
        }
        in_hunk |= line.starts_with("@@ ");
        let kind = match line.as_bytes().first() {
            _ if !in_hunk => LineKind::Head,
            Some(b'@') => LineKind::Hunk,
            Some(b'+') => LineKind::Added,
            Some(b'-') => LineKind::Removed,
            _ => LineKind::Same,
        };
        if let Some(file) = files.last_mut() {
            file.push(kind, line);
        }
    }
    (files, true)
}

impl FilePatch {
    /// Whether the file no longer exists.
    pub(super) fn is_deleted(&self) -> bool {
        let head = self.sections.first().filter(|first| first.kind == LineKind::Head);
        head.is_some_and(|head| head.text.lines().any(|line| line.starts_with("deleted file mode ")))
    }

    fn push(&mut self, kind: LineKind, line: &str) {
        match self.sections.last_mut().filter(|last| last.kind == kind) {
            Some(last) => last.text.push('\n'),
            None => self.sections.push(DiffSection { kind, text: String::new() }),
        }
        if let Some(last) = self.sections.last_mut() {
            last.text.extend(line.chars().map(visible));
        }
    }
}

/// Shows characters that are invisible or change the direction of text as a mark.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        // The pictures of control characters.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@ fn\n same\n--- gone\n\
                         -diff --git a/x b/x\n+++ come\n+ 2\n\\ No newline at end of file\ndiff --git a/b b/b\n\
                         new file mode 100644\nBinary files /dev/null and b/b differ\n* Unmerged path c\n";

    fn lines_of(piece: &FilePatch) -> Vec<(LineKind, &str)> {
        piece.sections.iter().map(|stretch| (stretch.kind, stretch.text.as_str())).collect()
    }

    #[test]
    fn each_file_is_a_piece_and_each_line_what_it_does() {
        let (pieces, whole) = by_file(PATCH, 100);
        assert!(whole);
        assert_eq!(
            lines_of(&pieces[0]),
            [
                (LineKind::Head, "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a"),
                (LineKind::Hunk, "@@ -1,3 +1,3 @@ fn"),
                (LineKind::Same, " same"),
                (LineKind::Removed, "--- gone\n-diff --git a/x b/x"),
                (LineKind::Added, "+++ come\n+ 2"),
                (LineKind::Same, "\\ No newline at end of file"),
            ]
        );
        assert_eq!(lines_of(&pieces[1])[0].0, LineKind::Head);
        assert_eq!(lines_of(&pieces[2]), [(LineKind::Head, "* Unmerged path c")]);
    }

    #[test]
    fn it_ends_where_it_is_too_long() {
        let (pieces, whole) = by_file(PATCH, 6);
        assert!(!whole);
        assert_eq!((pieces.len(), lines_of(&pieces[0]).len()), (1, 3));
        assert_eq!(super::by_file("", 1), (Vec::new(), true));
    }

    #[test]
    fn a_deleted_file_is_known_by_its_head() {
        let patch = "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\ndiff --git a/b b/b\n\
                     @@ -1 +1 @@\n-deleted file mode 100644\n+x\n";
        let (files, _) = by_file(patch, 100);
        assert_eq!(files.iter().map(FilePatch::is_deleted).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn nothing_hides() {
        let (pieces, _) = by_file("diff --git a b\n@@ -1 +1 @@\n+a\u{202e}b\x1b[2Jc\td\u{200b}\u{85}\n", 9);
        assert_eq!(lines_of(&pieces[0])[2].1, "+a\u{fffd}b\u{241b}[2Jc\td\u{fffd}\u{fffd}");
    }
}
