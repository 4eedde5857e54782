//! The handlers, one module for each group of routes. Each calls `lifecycle` and responds with a `view`.

pub(super) mod act;
pub(super) mod capacity;
pub(super) mod history;
pub(super) mod own;
pub(super) mod project;
pub(super) mod results;
mod results_markdown;
pub(super) mod runs;
