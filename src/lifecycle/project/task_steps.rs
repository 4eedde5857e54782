//! The tasks below a task in run order.

use crate::model::names::TaskId;
use crate::model::task_tree::{self, TreeStep, TreeTask};
use crate::tasks::{Task, TaskSet};

pub fn task_steps<'t>(tasks: &'t TaskSet, top: &'t Task) -> Vec<(&'t Task, TreeStep<'t>)> {
    let find = |id: &str| tasks.get(&TaskId::parse(id).ok()?);
    let look = |id: &str| {
        let task = find(id)?;
        let ids = |ids: &'t [TaskId]| ids.iter().map(TaskId::as_str).collect();
        Some(TreeTask { subtasks: ids(&task.subtasks), depends_on: ids(&task.depends_on), order: task.order })
    };
    let steps = task_tree::below(top.id.as_str(), &look).into_iter();
    steps.filter_map(|step| Some((find(step.id)?, step))).collect()
}
