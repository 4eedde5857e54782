//! Recognises UTF-16 files, so that an error can name the encoding and the command that converts the file. Pure.

use std::path::Path;

/// The encoding of `bytes` as `iconv` names it, if it is UTF-16: decided by the byte order mark, else by the zero
/// bytes between ASCII characters.
pub fn utf16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some("UTF-16LE"),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("UTF-16BE"),
        _ => None,
    }
}

/// The hint with the command that converts the file to UTF-8.
pub fn to_utf8_hint(encoding: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let (from, to) = (shell_words::quote(&path), format!("{path}.utf8"));
    let to = shell_words::quote(&to);
    format!("save it as UTF-8: `iconv -f {encoding} -t UTF-8 {from} > {to} && mv {to} {from}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_known_by_its_mark_or_its_zero_bytes() {
        for (bytes, expected) in [
            (&b"\xff\xfe-\0-\0"[..], Some("UTF-16")),
            (b"\xfe\xff\0-\0-", Some("UTF-16")),
            (b"-\0-\0-\0", Some("UTF-16LE")),
            (b"\0-\0-", Some("UTF-16BE")),
            (b"---\n", None),
            (b"\xef\xbb\xbf---", None),
            (b"a\0", None),
            (b"\0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(utf16(bytes), expected, "{bytes:?}");
        }
    }
}
