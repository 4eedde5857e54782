//! The JSON Schema of the manifest, for editors.
//!
//! The types below only describe; reading is done by hand, since serde stops at the first
//! mistake. A test keeps their keys equal to those in `keys.rs`.

#![expect(dead_code, reason = "fields are read by the schema's derive only")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::notify::NewsKind;
use crate::model::protocol::{Delivery, Protocol};
use crate::model::restart::Restart;
use crate::model::retry::RetryOn;

/// The schema as JSON.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(ManifestShape).to_value();
    if let Some(top) = schema.as_object_mut() {
        top.insert("title".to_owned(), "dispatch.yaml".into());
    }
    schema
}

macro_rules! text_shape {
    ($type:ident, $pattern:literal, $description:literal) => {
        #[derive(Debug)]
        struct $type;

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

text_shape!(Duration, r"^\s*([0-9]+(ms|s|m|h|d)\s*)+$", "A length of time such as `30m`, `10s` or `1h 30m`.");
text_shape!(Name, r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$", "Letters, digits, `_` and `-`.");

/// A task id.
#[derive(Debug)]
struct Id;

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[A-Za-z0-9_](\.?[A-Za-z0-9_-])*$",
            "maxLength": 64,
            "description": "A task id: letters, digits, `_`, `-`, and dots inside."
        })
    }
}

#[derive(Debug)]
struct Amount;

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "minimum": 1,
            "pattern": r"^\s*[0-9]+\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?\s*$",
            "description": "An amount of bytes such as `1GiB`, `512MB` or `65536`."
        })
    }
}

