//! Declares every key of the manifest and of its accompanying files once: name, shape of the value, and description for
//! the schema.
//!
//! Used by the readers (`fields.rs`), the hints on misplaced keys (`sections.rs`) and the JSON Schema (`schema.rs`).
//! The readers decide what a value means.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value as Json;

use crate::model::engine::EngineKind;
use crate::model::notify::NoticeKind;
use crate::model::protocol::{PromptDelivery, Protocol};
use crate::model::restart::Restart;
use crate::model::retry::RetryOn;

use Shape::{Amount, Bool, Choice, Command, Duration, Either, Id, List, Map, Name, Number, Section as Keys, Text, Usd};

/// The shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    Text,
    Bool,
    /// An integer in this inclusive range.
    Number(u32, u32),
    /// An amount of money above 0.
    Usd,
    /// A length of time.
    Duration,
    /// An amount of bytes.
    Amount,
    /// The name of a mode.
    Name,
    /// The id of a task.
    Id,
    /// A command: text or a list of words.
    Command,
    /// One of the words that the schema function lists.
    Choice(fn() -> Json),
    List(&'static Self),
    /// A mapping whose keys are chosen by the user.
    Map(&'static Self),
    Section(&'static Section),
    Either(&'static Self, &'static Self),
}

/// One key of a section.
#[derive(Debug)]
pub(crate) struct KeyDeclaration {
    pub name: &'static str,
    pub shape: Shape,
    /// Its description in the schema; may be empty.
    pub about: &'static str,
    pub is_required: bool,
}

/// A mapping with a fixed set of keys.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name among the definitions of the schema.
    pub name: &'static str,
    /// How messages name its position, as in "in a mode".
    pub place: &'static str,
    /// The written form of an entry; `…` is replaced by the entry.
    pub written: &'static str,
    pub about: &'static str,
    pub keys: &'static [KeyDeclaration],
}

impl Shape {
    pub(crate) fn section(&self) -> Option<&'static Section> {
        match self {
            Self::Section(section) => Some(section),
            Self::Either(one, other) => one.section().or_else(|| other.section()),
            _ => None,
        }
    }
}

impl Section {
    pub(crate) fn key(&self, name: &str) -> Option<&'static KeyDeclaration> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.key(name).is_some()
    }

    /// Whether a mapping may have this key: `x-…` at the top level is ignored.
    pub(crate) fn accepts(&self, name: &str) -> bool {
        self.has(name) || self.is_file() && name.starts_with("x-")
    }

    /// Whether it is the top level of a file.
    pub(crate) fn is_file(&self) -> bool {
        *self == MANIFEST || *self == LOCAL
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Declares sections: position and form of an entry, then the keys.
macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident: $place:literal, $written:literal $(, $about:literal)? {
        $($name:literal $($required:ident)?: $shape:expr $(, $key_about:literal)?;)*
    })*) => {
        $($(#[$doc])* pub(crate) static $section: Section = Section {
            name: stringify!($section),
            place: $place,
            written: $written,
            about: concat!($($about)?),
            keys: &[$(KeyDeclaration {
                name: $name,
                shape: $shape,
                about: concat!($($key_about)?),
                is_required: !stringify!($($required)?).is_empty(),
            }),*],
        };)*
    };
}

