//! The server's token: a secret that is compared in constant time and not printed by `Debug`.

use std::fmt;

/// 256 random bits as 64 hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// `bytes` must come from the kernel's random source.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The secret: only for its file and for the user who requests it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares hashes in constant time, so the time does not depend on the position of a wrong byte.
    pub fn matches(&self, offered: &[u8]) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(offered)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_matches_itself_alone_and_does_not_show_itself() {
        let token = Token::from_random([0xa5; 32]);
        assert_eq!(token.reveal(), "a5".repeat(32));
        assert!(token.matches("a5".repeat(32).as_bytes()));
        let mut wrong = "a5".repeat(32);
        wrong.replace_range(63.., "6");
        for wrong in [wrong, "A5".repeat(32), String::new(), "a5".repeat(33)] {
            assert!(!token.matches(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
