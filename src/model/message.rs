//! A text that can be typed into a window unchanged. Checked on creation, then trusted.

/// The longest text, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

/// UTF-8 without control characters that the terminal would interpret instead of passing them to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(String);

/// Why a text is refused; nothing was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("the text is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    #[error("the text is not UTF-8: byte 0x{byte:02x} at offset {at}")]
    NotUtf8 { at: usize, byte: u8 },
    /// An escape would end the paste or press keys; a carriage return is Enter.
    #[error("the text holds {name} at offset {at}, which a terminal would act on")]
    Control { at: usize, name: String },
    /// Not even an empty line: the command whose output was piped may have failed.
    #[error("there is no text")]
    Nothing,
}

impl Message {
    /// Checks `bytes`. Accepts tabs and newlines, refuses every other control character.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, MessageError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(MessageError::TooLong);
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            MessageError::NotUtf8 { at, byte: error.as_bytes()[at] }
        })?;
        let control = text.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\t'));
        match control {
            Some((at, c)) => Err(MessageError::Control { at, name: name(c) }),
            None => Ok(Self(text)),
        }
    }

    /// Checks text from a stream. Its last newline only ends the last line, as in a shell, and is not typed.
    pub fn of_stream(mut bytes: Vec<u8>) -> Result<Self, MessageError> {
        if bytes.is_empty() {
            return Err(MessageError::Nothing);
        }
        bytes.pop_if(|last| *last == b'\n');
        Self::parse(bytes)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn name(c: char) -> String {
    match c {
        '\u{1b}' => "an escape (0x1b)".to_owned(),
        '\r' => "a carriage return (0x0d)".to_owned(),
        '\0' => "a NUL (0x00)".to_owned(),
        _ => format!("the control character 0x{:02x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_named_with_its_place() {
        let why = |bytes: &[u8]| Message::parse(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(why(b"ab\x1b[201~"), "the text holds an escape (0x1b) at offset 2, which a terminal would act on");
        assert!(why(b"a\r\nb").contains("a carriage return (0x0d) at offset 1"));
        assert!(why(b"\x00").contains("a NUL (0x00) at offset 0"));
        assert!(why(b"\x7f").contains("0x7f"));
        assert!(why("é\u{9b}31m".as_bytes()).contains("0x9b at offset 2"), "a terminal takes it for an escape");
        assert_eq!(why(b"abc\xffd"), "the text is not UTF-8: byte 0xff at offset 3");
        assert_eq!(Message::parse(vec![b'x'; MAX_MESSAGE + 1]), Err(MessageError::TooLong));
        for good in ["", "a\tb\n\nc\n", "ünï 😀 e\u{301}\u{a0}"] {
            assert_eq!(Message::parse(good.into()).unwrap().as_str(), good);
        }
    }

    #[test]
    fn the_end_of_a_stream_is_the_end_of_its_last_line() {
        for (read, typed) in [("a\n", "a"), ("a", "a"), ("a\n\n", "a\n"), ("\n", "")] {
            assert_eq!(Message::of_stream(read.into()).unwrap().as_str(), typed);
        }
        assert_eq!(Message::of_stream(Vec::new()), Err(MessageError::Nothing));
    }
}
