//! A bound of a period as users write it: a local date or a moment.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeBound {
    /// The whole day in the user's time zone.
    Day(Date),
    Moment(Timestamp),
}

impl TimeBound {
    /// The accepted forms, for messages.
    pub const FORM: &str =
        "a local date such as `2026-11-22`, or a time with its offset such as `2026-11-22T10:30:00Z`";

    pub fn parse(text: &str) -> Option<Self> {
        match text.len() {
            10 => text.parse().ok().map(Self::Day),
            _ => text.parse().ok().map(Self::Moment),
        }
    }

    /// The first millisecond since 1970 that belongs to a period from this bound on.
    pub fn start_ms(self, zone: &TimeZone) -> i64 {
        match self {
            Self::Day(day) => start_of(day, zone).unwrap_or(i64::MIN),
            Self::Moment(at) => at.as_millisecond(),
        }
    }

    /// The first millisecond that no longer belongs to a period up to this bound: the day belongs to it, the moment
    /// does not.
    pub fn end_ms(self, zone: &TimeZone) -> i64 {
        match self {
            Self::Day(day) => day.tomorrow().ok().and_then(|next| start_of(next, zone)).unwrap_or(i64::MAX),
            Self::Moment(at) => at.as_millisecond(),
        }
    }
}

/// `None` outside the calendar's range.
fn start_of(day: Date, zone: &TimeZone) -> Option<i64> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Some(start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_moment_is_exact() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let bound = |text: &str| TimeBound::parse(text).unwrap_or_else(|| panic!("{text}"));
        let day = bound("1970-01-02");
        assert_eq!((day.start_ms(&zone), day.end_ms(&zone)), (22 * 3_600_000, 46 * 3_600_000));
        for text in ["1970-01-01T01:00:00Z", "1970-01-01T03:00:00+02:00"] {
            assert_eq!((bound(text).start_ms(&zone), bound(text).end_ms(&zone)), (3_600_000, 3_600_000), "{text}");
        }
        for text in ["-009999-01-01", "9999-12-31"] {
            let _ = TimeBound::parse(text).map(|bound| (bound.start_ms(&zone), bound.end_ms(&zone)));
        }
        assert_eq!(bound("9999-12-31").end_ms(&zone), i64::MAX);
    }

    #[test]
    fn a_time_without_an_offset_is_none() {
        for text in
            ["", "today", "2026-11", "2026-11-32", "2026-11-22T10:30:00", "2026-11-22T10:30:00 02:00", "2026/11/22"]
        {
            assert_eq!(TimeBound::parse(text), None, "{text}");
        }
    }
}
