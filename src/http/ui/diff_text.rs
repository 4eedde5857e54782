//! A patch as git writes it → pieces that can be shown: a file each, of runs of lines that stand alike.
//! Pure; what is shown of it is escaped by the templates.

use serde::Serialize;

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Where it stands, its mode, its old name.
    Head,
    /// The head of a hunk.
    Hunk,
    Same,
    Added,
    Removed,
}

/// Lines of one kind that follow one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Stretch {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What a patch says of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    pub(super) stretches: Vec<Stretch>,
}

/// The pieces of `patch`, in order, of at most `most` lines in all; and whether that was all.
pub(super) fn pieces(patch: &str, most: usize) -> (Vec<Piece>, bool) {
    let mut pieces: Vec<Piece> = Vec::new();
    // Lines of a hunk begin with what they do, so that no file's text can be taken for a head.
    let mut in_hunk = false;
    for (number, line) in patch.lines().enumerate() {
        if number >= most {
            return (pieces, false);
        }
        if line.starts_with("diff --git ") || line.starts_with("* Unmerged path ") {
            pieces.push(Piece::default());
            in_hunk = false;
        }
        in_hunk |= line.starts_with("@@ ");
        let kind = match line.as_bytes().first() {
            _ if !in_hunk => Kind::Head,
            Some(b'@') => Kind::Hunk,
            Some(b'+') => Kind::Added,
            Some(b'-') => Kind::Removed,
            _ => Kind::Same,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(kind, line);
        }
    }
    (pieces, true)
}

impl Piece {
    fn push(&mut self, kind: Kind, line: &str) {
        match self.stretches.last_mut().filter(|last| last.kind == kind) {
            Some(last) => last.text.push('\n'),
            None => self.stretches.push(Stretch { kind, text: String::new() }),
        }
        if let Some(last) = self.stretches.last_mut() {
            last.text.extend(line.chars().map(visible));
        }
    }
}

/// What would be invisible, or turn the text around it, is shown as a mark.
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

    fn told(piece: &Piece) -> Vec<(Kind, &str)> {
        piece.stretches.iter().map(|stretch| (stretch.kind, stretch.text.as_str())).collect()
    }

    #[test]
    fn each_file_is_a_piece_and_each_line_what_it_does() {
        let (pieces, whole) = pieces(PATCH, 100);
        assert!(whole);
        assert_eq!(
            told(&pieces[0]),
            [
                (Kind::Head, "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a"),
                (Kind::Hunk, "@@ -1,3 +1,3 @@ fn"),
                (Kind::Same, " same"),
                (Kind::Removed, "--- gone\n-diff --git a/x b/x"),
                (Kind::Added, "+++ come\n+ 2"),
                (Kind::Same, "\\ No newline at end of file"),
            ]
        );
        assert_eq!(told(&pieces[1])[0].0, Kind::Head);
        assert_eq!(told(&pieces[2]), [(Kind::Head, "* Unmerged path c")]);
    }

    #[test]
    fn it_ends_where_it_is_too_long() {
        let (pieces, whole) = pieces(PATCH, 6);
        assert!(!whole);
        assert_eq!((pieces.len(), told(&pieces[0]).len()), (1, 3));
        assert_eq!(super::pieces("", 1), (Vec::new(), true));
    }

    #[test]
    fn nothing_hides() {
        let (pieces, _) = pieces("diff --git a b\n@@ -1 +1 @@\n+a\u{202e}b\x1b[2Jc\td\u{200b}\u{85}\n", 9);
        assert_eq!(told(&pieces[0])[2].1, "+a\u{fffd}b\u{241b}[2Jc\td\u{fffd}\u{fffd}");
    }
}
