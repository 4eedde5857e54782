//! The web pages: a shell without data, its assets, and fragments of HTML, which the page's script fetches with the
//! token and inserts.
//!
//! All content is rendered here: after a change the page fetches its fragment again and takes over what differs.
//! Must not act; buttons use the routes of the API.

pub(in crate::serve) mod assets;
mod board;
#[cfg(test)]
mod board_tests;
mod catalog;
mod chart;
mod diff_page;
mod diff_text;
mod edit_page;
mod filter;
mod fragment;
mod groups;
mod history_charts;
mod history_page;
mod markdown;
#[cfg(test)]
mod markdown_tests;
mod now_detail;
mod now_page;
mod pages;
mod plan_page;
mod row;
mod run_line;
mod run_page;
mod subtasks;
mod summary;
mod task_page;
mod task_tree;
mod templates;

pub(in crate::serve) use catalog::{Catalog, CatalogCache};
pub(in crate::serve) use fragment::{Fragment, find};
pub(in crate::serve) use pages::page;
