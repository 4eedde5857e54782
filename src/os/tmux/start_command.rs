//! Parses `#{pane_start_command}`: argv as tmux 3.2 and newer prints it.
//!
//! tmux quotes a word if needed and prints control characters and bytes that are not UTF-8 as C escapes (`vis(3)`),
//! which no shell splitter reads.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The words; `None` for a text that tmux cannot have printed (an open quote or escape).
pub(super) fn split(text: &str) -> Option<Vec<OsString>> {
    if !text.contains(['"', '\'', '\\']) {
        return Some(text.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect());
    }
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (None, b' ') => words.extend(word.take()),
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (Some(open), _) if byte == open => quote = None,
            (_, b'\\') => {
                let decoded = escaped(&mut bytes)?;
                word.get_or_insert_default().push(decoded);
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote.is_none().then(|| words.into_iter().map(OsString::from_vec).collect())
}

/// The byte after a backslash, inside single quotes too: tmux escapes before it quotes.
fn escaped(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> Option<u8> {
    Some(match bytes.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        b's' => b' ',
        first @ b'0'..=b'7' => {
            let mut value = u32::from(first - b'0');
            for _ in 0..2 {
                let Some(digit) = bytes.next_if(|next| (b'0'..=b'7').contains(next)) else { break };
                value = value * 8 + u32::from(digit - b'0');
            }
            u8::try_from(value).ok()?
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        Some(split(text)?.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn reads_what_tmux_writes() {
        let of = |text| words(text).unwrap();
        assert_eq!(of("/p __exec /r"), ["/p", "__exec", "/r"]);
        let nasty = r##"/p __exec "/a b/'q\"#{pid};x/\$HOME~\\z""##;
        assert_eq!(of(nasty), ["/p", "__exec", r##"/a b/'q"#{pid};x/$HOME~\z"##]);
        assert_eq!(of(r"'a b' '' \~ \; a\nb\tc\001"), ["a b", "", "~", ";", "a\nb\tc\u{1}"]);
        assert_eq!(of(""), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        assert_eq!(words("\"open"), None);
        assert_eq!(words("a\\"), None);
        assert_eq!(words(r"\777"), None);
    }
}
