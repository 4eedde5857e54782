//! What a user can see, tested at the program itself: one binary, one module for each feature.
//!
//! Nothing here looks into the library. A missing tool (tmux, git, node, the agent) fails a test.

#[cfg(test)]
mod browser;
#[cfg(test)]
mod command;
#[cfg(test)]
mod damaged_file;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod follower;
#[cfg(test)]
mod older_program;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod random;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tmux_client;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod world;

#[cfg(test)]
mod activity;
#[cfg(test)]
mod agent_event;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod attach_next;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod clean;
#[cfg(test)]
mod clock_back;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod detached;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod errand;
#[cfg(test)]
mod exclusive;
#[cfg(test)]
mod false_statements;
#[cfg(test)]
mod freshness;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod history_prune;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod joining;
#[cfg(test)]
mod law;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod narrow_terminal;
#[cfg(test)]
mod needs;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod notify_ways;
#[cfg(test)]
mod older_state;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod prompts;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod races;
#[cfg(test)]
mod real_claude;
#[cfg(test)]
mod real_claude_activity;
#[cfg(test)]
mod real_claude_answers;
#[cfg(test)]
mod real_claude_page;
#[cfg(test)]
mod real_claude_send;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod render;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod retry_words;
#[cfg(test)]
mod run_headless;
#[cfg(test)]
mod run_interactive;
#[cfg(test)]
mod screenshots;
#[cfg(test)]
mod send;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod serve_answers;
#[cfg(test)]
mod serve_board;
#[cfg(test)]
mod serve_board_edges;
#[cfg(test)]
mod serve_board_large;
#[cfg(test)]
mod serve_board_truth;
#[cfg(test)]
mod serve_browser;
#[cfg(test)]
mod serve_crash;
#[cfg(test)]
mod serve_dialog;
#[cfg(test)]
mod serve_fuzz;
#[cfg(test)]
mod serve_guard;
#[cfg(test)]
mod serve_input;
#[cfg(test)]
mod serve_lists;
#[cfg(test)]
mod serve_logs;
#[cfg(test)]
mod serve_refusals;
#[cfg(test)]
mod serve_robust;
#[cfg(test)]
mod serve_run_page;
#[cfg(test)]
mod serve_screens;
#[cfg(test)]
mod serve_sockets;
#[cfg(test)]
mod serve_task_page;
#[cfg(test)]
mod serve_terminal;
#[cfg(test)]
mod serve_terminal_page;
#[cfg(test)]
mod serve_tickets;
#[cfg(test)]
mod serve_token;
#[cfg(test)]
mod serve_windows;
#[cfg(test)]
mod serve_work;
#[cfg(test)]
mod state_folder;
#[cfg(test)]
mod state_gone;
#[cfg(test)]
mod status_line;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod stop_many;
#[cfg(test)]
mod stop_tree;
#[cfg(test)]
mod stopped_processes;
#[cfg(test)]
mod subfolder;
#[cfg(test)]
mod submodules;
#[cfg(test)]
mod syscalls;
#[cfg(test)]
mod task_formats;
#[cfg(test)]
mod task_ids;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod terminal_words;
#[cfg(test)]
mod terminals;
#[cfg(test)]
mod tmux_server;
mod tmux_stopped;
#[cfg(test)]
mod up;
#[cfg(test)]
mod up_races;
#[cfg(test)]
mod up_watch;
#[cfg(test)]
mod worktree_base;
#[cfg(test)]
mod worktree_copy;
#[cfg(test)]
mod worktrees;
