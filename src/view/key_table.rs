//! The keyboard shortcuts that the pages and the terminal view share, so that a key means the same in both.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyEntry {
    /// As browsers name it.
    pub key: &'static str,
    /// As the help shows it.
    pub label: &'static str,
    /// In a word or two, for the line of keys.
    pub short: &'static str,
    pub meaning: &'static str,
    #[serde(skip)]
    pub front_ends: FrontEnds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontEnds {
    Both,
    Pages,
    Terminal,
}

const fn both(key: &'static str, label: &'static str, short: &'static str, meaning: &'static str) -> KeyEntry {
    KeyEntry { key, label, short, meaning, front_ends: FrontEnds::Both }
}

const fn pages(key: &'static str, label: &'static str, meaning: &'static str) -> KeyEntry {
    KeyEntry { key, label, short: "", meaning, front_ends: FrontEnds::Pages }
}

const fn terminal(key: &'static str, label: &'static str, short: &'static str, meaning: &'static str) -> KeyEntry {
    KeyEntry { key, label, short, meaning, front_ends: FrontEnds::Terminal }
}

/// In the order of the help.
pub const KEYS: &[KeyEntry] = &[
    both("j", "j / k", "", "next, previous"),
    terminal("g", "g / G", "", "first, last"),
    both("/", "/", "filter", "search"),
    both("n", "n", "", "only what needs me"),
    both(".", ".", "next", "next run that needs me"),
    both("Enter", "Enter", "open", "open it"),
    both("a", "a", "attach", "attach in your terminal"),
    both("r", "r", "run", "run"),
    both("R", "R", "resume", "resume"),
    terminal("B", "B", "restart", "stop it, and start it again as the manifest is now"),
    both("s", "s", "stop", "stop"),
    both("y", "y", "approve", "approve what waits at its gate"),
    both("x", "x", "reject", "reject with a reason"),
    both("i", "i", "type", "type a line to a waiting window"),
    both("l", "l", "log", "log or terminal"),
    both("d", "d", "diff", "diff"),
    pages("[", "[ / ]", "previous, next run; the log or terminal keeps the keyboard"),
    terminal("Tab", "Tab", "", "log or screen, diff, why, task"),
    terminal("→", "→ / ←", "", "into the log or screen, and back to the list"),
    terminal("p", "p", "plan", "the plan, and apply it"),
    terminal("o", "o", "", "the pages, in the browser"),
    terminal("q", "q", "quit", "leave; nothing is stopped"),
];

/// The entries of the pages.
pub fn of_pages() -> impl Iterator<Item = &'static KeyEntry> {
    KEYS.iter().filter(|entry| entry.front_ends != FrontEnds::Terminal)
}

/// The entries of the terminal view.
pub fn of_terminal() -> impl Iterator<Item = &'static KeyEntry> {
    KEYS.iter().filter(|entry| entry.front_ends != FrontEnds::Pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_meaning() {
        for (at, entry) in KEYS.iter().enumerate() {
            assert!(KEYS[at + 1..].iter().all(|other| other.key != entry.key), "{}", entry.key);
        }
        assert!(of_pages().count() < KEYS.len() && of_terminal().count() < KEYS.len());
    }
}
