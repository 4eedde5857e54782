//! Makes untrusted text safe for a terminal.
//!
//! Text, tabs, newlines and colours (`ESC [ … m`) are kept. Everything else that a terminal would obey is dropped:
//! titles, clipboard, links, cursor, queries and characters that change the direction of text. A lone carriage return
//! becomes a newline, since it would let text overwrite text.

/// Most bytes that a control string without an end can hide.
const STRING_MAX: usize = 64 << 10;
/// Longest colour sequence, in bytes; a longer one is dropped.
const SGR_MAX: usize = 64;

/// A streaming filter: the output does not depend on how the input is split.
#[derive(Clone, Debug, Default)]
pub struct Sanitizer {
    state: EscapeState,
    /// Bytes of an incomplete character.
    partial: Vec<u8>,
    carriage_return: bool,
    /// Colours were set and not reset.
    coloured: bool,
}

#[derive(Clone, Debug, Default)]
enum EscapeState {
    #[default]
    Text,
    Escape,
    /// `ESC` and intermediate bytes: the final byte follows.
    EscapeMore,
    /// The parameters so far.
    Csi(Vec<u8>),
    /// A control string (OSC, DCS, APC, PM, SOS), and how many of its bytes were dropped.
    Str {
        seen: usize,
        bell_ends: bool,
    },
}

