//! The keyboard shortcuts that the pages and the terminal view share, so that a key means the same in both. The pages load the
//! same file.

use std::sync::LazyLock;

use serde::Deserialize;

/// A module of JavaScript that exports the table as JSON.
const MODULE: &str = include_str!("../serve/assets/key_table.js");

static KEYS: LazyLock<Vec<KeyEntry>> = LazyLock::new(|| {
    let json = MODULE.split_once("export default").map_or("", |(_, table)| table.trim().trim_end_matches(';'));
    // A test reads it.
    serde_json::from_str(json).unwrap_or_default()
});

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyEntry {
    /// As browsers name it.
    pub key: String,
    /// As the help shows it.
    pub label: String,
    /// In a word or two, for the line of keys; empty: it is not shown there.
    pub short: String,
    pub meaning: String,
    pub front_ends: FrontEnds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FrontEnds {
    Both,
    Pages,
    Terminal,
}

/// The entries of the terminal view, in the order of the help.
pub fn of_terminal() -> impl Iterator<Item = &'static KeyEntry> {
    KEYS.iter().filter(|entry| entry.front_ends != FrontEnds::Pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_meaning() {
        assert!(KEYS.len() > 10, "the table is not read");
        for (at, entry) in KEYS.iter().enumerate() {
            assert!(KEYS[at + 1..].iter().all(|other| other.key != entry.key), "{}", entry.key);
        }
        assert!(of_terminal().count() < KEYS.len());
    }
}
