//! An amount of bytes as users write it: `1GiB`, `512MB`, `4096`.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A number of bytes, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(u64);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl Bytes {
    /// The accepted form, for messages.
    pub const FORM: &str = "an amount of bytes such as `1GiB`, `512MB` or `65536`";

    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    pub fn get(self) -> u64 {
        self.0
    }

    /// Parses a whole number with an optional unit. `None` for zero, signs and overflow.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().ok()?;
        let unit = text[digits..].trim_start();
        let scale = if unit.is_empty() { 1 } else { UNITS.iter().find(|(name, _)| *name == unit)?.1 };
        let total = number.checked_mul(scale)?;
        (total > 0 && total <= i64::MAX as u64).then_some(Self(total))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = UNITS[5..].iter().rev().find(|(_, scale)| self.0.is_multiple_of(*scale));
        match binary {
            Some((unit, scale)) => write!(f, "{}{unit}", self.0 / scale),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("invalid value: {text:?}, expected {}", Self::FORM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_round_trips() {
        for (text, count) in [("1GiB", 1 << 30), ("512MB", 512_000_000), ("4096", 4096), ("1 KiB", 1024)] {
            let parsed = Bytes::parse(text).unwrap();
            assert_eq!(parsed.get(), count, "{text}");
            assert_eq!(Bytes::parse(&parsed.to_string()), Some(parsed));
        }
        for text in ["", "0", "-1", "1gib", "1.5GiB", "99999999TiB"] {
            assert_eq!(Bytes::parse(text), None, "{text}");
        }
    }
}
