//! The variables of templates (`docs/templates.md`): values of the task, the mode and the project.

use std::collections::BTreeMap;

use minijinja::{Error, ErrorKind, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::manifest::{Manifest, Mode};
use crate::os::clock;
use crate::os::environment;
use crate::tasks::{Task, TaskBody};

/// A missing field is empty, never undefined.
#[derive(Debug, Serialize)]
struct TemplateTask<'a> {
    id: &'a str,
    title: &'a str,
    status: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    priority: &'a str,
    area: &'a str,
    tags: &'a [String],
    assignee: &'a str,
    parent: &'a str,
    subtasks: Vec<&'a str>,
    depends_on: Vec<&'a str>,
    path: String,
    body: &'a str,
    sections: &'a BTreeMap<String, String>,
    meta: &'a BTreeMap<String, Json>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TemplateContext<'a> {
    task: TemplateTask<'a>,
    mode: BTreeMap<&'static str, &'a str>,
    project: BTreeMap<&'static str, String>,
    pub(crate) worktree: BTreeMap<&'static str, String>,
    pub(crate) prompt: String,
    pub(crate) extras: Vec<String>,
    date: String,
    env: BTreeMap<String, String>,
    vars: BTreeMap<String, Value>,
}

impl<'a> TemplateContext<'a> {
    pub(crate) fn new(manifest: &'a Manifest, mode: &'a Mode, task: &'a Task, body: &'a TaskBody) -> Self {
        let names = |ids: &'a [crate::model::names::TaskId]| ids.iter().map(|id| id.as_str()).collect();
        Self {
            task: TemplateTask {
                id: task.id.as_str(),
                title: &task.title,
                status: task.status.map_or(&task.status_text, |status| status.as_str()),
                kind: &task.kind,
                priority: &task.priority,
                area: &task.area,
                tags: &task.tags,
                assignee: &task.assignee,
                parent: task.parent.as_ref().map_or("", |id| id.as_str()),
                subtasks: names(&task.subtasks),
                depends_on: names(&task.depends_on),
                path: task.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
                body: &body.text,
                sections: &body.sections,
                meta: &task.meta,
            },
            mode: BTreeMap::from([("name", mode.name.as_str()), ("description", mode.description.as_str())]),
            project: BTreeMap::from([("name", manifest.name.clone()), ("root", manifest.root.display().to_string())]),
            worktree: BTreeMap::from([("path", String::new()), ("branch", String::new())]),
            prompt: String::new(),
            extras: Vec::new(),
            date: clock::local_day(clock::now()),
            env: manifest
                .pass_env
                .iter()
                .map(|name| (name.clone(), environment::var_text(name).unwrap_or_default()))
                .collect(),
            vars: manifest.vars.iter().map(|(name, value)| (name.clone(), variable(name, value.as_deref()))).collect(),
        }
    }

    /// Replaces the values of these variables.
    pub(crate) fn with_vars(mut self, given: &BTreeMap<String, String>) -> Self {
        self.vars.extend(given.iter().map(|(name, value)| (name.clone(), variable(name, Some(value)))));
        self
    }

    pub(crate) fn value(&self) -> Value {
        Value::from(minijinja::value::Serde(self))
    }
}

/// A template variable. Without a value, its use is an error.
fn variable(name: &str, value: Option<&str>) -> Value {
    value.map(Value::from).unwrap_or_else(|| {
        let message = format!("`vars.{name}` has no value: give it by `--set {name}=VALUE`");
        Value::from(Error::new(ErrorKind::InvalidOperation, message))
    })
}
