//! Plain values shared by every stage: names, specs, states, records, problems.
//!
//! Nothing here does IO or knows YAML, tmux or HTTP. A value that exists is valid:
//! names and sizes are parsed once, where they enter the program, and trusted from then on.

pub mod activity;
pub mod agent_record;
pub mod answer_record;
pub mod attempt_record;
pub mod bytes;
pub mod conditions;
pub mod cycles;
pub mod declared;
pub mod encoding;
pub mod end_reason;
pub mod exit;
pub mod exit_record;
pub mod freshness;
pub mod interval;
pub mod limits;
pub mod live_record;
pub mod message;
pub mod names;
pub mod nearest;
pub mod notify;
pub mod problem;
pub mod process_id;
pub mod protocol;
pub mod queue_record;
pub mod restart;
pub mod retry;
pub mod run;
pub mod run_id;
pub mod run_spec;
pub mod run_state;
pub mod server_record;
pub mod signal;
pub mod started_by;
pub mod submodule_look;
pub mod task_source;
pub mod task_status;
pub mod terminal;
pub mod text_lines;
pub mod token;
pub mod usage;
pub mod visit_record;
pub mod window_record;
mod words;
pub mod worktree_look;
