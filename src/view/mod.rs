//! The program's answers as data for JSON, equal for all front ends. Must not decide anything.
//! camelCase names, RFC 3339 times; a field without a value is omitted.

pub mod amounts;
pub mod badge;
pub mod catalog_view;
pub mod draft_view;
pub mod key_table;
pub mod mode_view;
pub mod origin_view;
pub mod past_groups_view;
pub mod past_view;
pub mod plan_view;
pub mod problem_view;
pub mod prompt_view;
pub mod render_view;
pub mod restart_view;
pub mod results_view;
pub mod run_view;
pub mod sent_view;
pub mod task_view;
pub mod work_view;
