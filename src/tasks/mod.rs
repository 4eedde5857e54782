//! tasks (under construction).
