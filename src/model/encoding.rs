//! Recognises texts that an editor saved as UTF-16, so that the error can name the encoding and the
//! command that converts the file. Pure.

use std::path::Path;

/// The name, as `iconv` knows it, of the encoding that `bytes` are in, where that is UTF-16: by the byte
/// order mark, else by the zero bytes between ASCII characters.
pub fn utf16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some("UTF-16LE"),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("UTF-16BE"),
        _ => None,
    }
}

/// The hint that ends with the command that makes UTF-8 of the file.
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
