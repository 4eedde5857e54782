//! The handlers, one module for each group of routes. Each asks `runner` and shows a `view`.

pub(super) mod act;
pub(super) mod files;
pub(super) mod look;
pub(super) mod own;
pub(super) mod runs;
