//! git (under construction).
