//! Fresh identifiers.

use crate::model::run_id::RunId;

/// A new run id: sorts after every id made earlier on this machine.
pub fn new_run_id() -> RunId {
    let text = ulid::Ulid::generate().to_string();
    RunId::parse(&text).expect("a ULID is 26 upper-case characters")
}

/// A random (version 4) UUID, as agents want for their conversations.
pub fn new_session_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// 32 hexadecimal digits that nobody else has or can guess.
pub fn new_random_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A random number from 0 to 1.
pub fn chance() -> f64 {
    // The low 62 bits of a version 4 UUID are random.
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    f64::from(low as u32) / f64::from(u32::MAX)
}

/// When a run id was made, by the clock of that time.
pub fn made_at(id: &RunId) -> Option<jiff::Timestamp> {
    let made = ulid::Ulid::from_string(id.as_str()).ok()?;
    jiff::Timestamp::from_millisecond(i64::try_from(made.timestamp_ms()).ok()?).ok()
}
