//! The pages: a shell that holds no data, its assets, and fragments of HTML that a page asks for
//! with the token and lays into itself.
//!
//! Everything that is shown is laid out here, once: a page that hears of a change asks for its
//! fragment again and takes over what differs. Must not decide anything; buttons ask the routes that
//! everybody else asks.

pub(in crate::http) mod assets;
mod badge;
mod board;
#[cfg(test)]
mod board_tests;
mod catalog;
mod diff_page;
mod diff_text;
mod filter;
mod fragment;
mod history_page;
mod markdown;
#[cfg(test)]
mod markdown_tests;
mod now_page;
mod pages;
mod run_line;
mod run_page;
mod summary;
mod task_page;
mod task_tree;
mod templates;

pub(in crate::http) use catalog::Catalogs;
pub(in crate::http) use fragment::{Fragment, find};
pub(in crate::http) use pages::page;
