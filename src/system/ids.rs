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
