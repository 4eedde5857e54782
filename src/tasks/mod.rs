//! Task files → tasks: front matter, ids, hierarchy, order, dependencies.
//!
//! ```text
//! globs ─ find ─► paths ─ open, split, fields ─► drafts ─ assemble ─► TaskSet { tasks, problems }
//! ```
//!
//! A listing reads only the head of each file. A problem with one file is a [`Problem`] that names it; the others are
//! still listed. Must not run or write anything, or stop at the first problem. A task's text is data: only the fields
//! have an effect.
//!
//! **Ids.** `id` in the front matter; else the file's name without `.task.md` or `.md`, and without an `NN_` prefix
//! (two or more digits) if the rest is a valid id: the prefix is the order, so that renumbering does not rename. An
//! `_overview.md` has the name of its folder by this rule, unless its own `id` differs from `_overview`. A `tasks:`
//! entry may have an `id` template, which names all tasks of its files.
//!
//! [`Problem`]: crate::model::problem::Problem

mod assemble;
mod body;
mod field_names;
mod fields;
mod find;
mod front_matter;
mod ids;
mod lenient;
mod new_file;
mod open;
mod path_word;
mod pattern;
mod references;
mod scan;
mod status_edit;
mod status_spelling;
mod task;
mod task_file;
mod task_set;
mod twins;
mod value;
mod warnings;

#[cfg(test)]
mod tests;

pub use body::{ChecklistItem, TaskBody, read_body};
pub use new_file::{NewTask, NewTaskFile, first_file, model_of, new_file};
pub use open::FILE_MAX;
pub use scan::{folders, is_listed, scan};
pub use status_edit::TaskText;
pub use status_spelling::spelling;
pub use task::Task;
pub use task_set::{FindError, TaskSet};
