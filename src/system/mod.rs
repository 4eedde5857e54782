//! system (under construction).
