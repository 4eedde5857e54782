//! Parsers of option values. Their errors say what to write.

use std::time::Duration;

use crate::model::interval::Interval;

/// A whole number in `range`.
fn whole<T: TryFrom<u64>>(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match *range.end() {
        u64::MAX => format!("write a whole number, {} or more", range.start()),
        end => format!("write a whole number from {} to {end}", range.start()),
    })
}

pub(super) fn server_time(text: &str) -> Result<(String, Duration), String> {
    let (name, millis) = text.split_once('=').ok_or("write NAME=MILLISECONDS")?;
    Ok((name.to_owned(), Duration::from_millis(whole(millis, 1..=u64::MAX)?)))
}

pub(super) fn jobs(text: &str) -> Result<u32, String> {
    whole(text, 1..=1000)
}

pub(super) fn rows(text: &str) -> Result<u32, String> {
    whole(text, 1..=u64::from(u32::MAX))
}

pub(super) fn lines(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    whole(text, 0..=u64::from(u16::MAX))
}

pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn interval(text: &str) -> Result<Interval, String> {
    Interval::parse(text).ok_or_else(|| "write a length of time such as `90s`, `10m` or `1h 30m`".to_owned())
}
