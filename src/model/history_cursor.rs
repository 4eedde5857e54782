//! A position in the history: where a page of ended runs stopped. Clients return its text as they received it.

use std::fmt;

use crate::model::run_id::RunId;

/// End time and id of the last run of a page. The next page has the runs that sort after it, so a run that ends
/// meanwhile moves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryCursor {
    /// In milliseconds since 1970.
    pub ended_ms: i64,
    pub run_id: RunId,
}

impl HistoryCursor {
    /// `None` for a text that this program did not write.
    pub fn parse(text: &str) -> Option<Self> {
        let (ended, id) = text.rsplit_once('-')?;
        let ended_ms: i64 = ended.parse().ok()?;
        let cursor = Self { ended_ms, run_id: RunId::parse(id)? };
        // One position has one text: no leading `+` or zeros.
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ended_ms, self.run_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_text_is_a_cursor() {
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for ended_ms in [0, 1_764_400_000_000, -5, i64::MIN, i64::MAX] {
            let cursor = HistoryCursor { ended_ms, run_id: RunId::parse(id).unwrap() };
            assert_eq!(HistoryCursor::parse(&cursor.to_string()), Some(cursor));
        }
        for text in [
            "",
            "-",
            "5",
            id,
            "+5-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "05-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "5-01ARZ",
            "9223372036854775808-01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(HistoryCursor::parse(text), None, "{text}");
        }
    }
}
