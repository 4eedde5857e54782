//! A length of time as users write it: `30m`, `1h 30m`, `10s`, `500ms`, `2d`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// A length of time from 0 to 10 years, exact to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Interval(Duration);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const MAX_MS: u64 = 10 * 365 * 86_400_000;

impl Interval {
    /// The accepted form, for messages.
    pub const FORM: &str = "a length of time such as `30m`, `10s` or `1h 30m`";

    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    pub fn as_duration(self) -> Duration {
        self.0
    }

    /// Parses numbers, each with a unit. `None` for anything else, including a bare number: `timeout: 30` has no unit.
    pub fn parse(text: &str) -> Option<Self> {
        let mut total: u64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (_, scale) = UNITS.iter().find(|(unit, _)| *unit == &rest[..unit_end])?;
            total = total.checked_add(number.checked_mul(*scale)?)?;
            rest = rest[unit_end..].trim_start();
        }
        (total <= MAX_MS).then(|| Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if ms == 0 {
            return f.write_str("0s");
        }
        let mut first = true;
        for (unit, scale) in UNITS.iter().rev() {
            if ms >= *scale {
                let gap = if first { "" } else { " " };
                write!(f, "{gap}{}{unit}", ms / scale)?;
                ms %= scale;
                first = false;
            }
        }
        Ok(())
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("invalid value: {text:?}, expected {}", Self::FORM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_users_write() {
        for (text, ms) in [
            ("30m", 1_800_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("0s", 0),
            ("30d", 2_592_000_000),
        ] {
            let parsed = Interval::parse(text).unwrap();
            assert_eq!(parsed.as_duration().as_millis(), ms, "{text}");
            assert_eq!(Interval::parse(&parsed.to_string()), Some(parsed), "{text}");
        }
    }

    #[test]
    fn refuses_bare_numbers_signs_and_overflow() {
        for text in ["", "30", "-1s", "1.5h", "s", "1y", "99999999999999999999s", "18446744073709551615d", "11111d"] {
            assert_eq!(Interval::parse(text), None, "{text}");
        }
    }
}