/// The words of an enum, with its doc comments as their descriptions.
fn words<T: JsonSchema>() -> Json {
    T::json_schema(&mut SchemaGenerator::default()).to_value()
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the derive of the schema only")]
enum Gate {
    /// A person says `dispatch approve`.
    Approve,
}

const TEXTS: Shape = List(&Text);
const TEXT_MAP: Shape = Map(&Text);
const ONE_OR_MANY: Shape = Either(&Text, &TEXTS);

sections! {
    MANIFEST: "at the top level of the manifest, without indentation", "…" {
        "version" required: Number(1, 1), "The format's version: 1.";
        "session": Text, "The tmux session; default: the folder's name.";
        "tmux": Keys(&TMUX);
        "terminal": Command, "`auto`, `none`, a terminal's name such as `kitty`, or a command of your own with \
            `{{ command }}`.";
        "editor": Command, "Opens a file in your editor: a command with `{{ file }}` and `{{ line }}`, such as \
            `code --goto {{ file }}:{{ line }}`; default: `$VISUAL`, `$EDITOR`.";
        "jobs": Number(1, 1000), "Headless jobs at once in this project.";
        "state_dir": Text, "Where runs are kept, relative to the manifest.";
        "env": TEXT_MAP, "Set for every run.";
        "vars": TEXT_MAP, "Template variables, as `{{ vars.NAME }}`; `run --set` replaces them, and must give a null one.";
        "pass_env": TEXTS, "Names taken from the caller's environment.";
        "retention": Keys(&RETENTION);
        "budget": Keys(&BUDGET);
        "notify": Keys(&NOTIFY), "How the user is told what happens.";
        "tasks": List(&Keys(&TASK_SOURCE)), "Where tasks come from.";
        "worktree": Keys(&WORKTREE);
        "agents": Map(&Keys(&AGENT));
        "executors": Map(&Keys(&EXECUTOR)), "Where headless modes run beside this machine.";
        "defaults": Keys(&DEFAULTS);
        "modes": Map(&Keys(&MODE));
        "mode_files": TEXTS, "Command files, each an interactive mode.";
        "runs": List(&Keys(&RUN)), "The wanted set, applied only by `up`.";
    }
    LOCAL: "at the top level of the local file, without indentation", "…" {
        "version": Number(1, 1);
        "terminal": Command;
        "editor": Command;
        "jobs": Number(1, 1000);
        "budget": Keys(&BUDGET);
        "notify": Keys(&NOTIFY);
        "env": TEXT_MAP;
        "pass_env": TEXTS;
        "modes": Map(&Keys(&LOCAL_MODE));
    }
    LOCAL_MODE: "in a mode", "modes: { NAME: { … } }" {
        "flags": TEXTS;
    }
    TMUX: "in `tmux`", "tmux: { … }" {
        "socket": Text, "A name as `tmux -L` takes it.";
    }
    RETENTION: "in `retention`", "retention: { … }" {
        "runs_per_pair": Number(1, 1_000_000);
        "max_age": Duration;
    }
    BUDGET: "in `budget`", "budget: { … }" {
        "run": Usd, "USD that one run may cost, told to the agent.";
        "day": Usd, "USD: over the day's sum headless runs stay queued.";
    }
    NOTIFY: "in `notify`", "notify: { … }" {
        "desktop": Bool, "The desktop's own notices, or those of the terminals on the tmux server.";
        "command": Command, "Gets the notice as JSON on stdin.";
        "on": List(&Choice(words::<NoticeKind>)), "Default: all but `succeeded`.";
        "every": Duration, "At most one notice in this time; default: 10s.";
    }
    RUN: "in an entry of `runs`", "runs: [{ … }]" {
        "mode" required: Name;
        "tasks" required: Either(&List(&Id), &Keys(&SELECTOR));
        "restart": Choice(words::<Restart>),
            "When `up` starts an ended run again; `always` is for interactive modes.";
    }
    SELECTOR: "in the `tasks` of an entry of `runs`", "runs: [{ tasks: { … } }]",
            "Values of one field are alternatives; all fields must hold." {
        "status": ONE_OR_MANY;
        "tag": ONE_OR_MANY;
        "type": ONE_OR_MANY;
        "parent": ONE_OR_MANY;
    }
    TASK_SOURCE: "in an entry of `tasks`", "tasks: [{ … }]" {
        "files": Text, "A glob of task files, relative to the manifest.";
        "list": List(&Keys(&TASK)), "Tasks written here.";
        "subtasks": Text, "A YAML list of tasks with `mode`, `prompt` and `gate`, relative to the manifest.";
        "id": Text, "A text that names the tasks of `files`, with expressions over `file` (`path stem dir parts`) and \
            `meta`,\nsuch as `{{ file.parts[1] }}_{{ file.stem }}`.";
    }
    TASK: "in a listed task", "tasks: [{ list: [{ … }] }]" {
        "id" required: Id;
        "title": Text;
        "status": Text;
        "type": Text;
        "priority": Text;
        "area": Text;
        "tags": TEXTS;
        "assignee": Text;
        "parent": Id;
        "depends_on": List(&Id);
        "body": Text;
    }
    /// An entry of a subtask file. No hint leads here.
    SUBTASK: "", "", "A task of a subtask file." {
        "id" required: Id;
        "title": Text;
        "parent": Id, "The task that it is a part of.";
        "depends_on": List(&Id), "Tasks that run before it.";
        "mode": Name, "The mode that runs it.";
        "prompt": Text, "What the agent is asked to do.";
        "gate": Choice(words::<Gate>), "Waits for a person before it starts.";
    }
    WORKTREE: "in `worktree`", "worktree: { … }" {
        "path" required: Text, "A template over `task`, `project` and `mode`, relative to the manifest.";
        "create": Bool, "Make a missing worktree with `git worktree add`.";
        "branch": Text;
        "base": Text,
            "What a new branch starts from; default: the branch of `origin/HEAD`, else the main checkout's.";
        "fetch": Bool, "Run `git fetch` for the base before a new branch starts from it.";
        "submodules": Bool, "Fill submodules in a new worktree: `git submodule update --init --recursive`.";
        "copy": TEXTS, "Files that a new worktree gets, as paths or globs below the project.";
        "setup": Command, "Run once in a new worktree.";
        "check": Command, "Must succeed in the worktree before `dispatch merge` merges its branch.";
    }
    AGENT: "in an agent", "agents: { NAME: { … } }" {
        "interactive": Command, "Its command in a window.";
        "headless": Command, "Its command as a background job.";
        "prompt": Either(&Choice(words::<PromptDelivery>), &Keys(&AGENT_PROMPT));
        "protocol": Choice(words::<Protocol>), "How its output and state are read.";
        "model": Command, "The arguments of `run --model NAME`, with `{{ model }}` for the name.";
    }
    AGENT_PROMPT: "in the `prompt` of an agent", "agents: { NAME: { prompt: { … } } }" {
        "interactive": Choice(words::<PromptDelivery>);
        "headless": Choice(words::<PromptDelivery>);
    }
    EXECUTOR: "in an executor", "executors: { NAME: { … } }" {
        "engine" required: Choice(words::<EngineKind>), "What queues, places and limits its jobs.";
        "options": TEXTS, "Further arguments of the engine's submitting command, such as `--partition=main`.";
        "program": Text, "The path of `dispatch` on the nodes; default: its path here.";
        "max_jobs": Number(1, 100_000), "Runs of this project in the engine at once; default: no limit.";
        "lease": Duration, "How long a run may show no sign of life until it counts as lost; default: 2m 30s.";
    }
    MODE: "in a mode", "modes: { NAME: { … } }" {
        "interactive": Bool, "A tmux window; else a background job.";
        "template": Text, "The prompt's template file, relative to the manifest.";
        "prompt": Text, "The prompt's template itself.";
        "flags": TEXTS, "Further arguments of the agent, each a template.";
        "extends": Name, "A mode of the same kind. Single values and lists replace its values, mappings are merged by \
            key,\nand null removes.";
        "description": Text;
        "save_to": Text, "Where the final answer goes, below the run's working directory.";
        "cleanup_on_exit": Bool, "Interactive: close the window when the agent ends.";
        "timeout": Duration, "Wall clock of one attempt.";
        "stop_grace": Duration, "From TERM to KILL.";
        "exit_grace": Duration,
            "How long an agent that has answered may stay silent before it is ended; default: 60s.";
        "log_max": Amount, "Over it the run fails.";
        "limits": Keys(&LIMITS);
        "retry": Keys(&RETRY), "When a failed attempt is tried again.";
        "needs": List(&Name), "Modes that run first on the same task.";
        "gate": Choice(words::<Gate>), "Waits for a person before it starts.";
        "exclusive": Bool, "No other exclusive run in the same folder at once.";
        "sources": TEXTS, "With `generates`: skip when nothing changed. Patterns below the run's working directory.";
        "generates": TEXTS, "The files that it makes. Patterns below the run's working directory.";
        "expect": Keys(&EXPECT);
        "agent": Text;
        "executor": Text, "Headless: where it runs, `local` or a name of `executors`; default: `local`.";
        "cwd": Text, "A template; default: the worktree, or the manifest's folder.";
        "env": TEXT_MAP;
    }
    LIMITS: "in the `limits` of a mode", "limits: { … }" {
        "cpu": Duration, "CPU time of the whole tree.";
        "memory": Amount;
        "processes": Number(1, 4_194_304);
    }
    EXPECT: "in the `expect` of a mode", "expect: { … }" {
        "non_empty": Bool, "The final answer is not empty.";
        "files": TEXTS, "Files that must be there, below the run's working directory.";
        "command": Command, "Must end with 0.";
    }
    RETRY: "in the `retry` of a mode", "retry: { … }" {
        "max": Number(0, 100), "Attempts after the first; required, unless it is inherited.";
        "backoff": Duration, "Before the second attempt, doubled for each one after it; default: 30s.";
        "on": List(&Choice(words::<RetryOn>)), "Default: `rate_limit` only.";
    }
}

/// Keys at the start of [`MODE`] that `defaults` does not have: `interactive template prompt flags extends`.
const OWN_KEYS: usize = 5;

/// The values of every mode that says nothing else: the keys of a mode without its own ones.
pub(crate) static DEFAULTS: Section = Section {
    name: "DEFAULTS",
    place: "in `defaults`",
    written: "defaults: { … }",
    about: "For every mode but `none`; what a kind of mode cannot honour is passed over.",
    keys: MODE.keys.split_at(OWN_KEYS).1,
};

/// The sections of the manifest in which a misplaced key may belong, the most likely first.
pub(crate) static HOMES: [&Section; 17] = [
    &MODE,
    &MANIFEST,
    &AGENT,
    &EXECUTOR,
    &TASK_SOURCE,
    &RUN,
    &WORKTREE,
    &NOTIFY,
    &BUDGET,
    &LIMITS,
    &EXPECT,
    &RETRY,
    &RETENTION,
    &SELECTOR,
    &TASK,
    &TMUX,
    &AGENT_PROMPT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_have_the_keys_of_a_mode_that_every_mode_may_share() {
        let own = ["interactive", "template", "prompt", "flags", "extends"];
        let names: Vec<&str> = MODE.names().filter(|name| !own.contains(name)).collect();
        assert_eq!(DEFAULTS.names().collect::<Vec<_>>(), names);
    }
}
