//! Ids of conversations, as agents name them.

/// An id is a UUID today, in bytes.
const LENGTH: usize = 128;

/// An id goes into an argv when its conversation continues: it must not be taken for an option.
pub(in crate::agents) fn is_session_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=LENGTH).contains(&id.len()) && !id.starts_with('-') && id.chars().all(plain)
}
