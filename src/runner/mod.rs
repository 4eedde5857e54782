//! runner (under construction).
