//! The pages in a real browser. Needs chromium, node, playwright-core, axe-core and python3-websockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{
    browser, fake, git, past, programs, random, routes, server, user_terminal, waiting, wanted, windows, world,
};

mod editor;
mod screenshots;
mod serve_board;
mod serve_board_edges;
mod serve_board_large;
mod serve_board_rows;
mod serve_board_truth;
mod serve_broken;
mod serve_browser;
mod serve_dialog;
mod serve_editor;
mod serve_editor_drafts;
mod serve_header;
mod serve_history;
mod serve_now;
mod serve_now_failed;
mod serve_now_views;
mod serve_open_file;
mod serve_palette;
mod serve_plan;
mod serve_review;
mod serve_run_again;
mod serve_run_page;
mod serve_run_window;
mod serve_senses;
mod serve_sleep;
mod serve_subtasks;
mod serve_task_page;
mod serve_terminal_page;
mod serve_token;
mod serve_walk;
mod serve_windows_page;
mod serve_work_page;
mod ui_recording;
mod walk;
