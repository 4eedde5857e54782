//! Text → [`Manifest`], or all problems of the text at once.
//!
//! Steps: read the file, parse YAML into a tree that keeps duplicates and order, merge what each mode inherits, read the
//! tree by section, apply `dispatch.local.yaml`, resolve agents and command files, then check references and templates. Each key is declared
//! once, in `keys.rs`. Must not run a command, stop at the first problem, or know how a manifest is used (plans, runs).

mod advice;
mod agent;
mod agent_section;
mod check;
mod command_line;
pub mod discover;
mod document;
mod document_values;
mod editor_section;
mod executor_section;
mod fields;
mod flow;
mod home;
mod id_template;
mod keys;
mod load;
mod local_file;
mod merge_keys;
mod mode;
mod mode_block;
mod mode_conditions;
mod mode_files;
mod mode_inheritance;
mod modes_section;
mod needs;
mod notify_section;
mod placeholder_command;
mod problem_at_key;
mod repair;
mod runs_section;
mod schema;
mod sections;
mod settings;
mod settings_section;
mod source;
mod starter;
mod state_dir_key;
mod subtask_file;
mod syntax;
mod task_section;
mod template_check;
mod template_engine;
mod template_names;
mod template_scan;
mod template_thread;
pub mod templates;
pub mod terminal_section;
mod text_place;
mod tree;
mod unsaved_file;
mod value_origins;

pub use advice::{COMMANDS, advice};
pub use agent::Agent;
pub use home::Home;
pub use load::{Loaded, load, load_shape, load_unsaved, resolve};
pub use local_file::LOCAL_NAME;
pub use mode::{ExpectTemplates, Mode, Origin, PromptSource};
pub use problem_at_key::problem_at_key;
pub use schema::schema;
pub use settings::{Budget, Manifest, Retention, TaskChoice, TaskSelector, WantedRuns, Worktree};
pub use settings_section::env_name_problem;
pub use source::{MANIFEST_MAX, stays_below};
pub use starter::starter_files;
pub use state_dir_key::state_dir_of;
pub use unsaved_file::UnsavedFile;
pub use value_origins::{ValueOrigin, ValueSource, value_origins};

#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod tests;
