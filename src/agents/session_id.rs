//! Ids of conversations. They come from the agent and are not trusted.

/// Longest id, in bytes; ids are UUIDs today.
const LENGTH: usize = 128;

/// An id becomes an argument when its conversation is resumed, so it must not look like an option.
pub(in crate::agents) fn is_session_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=LENGTH).contains(&id.len()) && !id.starts_with('-') && id.chars().all(plain)
}
