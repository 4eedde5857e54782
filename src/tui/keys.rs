//! Bytes of a terminal → keys, clicks and pasted text.
//!
//! The reader of crossterm is not used: it blocks in the middle of an incomplete sequence, and cannot wait for other
//! descriptors.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Enter,
    Tab,
    BackTab,
    Escape,
    Backspace,
    Delete,
    /// A letter with Ctrl, in lower case.
    Ctrl(char),
    Char(char),
    Pasted(String),
    Mouse(MouseEvent),
}

/// Column and row count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MouseEvent {
    pub(crate) kind: MouseKind,
    pub(crate) column: u16,
    pub(crate) row: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MouseKind {
    Click,
    WheelUp,
    WheelDown,
}

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// Bytes of a paste that are waited for, at most.
const PASTE_MAX: usize = 1 << 20;

/// Whether these bytes may be an incomplete key sequence.
pub(crate) fn is_unfinished(bytes: &[u8]) -> bool {
    if let Some(begun) = rfind(bytes, PASTE_BEGINS) {
        return rfind(&bytes[begun..], PASTE_ENDS).is_none() && bytes.len() - begun < PASTE_MAX;
    }
    let escape = bytes.iter().rposition(|byte| *byte == 0x1b);
    let in_sequence = escape.is_some_and(|at| match &bytes[at + 1..] {
        [] => true,
        [b'[' | b'O', rest @ ..] => rest.iter().all(|byte| !(b'@'..=b'~').contains(byte)),
        _ => false,
    });
    in_sequence || std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

fn rfind(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(bytes, what)
}

/// The keys in `bytes`; unknown sequences are skipped.
pub(crate) fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    let mut rest: &str = &text;
    while let Some(c) = rest.chars().next() {
        if let Some(pasted) = rest.strip_prefix("\x1b[200~") {
            let (text, after) = pasted.split_once("\x1b[201~").unwrap_or((pasted, ""));
            keys.push(Key::Pasted(text.to_owned()));
            rest = after;
            continue;
        }
        if let Some(sequence) = rest.strip_prefix("\x1b[").or_else(|| rest.strip_prefix("\x1bO")) {
            let length = sequence.find(|c| ('@'..='~').contains(&c)).map_or(sequence.len(), |at| at + 1);
            keys.extend(of_sequence(&sequence[..length]));
            rest = &sequence[length..];
            continue;
        }
        keys.extend(of_char(c));
        rest = &rest[c.len_utf8()..];
    }
    keys
}

fn of_char(c: char) -> Option<Key> {
    Some(match c {
        '\u{1b}' => Key::Escape,
        '\r' | '\n' => Key::Enter,
        '\t' => Key::Tab,
        '\u{7f}' | '\u{8}' => Key::Backspace,
        '\u{1}'..='\u{1a}' => Key::Ctrl(char::from(b'a' - 1 + u8::try_from(u32::from(c)).ok()?)),
        c if c.is_control() || c == char::REPLACEMENT_CHARACTER => return None,
        c => Key::Char(c),
    })
}

fn of_sequence(code: &str) -> Option<Key> {
    if let Some(event) = code.strip_prefix('<') {
        return of_mouse(event).map(Key::Mouse);
    }
    Some(match code {
        "A" => Key::Up,
        "B" => Key::Down,
        "C" => Key::Right,
        "D" => Key::Left,
        "H" | "1~" | "7~" => Key::Home,
        "F" | "4~" | "8~" => Key::End,
        "3~" => Key::Delete,
        "5~" => Key::PageUp,
        "6~" => Key::PageDown,
        "Z" => Key::BackTab,
        _ => return None,
    })
}

/// `button;column;row` and `M` for a press, `m` for a release.
fn of_mouse(event: &str) -> Option<MouseEvent> {
    let mut numbers = event.strip_suffix('M')?.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let kind = match button {
        0 => MouseKind::Click,
        64 => MouseKind::WheelUp,
        65 => MouseKind::WheelDown,
        _ => return None,
    };
    Some(MouseEvent { kind, column: column.checked_sub(1)?, row: row.checked_sub(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        use Key::*;
        assert_eq!(read(b"j\x1b[A\x1bOB\x1b[6~\x1b[1;5C\r"), [Char('j'), Up, Down, PageDown, Enter]);
        assert_eq!(
            read("é/\u{7f}\u{3}\u{0}\t\x1b[Z".as_bytes()),
            [Char('é'), Char('/'), Backspace, Ctrl('c'), Tab, BackTab]
        );
        assert_eq!(read(b"\x1b"), [Escape]);
        assert_eq!(read(b"\x1bq"), [Escape, Char('q')]);
        assert_eq!(read(b"\xff\x1b["), []);
    }

    #[test]
    fn clicks_have_a_place_and_releases_are_skipped() {
        let event = |kind, column, row| Key::Mouse(MouseEvent { kind, column, row });
        let keys = read(b"\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<64;1;1M\x1b[<65;200;90M\x1b[<0;0;1M");
        assert_eq!(
            keys,
            [event(MouseKind::Click, 2, 3), event(MouseKind::WheelUp, 0, 0), event(MouseKind::WheelDown, 199, 89)]
        );
    }

    #[test]
    fn pasted_text_holds_no_keys() {
        assert_eq!(
            read(b"a\x1b[200~j\r\x1b[A\x1b[201~k"),
            [Key::Char('a'), Key::Pasted("j\r\x1b[A".to_owned()), Key::Char('k')]
        );
    }

    #[test]
    fn incomplete_sequences_are_waited_for() {
        for (bytes, unfinished) in [
            (&b"\x1b"[..], true),
            (b"a\x1b[", true),
            (b"\x1b[<0;1", true),
            (b"\xc3", true),
            (b"\x1b[200~abc", true),
            (b"\x1b[200~abc\x1b[201~", false),
            (b"\x1b[A", false),
            (b"\x1bq", false),
            (b"\xff", false),
        ] {
            assert_eq!(is_unfinished(bytes), unfinished, "{bytes:?}");
        }
    }
}
