//! agent (under construction).
