//! The six statuses of a task and their spellings.

use serde::{Deserialize, Serialize};

use crate::model::words::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    Todo,
    InProgress,
    Blocked,
    Review,
    Done,
    Archived,
}

words!(TaskStatus {
    Todo: "todo",
    InProgress: "in_progress",
    Blocked: "blocked",
    Review: "review",
    Done: "done",
    Archived: "archived",
});

impl TaskStatus {
    /// Parses a label in any case and spacing, with or without emoji, even if the emoji's bytes were decoded wrongly.
    /// `None` for an unknown label.
    pub fn parse(text: &str) -> Option<Self> {
        // Only ASCII letters and digits matter: this drops emoji, damaged emoji (`ðŸŸ¡`), dashes and blanks.
        let key: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        Some(match key.as_str() {
            "todo" | "open" | "new" | "backlog" | "planned" | "pending" | "ready" | "notstarted" => Self::Todo,
            "inprogress" | "wip" | "doing" | "started" | "active" | "ongoing" | "working" => Self::InProgress,
            "blocked" | "onhold" | "hold" | "waiting" | "stuck" | "paused" => Self::Blocked,
            "review" | "inreview" | "reviewing" | "needsreview" | "readyforreview" | "testing" | "qa" => Self::Review,
            "done" | "complete" | "completed" | "finished" | "closed" | "resolved" | "merged" | "fixed" => Self::Done,
            "archived" | "archive" | "cancelled" | "canceled" | "wontfix" | "wontdo" | "dropped" | "obsolete" => {
                Self::Archived
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_emoji_spelling_and_damage() {
        for (text, status) in [
            ("🟡 To Do", TaskStatus::Todo),
            ("ðŸŸ¡ To Do", TaskStatus::Todo),
            ("todo", TaskStatus::Todo),
            ("To-Do", TaskStatus::Todo),
            ("🔵 In Progress", TaskStatus::InProgress),
            ("in_progress", TaskStatus::InProgress),
            ("IN-PROGRESS", TaskStatus::InProgress),
            ("⚪ Archived", TaskStatus::Archived),
            ("🟢 Done", TaskStatus::Done),
            ("🔴 Blocked", TaskStatus::Blocked),
            ("In Review", TaskStatus::Review),
        ] {
            assert_eq!(TaskStatus::parse(text), Some(status), "{text}");
        }
        assert_eq!(TaskStatus::parse("someday"), None);
        assert_eq!(TaskStatus::parse("🟡"), None);
        for status in TaskStatus::ALL {
            assert_eq!(TaskStatus::parse(status.as_str()), Some(status));
        }
    }
}
