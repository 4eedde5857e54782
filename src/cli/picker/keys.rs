//! Bytes of a terminal → keys.

/// A key that the picker handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    Enter,
    Escape,
    Backspace,
    Interrupt,
    Char(char),
}

/// Whether these bytes may be an incomplete key sequence.
pub(super) fn is_unfinished(bytes: &[u8]) -> bool {
    matches!(bytes, [.., 0x1b] | [.., 0x1b, b'[' | b'O'])
        || std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// The keys in `bytes`; unknown sequences are skipped.
pub(super) fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let key = match c {
            '\u{1b}' if rest.next_if(|c| matches!(c, '[' | 'O')).is_some() => {
                let mut code = String::new();
                for c in rest.by_ref() {
                    code.push(c);
                    if matches!(c, '@'..='~') {
                        break;
                    }
                }
                of_sequence(&code)
            }
            '\u{1b}' => Some(Key::Escape),
            '\r' | '\n' => Some(Key::Enter),
            '\u{7f}' | '\u{8}' => Some(Key::Backspace),
            // Ctrl-C, Ctrl-P, Ctrl-N.
            '\u{3}' => Some(Key::Interrupt),
            '\u{10}' => Some(Key::Up),
            '\u{e}' => Some(Key::Down),
            c if c.is_control() || c == char::REPLACEMENT_CHARACTER => None,
            c => Some(Key::Char(c)),
        };
        keys.extend(key);
    }
    keys
}

fn of_sequence(code: &str) -> Option<Key> {
    Some(match code {
        "A" => Key::Up,
        "B" => Key::Down,
        "H" | "1~" | "7~" => Key::Home,
        "F" | "4~" | "8~" => Key::End,
        "5~" => Key::PageUp,
        "6~" => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        use Key::*;
        assert_eq!(read(b"j\x1b[A\x1bOB\x1b[6~\x1b[1;5C\r"), [Char('j'), Up, Down, PageDown, Enter]);
        assert_eq!(read("é/\u{7f}\u{3}\u{0}".as_bytes()), [Char('é'), Char('/'), Backspace, Interrupt]);
        assert_eq!(read(b"\x1b"), [Escape]);
        assert_eq!(read(b"\x1bq"), [Escape, Char('q')]);
        assert_eq!(read(b"\xff\x1b["), []);
        for (bytes, unfinished) in
            [(&b"\x1b"[..], true), (b"a\x1b[", true), (b"\xc3", true), (b"\x1b[A", false), (b"\xff", false)]
        {
            assert_eq!(is_unfinished(bytes), unfinished, "{bytes:?}");
        }
    }
}