/// A command: text that is split as a shell would (no shell runs), or a list of words.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Command {
    Text(String),
    Words(Vec<String>),
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestShape {
    /// The format's version: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// The tmux session; default: the folder's name.
    session: Option<String>,
    tmux: Option<TmuxShape>,
    /// `auto`, `none`, a terminal's name such as `kitty`, or a command of your own with `{{ command }}`.
    terminal: Option<Command>,
    /// Headless jobs at once in this project.
    #[schemars(range(min = 1, max = 1000))]
    jobs: Option<u32>,
    /// Where runs are kept, relative to the manifest.
    state_dir: Option<String>,
    /// Set for every run.
    env: Option<BTreeMap<String, String>>,
    /// Names taken from the caller's environment.
    pass_env: Option<Vec<String>>,
    retention: Option<RetentionShape>,
    budget: Option<BudgetShape>,
    /// How the user is told what happens.
    notify: Option<NotifyShape>,
    /// Where tasks come from.
    tasks: Option<Vec<TaskSourceShape>>,
    worktree: Option<WorktreeShape>,
    agents: Option<BTreeMap<String, AgentShape>>,
    modes: Option<BTreeMap<String, ModeShape>>,
    /// Command files, each an interactive mode.
    mode_files: Option<Vec<String>>,
    /// The wanted set, applied only by `up`.
    runs: Option<Vec<RunShape>>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TmuxShape {
    /// A name as `tmux -L` takes it.
    socket: Option<String>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionShape {
    #[schemars(range(min = 1, max = 1_000_000))]
    runs_per_pair: Option<u32>,
    max_age: Option<Duration>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifyShape {
    /// The desktop's own notices, or those of the terminals on the tmux server.
    desktop: Option<bool>,
    /// Gets the notice as JSON on stdin.
    command: Option<Command>,
    /// Default: all but `succeeded`.
    on: Option<Vec<NewsKind>>,
    /// At most one notice in this time; default: 10s.
    every: Option<Duration>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunShape {
    mode: Name,
    tasks: TaskChoiceShape,
    /// When `up` starts an ended run again; `always` is for interactive modes.
    restart: Option<Restart>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum TaskChoiceShape {
    Ids(Vec<Id>),
    Selected(SelectorShape),
}

/// Values of one field are alternatives; all fields must hold.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectorShape {
    status: Option<OneOrMany>,
    tag: Option<OneOrMany>,
    #[serde(rename = "type")]
    kind: Option<OneOrMany>,
    parent: Option<OneOrMany>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetShape {
    /// USD that one run may cost, told to the agent.
    #[schemars(extend("exclusiveMinimum" = 0))]
    run: Option<f64>,
    /// USD: over the day's sum headless runs stay queued.
    #[schemars(extend("exclusiveMinimum" = 0))]
    day: Option<f64>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskSourceShape {
    /// A glob of task files, relative to the manifest.
    files: Option<String>,
    /// A text that names the tasks of `files`, with expressions over `file` (`path stem dir parts`) and `meta`,
    /// such as `{{ file.parts[1] }}_{{ file.stem }}`.
    id: Option<String>,
    /// Tasks written here.
    list: Option<Vec<TaskShape>>,
    /// A YAML list of tasks with `mode`, `prompt` and `gate`, relative to the manifest.
    subtasks: Option<String>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskShape {
    id: Id,
    title: Option<String>,
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    priority: Option<String>,
    area: Option<String>,
    tags: Option<Vec<String>>,
    assignee: Option<String>,
    parent: Option<Id>,
    depends_on: Option<Vec<Id>>,
    body: Option<String>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorktreeShape {
    /// A template over `task`, `project` and `mode`, relative to the manifest.
    path: String,
    /// Make a missing worktree with `git worktree add`.
    create: Option<bool>,
    branch: Option<String>,
    /// What a new branch starts from; default: the branch of `origin/HEAD`, else the main checkout's.
    base: Option<String>,
    /// Run `git fetch` for the base before a new branch starts from it.
    fetch: Option<bool>,
    /// Fill submodules in a new worktree: `git submodule update --init --recursive`.
    submodules: Option<bool>,
    /// Files that a new worktree gets, as paths or globs below the project.
    copy: Option<Vec<String>>,
    /// Run once in a new worktree.
    setup: Option<Command>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentShape {
    /// Its command in a window.
    interactive: Option<Command>,
    /// Its command as a background job.
    headless: Option<Command>,
    prompt: Option<AgentPromptShape>,
    /// How its output and state are read.
    protocol: Option<Protocol>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum AgentPromptShape {
    Both(Delivery),
    Each(AgentPromptsShape),
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentPromptsShape {
    interactive: Option<Delivery>,
    headless: Option<Delivery>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModeShape {
    description: Option<String>,
    /// A tmux window; else a background job.
    interactive: Option<bool>,
    /// The prompt's template file, relative to the manifest.
    template: Option<String>,
    /// The prompt's template itself.
    prompt: Option<String>,
    /// Further arguments of the agent, each a template.
    flags: Option<Vec<String>>,
    /// Where the final answer goes, below the run's folder.
    save_to: Option<String>,
    /// Interactive: close the window when the agent ends.
    cleanup_on_exit: Option<bool>,
    /// Wall clock of one attempt.
    timeout: Option<Duration>,
    /// From TERM to KILL.
    stop_grace: Option<Duration>,
    /// How long an agent that has answered may stay silent before it is ended; default: 60s.
    exit_grace: Option<Duration>,
    /// Over it the run fails.
    log_max: Option<Amount>,
    limits: Option<LimitsShape>,
    /// When a failed attempt is tried again.
    retry: Option<RetryShape>,
    /// Modes that run first on the same task.
    needs: Option<Vec<Name>>,
    /// Waits for a person before it starts.
    gate: Option<GateShape>,
    /// No other exclusive run in the same folder at once.
    exclusive: Option<bool>,
    /// With `generates`: skip when nothing changed. Patterns below the run's folder.
    sources: Option<Vec<String>>,
    /// The files that it makes. Patterns below the run's folder.
    generates: Option<Vec<String>>,
    expect: Option<ExpectShape>,
    agent: Option<String>,
    /// A template; default: the worktree, or the manifest's folder.
    cwd: Option<String>,
    env: Option<BTreeMap<String, String>>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryShape {
    /// Attempts after the first.
    #[schemars(range(min = 0, max = 100))]
    max: u32,
    /// Before the second attempt, doubled for each one after it; default: 30s.
    backoff: Option<Duration>,
    /// Default: `rate_limit` only.
    on: Option<Vec<RetryOn>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GateShape {
    /// A person says `dispatch approve`.
    Approve,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsShape {
    /// CPU time of the whole tree.
    cpu: Option<Duration>,
    memory: Option<Amount>,
    #[schemars(range(min = 1, max = 4_194_304))]
    processes: Option<u32>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectShape {
    /// The final answer is not empty.
    non_empty: Option<bool>,
    /// Files that must be there, below the run's folder.
    files: Option<Vec<String>>,
    /// Must end with 0.
    command: Option<Command>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::keys;

    fn keys_of<T: JsonSchema>() -> BTreeSet<String> {
        let schema = schemars::schema_for!(T).to_value();
        assert_eq!(schema["additionalProperties"], false);
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        for (described, read) in [
            (keys_of::<ManifestShape>(), keys::MANIFEST),
            (keys_of::<TmuxShape>(), keys::TMUX),
            (keys_of::<RetentionShape>(), keys::RETENTION),
            (keys_of::<WorktreeShape>(), keys::WORKTREE),
            (keys_of::<AgentShape>(), keys::AGENT),
            (keys_of::<AgentPromptsShape>(), keys::AGENT_PROMPT),
            (keys_of::<TaskSourceShape>(), keys::TASK_SOURCE),
            (keys_of::<TaskShape>(), keys::TASK),
            (keys_of::<ModeShape>(), keys::MODE),
            (keys_of::<LimitsShape>(), keys::LIMITS),
            (keys_of::<ExpectShape>(), keys::EXPECT),
            (keys_of::<RetryShape>(), keys::RETRY),
            (keys_of::<BudgetShape>(), keys::BUDGET),
            (keys_of::<NotifyShape>(), keys::NOTIFY),
            (keys_of::<RunShape>(), keys::RUN),
            (keys_of::<SelectorShape>(), keys::SELECTOR),
        ] {
            assert_eq!(described, read.iter().map(|key| (*key).to_owned()).collect());
        }
    }
}
