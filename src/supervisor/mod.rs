//! supervisor (under construction).