impl Sanitizer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the safe part of `bytes` to `out`.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((&first, rest)) = bytes.split_first() {
            // Most of a log is plain ASCII, which is copied in one piece.
            let plain = if self.at_rest() { bytes.iter().take_while(|b| is_plain(**b)).count() } else { 0 };
            if plain > 0 {
                out.extend(&bytes[..plain]);
                bytes = &bytes[plain..];
            } else {
                self.byte(first, out);
                bytes = rest;
            }
        }
    }

    fn at_rest(&self) -> bool {
        matches!(self.state, EscapeState::Text) && self.partial.is_empty() && !self.carriage_return
    }

    /// To be called at the end of the input: completes a cut character, resets colours.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.char(char::REPLACEMENT_CHARACTER, out);
        }
        if self.carriage_return {
            out.push(b'\n');
        }
        if self.coloured {
            out.extend(b"\x1b[0m");
        }
        *self = Self::default();
    }

    /// Decodes UTF-8. Invalid bytes become U+FFFD, as many as the standard library makes.
    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.partial.is_empty() && byte < 0x80 {
            return self.char(char::from(byte), out);
        }
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial) {
            Ok(text) => {
                let decoded = text.chars().next();
                self.partial.clear();
                decoded.into_iter().for_each(|c| self.char(c, out));
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                // The byte is invalid itself, or it begins a character before the last one was complete.
                let alone = self.partial.len() == 1;
                self.partial.clear();
                self.char(char::REPLACEMENT_CHARACTER, out);
                if !alone {
                    self.byte(byte, out);
                }
            }
        }
    }

    fn char(&mut self, c: char, out: &mut Vec<u8>) {
        // These end or begin a sequence in any state.
        match c {
            '\x1b' => return self.state = EscapeState::Escape,
            '\x18' | '\x1a' => return self.state = EscapeState::Text,
            '\u{80}'..='\u{9f}' => return self.c1(c),
            _ => {}
        }
        match &mut self.state {
            EscapeState::Text => self.text(c, out),
            EscapeState::Escape => match c {
                '[' => self.state = EscapeState::Csi(Vec::new()),
                ']' => self.state = EscapeState::Str { seen: 0, bell_ends: true },
                'P' | 'X' | '^' | '_' => self.state = EscapeState::Str { seen: 0, bell_ends: false },
                ' '..='/' => self.state = EscapeState::EscapeMore,
                '0'..='~' => self.state = EscapeState::Text,
                _ => self.abort(c, out),
            },
            EscapeState::EscapeMore => match c {
                ' '..='/' => {}
                '0'..='~' => self.state = EscapeState::Text,
                _ => self.abort(c, out),
            },
            EscapeState::Csi(parameters) => match c {
                ' '..='?' => {
                    // One byte beyond the limit is kept to detect that it was exceeded.
                    if parameters.len() <= SGR_MAX {
                        parameters.push(c as u8);
                    }
                }
                '@'..='~' => {
                    let parameters = std::mem::take(parameters);
                    self.state = EscapeState::Text;
                    if c == 'm' {
                        self.colour(&parameters, out);
                    }
                }
                _ => self.abort(c, out),
            },
            EscapeState::Str { seen, bell_ends } => {
                *seen += c.len_utf8();
                if *seen >= STRING_MAX || (c == '\x07' && *bell_ends) {
                    self.state = EscapeState::Text;
                }
            }
        }
    }

    /// A character that cannot belong to a sequence ends it and counts as text.
    fn abort(&mut self, c: char, out: &mut Vec<u8>) {
        self.state = EscapeState::Text;
        self.text(c, out);
    }

    /// The 8-bit forms of the escapes, encoded in UTF-8. Some terminals obey them.
    fn c1(&mut self, c: char) {
        self.state = match c {
            '\u{9b}' => EscapeState::Csi(Vec::new()),
            '\u{9d}' => EscapeState::Str { seen: 0, bell_ends: true },
            '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => EscapeState::Str { seen: 0, bell_ends: false },
            _ => EscapeState::Text,
        };
    }

    fn text(&mut self, c: char, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.carriage_return) && c != '\n' && c != '\r' {
            out.push(b'\n');
        }
        match c {
            '\r' => self.carriage_return = true,
            '\t' | '\n' => out.push(c as u8),
            '\0'..='\x1f' | '\x7f' => {}
            _ if is_bidi_control(c) => {}
            _ => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn colour(&mut self, parameters: &[u8], out: &mut Vec<u8>) {
        let plain = parameters.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'));
        if !plain || parameters.len() > SGR_MAX {
            return;
        }
        if std::mem::take(&mut self.carriage_return) {
            out.push(b'\n');
        }
        out.extend(b"\x1b[");
        out.extend(parameters);
        out.push(b'm');
        self.coloured = !matches!(parameters, b"" | b"0" | b"00");
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n')
}

/// Whether `c` is invisible and changes the direction in which a terminal shows the text after it.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// One safe line for titles and tables: no colours, no newlines, no direction controls.
pub fn sanitize_line(text: &str) -> String {
    // Fast path: nearly all text is plain, and a table has many cells.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.trim_end().to_owned();
    }
    let mut sanitizer = Sanitizer::new();
    let mut out = Vec::with_capacity(text.len());
    sanitizer.feed(text.as_bytes(), &mut out);
    let safe = String::from_utf8_lossy(&out);
    let mut line = String::with_capacity(safe.len());
    let mut in_colour = false;
    for c in safe.chars() {
        match c {
            '\x1b' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if in_colour => {}
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => line.push(' '),
            _ => line.push(c),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(parts: &[&[u8]]) -> Vec<u8> {
        let mut sanitizer = Sanitizer::new();
        let mut out = Vec::new();
        for part in parts {
            sanitizer.feed(part, &mut out);
        }
        sanitizer.finish(&mut out);
        out
    }

    #[track_caller]
    fn check(input: &[u8], expected: &str) {
        assert_eq!(String::from_utf8(clean(&[input])).unwrap(), expected);
        let single: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(String::from_utf8(clean(&single)).unwrap(), expected, "byte by byte");
    }

    #[test]
    fn keeps_text_and_colours() {
        check("a\tb\nü🦀\x1b[1;38:5:9mred\x1b[0m\x1b[m\n".as_bytes(), "a\tb\nü🦀\x1b[1;38:5:9mred\x1b[0m\x1b[m\n");
        check(b"\x1b[31mleft on", "\x1b[31mleft on\x1b[0m");
        check(b"one\r\ntwo\r\r\nthree", "one\ntwo\nthree");
        check(b"10%\r20%\r", "10%\n20%\n");
    }

    #[test]
    fn drops_what_a_terminal_would_obey() {
        for attack in [
            "\x1b]0;title\x07",
            "\x1b]52;c;cm0gLXJmIC8=\x1b\\",
            "\x1b]8;;http://evil/\x07",
            "\x1bP+q544e\x1b\\",
            "\x1b_G\x1b\\",
            "\x1b^x\x1b\\",
            "\x1bXx\x1b\\",
            "\x1b[2J",
            "\x1b[?1049h",
            "\x1b[>4;1m",
            "\x1b[1 m",
            "\x1b[6n",
            "\x1bc",
            "\x1b(0",
            "\x1b#8",
            "\u{9b}2J",
            "\u{9d}0;title\u{9c}",
            "\u{90}q\u{9c}",
            "\u{85}",
            "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
            "\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}",
            "\x07\x08\x0b\x0c\x0e\x7f\0",
            "\x1b]0;a\x18",
            "\x1b[31\x1b[2J",
        ] {
            check(format!("a{attack}b").as_bytes(), "ab");
        }
        let long = format!("a\x1b[{}mb", "1;".repeat(100));
        check(long.as_bytes(), "ab");
        check(b"a\x1b[12\nb", "a\nb");
    }

    #[test]
    fn an_endless_string_hides_little() {
        let mut input = b"a\x1b]0;".to_vec();
        input.extend(vec![b'x'; STRING_MAX]);
        input.extend(b"\nseen");
        assert!(String::from_utf8(clean(&[&input])).unwrap().ends_with("\nseen"));
    }

    #[test]
    fn broken_utf8_is_shown() {
        check(b"a\xffb\xe2\x82c\xf0\x9f\x1b[2Jd\xc3", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}");
        check(b"\x9b2J", "\u{fffd}2J");
    }

    #[test]
    fn a_line_is_one_plain_line() {
        assert_eq!(sanitize_line("a\x1b[1mb\x1b[0m\nc\td\u{202e}e \r\n"), "ab c de");
        assert_eq!(sanitize_line("\x1b]0;x"), "");
    }

    /// Bytes among which sequences are likely.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            Just(0x1b),
            Just(b'['),
            Just(b']'),
            Just(b'm'),
            Just(0xc2),
            Just(0x9b),
            Just(b';'),
            Just(b'\r')
        ];
        proptest::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn output_is_safe_and_does_not_depend_on_chunks(input in noise(), cuts in proptest::collection::vec(0..200usize, 0..5)) {
            let whole = clean(&[&input]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&input[from..cut]);
                from = cut;
            }
            parts.push(&input[from..]);
            prop_assert_eq!(&clean(&parts), &whole);
            let text = String::from_utf8(whole).unwrap();
            let mut pieces = text.split('\x1b');
            prop_assert!(pieces.next().unwrap().chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            for piece in pieces {
                let end = piece.find('m').unwrap();
                let valid = piece[..end].strip_prefix('[').unwrap();
                prop_assert!(valid.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':'));
                prop_assert!(piece.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            }
            // Clean text does not change.
            prop_assert_eq!(clean(&[text.as_bytes()]), text.as_bytes());
        }

        #[test]
        fn a_line_never_holds_a_control(text in any::<String>()) {
            prop_assert!(!sanitize_line(&text).contains(|c: char| c.is_control() || is_bidi_control(c)));
        }
    }
}
