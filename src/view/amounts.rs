//! Durations, costs and counts as text, as every list and page writes them.

/// In at most two units; below a second in tenths.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("0.{}s", ms / 100),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// In US dollars, to a hundredth of a cent.
pub fn cost(usd: f64) -> String {
    format!("${usd:.4}")
}

/// A sum or a limit in US dollars; amounts below a dollar as [`cost`].
pub fn dollars(usd: f64) -> String {
    if usd < 1.0 { cost(usd) } else { format!("${usd:.2}") }
}

/// Of a plan.
pub fn count_of_changes(count: u64) -> String {
    format!("{count} change{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units() {
        for (ms, text) in
            [(0, "0.0s"), (450, "0.4s"), (65_000, "1m 05s"), (3_700_000, "1h 01m"), (90_000_000, "1d 01h")]
        {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn small_costs_are_not_nothing() {
        assert_eq!((cost(0.0123), cost(0.0001), cost(12.0)), ("$0.0123".into(), "$0.0001".into(), "$12.0000".into()));
    }
}
