//! What a user can see, tested at the program itself: one module for each feature.
//!
//! This is the tier that `cargo test` runs. It needs cc, git and tmux; what needs more belongs to another tier.
//! Nothing here uses the library.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{
    command, damaged_file, fake, follower, git, past, programs, random, routes, server, shell, tmux_client,
    user_terminal, waiting, wanted, windows, world,
};

mod activity;
mod agent_event;
mod answers;
mod attach_next;
mod budget;
mod clean;
mod clock_back;
mod completion;
mod crash;
mod damage;
mod detached;
mod diff;
mod doctor;
mod documents;
mod drift;
mod engine_settings;
mod environment;
mod exclusive;
mod false_statements;
mod freshness;
mod gate;
mod history_prune;
mod inheritance;
mod interrupted;
mod joining;
mod jsonl;
mod law;
mod manifest;
mod narrow_terminal;
mod needs;
mod notify;
mod notify_ways;
mod one_word;
mod open_file;
mod order;
mod outcomes;
mod outputs;
mod ownership;
mod plan;
mod prompts;
mod queue;
mod races;
mod recovery;
mod render;
mod repository;
mod restart;
mod resume;
mod retry;
mod retry_words;
mod run_headless;
mod run_interactive;
mod seen_programs;
mod serve;
mod serve_answers;
mod serve_broken;
mod serve_crash;
mod serve_editor;
mod serve_fuzz;
mod serve_guard;
mod serve_history;
mod serve_input;
mod serve_logs;
mod serve_now;
mod serve_plan;
mod serve_refusals;
mod serve_restart;
mod serve_results;
mod serve_robust;
mod serve_screens;
mod serve_sockets;
mod serve_terminal;
mod serve_tickets;
mod serve_windows;
mod serve_work;
mod state_folder;
mod state_gone;
mod status_line;
mod status_watch;
mod stop;
mod stop_many;
mod stop_tree;
mod stopped_processes;
mod subfolder;
mod submodules;
mod task_formats;
mod task_ids;
mod tasks;
mod terminal_missing;
mod tmux_server;
mod tmux_stopped;
mod ui;
mod ui_attach;
mod ui_list;
mod ui_memory;
mod ui_robust;
mod ui_signals;
mod ui_work;
mod up;
mod up_races;
mod up_watch;
mod vendored;
mod worker;
mod worktree_base;
mod worktree_copy;
mod worktrees;
