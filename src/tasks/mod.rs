//! Task files → tasks: front matter, ids, hierarchy, order, dependencies.
//!
//! ```text
//! globs ─ find ─► paths ─ open, split, fields ─► drafts ─ assemble ─► TaskSet { tasks, problems }
//! ```
//!
//! A listing reads only the head of each file. What is wrong with one file is a [`Problem`]
//! that names it, and the others are still listed. Must not run anything, write anything, or stop
//! at the first problem. A task's text is data: nothing in it has an effect beyond the fields.
//!
//! **Ids.** `id` in the front matter; else the file's name without `.task.md` or `.md`, and
//! without an `NN_` prefix (two or more digits) where the rest is still a valid id: the prefix
//! is the order, so that renumbering does not rename. An `_overview.md` has its folder's name
//! by the same rule, unless its own `id` is something other than `_overview`. A `tasks:` entry may have an
//! `id` template, which then names all tasks of its files.
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
mod open;
mod path_word;
mod pattern;
mod references;
mod scan;
mod task;
mod task_file;
mod task_set;
mod twins;
mod value;
mod warnings;

#[cfg(test)]
mod tests;

pub use body::{ChecklistItem, TaskBody, read_body};
pub use scan::{folders, scan};
pub use task::Task;
pub use task_set::{FindError, TaskSet};
