//! The mappings of a manifest and what lies below their keys: tells where a key belongs that stands elsewhere.
//!
//! Input: a key that its mapping does not know, with its value and its siblings. Output: hints that end with the
//! text to write. The lists of keys themselves are in `keys.rs`.

use crate::manifest::document::{At, Document};
use crate::manifest::flow;
use crate::manifest::keys;
use crate::manifest::tree::{Kind, Node, NodeId};
use crate::model::problem::Problem;

/// A mapping with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Manifest,
    Local,
    LocalMode,
    Modes,
    Mode,
    Agents,
    Agent,
    AgentPrompt,
    TaskSource,
    ListedTask,
    Worktree,
    Run,
    Selector,
    Limits,
    Expect,
    Retry,
    Retention,
    Budget,
    Notify,
    Tmux,
}

/// More places than this say nothing.
const HOMES_MAX: usize = 3;

impl Section {
    /// Those of the manifest that know their keys, the likeliest first.
    const HOMES: [Self; 16] = [
        Self::Mode,
        Self::Manifest,
        Self::Agent,
        Self::TaskSource,
        Self::Run,
        Self::Worktree,
        Self::Notify,
        Self::Budget,
        Self::Limits,
        Self::Expect,
        Self::Retry,
        Self::Retention,
        Self::Selector,
        Self::ListedTask,
        Self::Tmux,
        Self::AgentPrompt,
    ];

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Manifest => keys::MANIFEST,
            Self::Local => keys::LOCAL,
            Self::LocalMode => keys::LOCAL_MODE,
            // Their keys are names that the user chose.
            Self::Modes | Self::Agents => &[],
            Self::Mode => keys::MODE,
            Self::Agent => keys::AGENT,
            Self::AgentPrompt => keys::AGENT_PROMPT,
            Self::TaskSource => keys::TASK_SOURCE,
            Self::ListedTask => keys::TASK,
            Self::Worktree => keys::WORKTREE,
            Self::Run => keys::RUN,
            Self::Selector => keys::SELECTOR,
            Self::Limits => keys::LIMITS,
            Self::Expect => keys::EXPECT,
            Self::Retry => keys::RETRY,
            Self::Retention => keys::RETENTION,
            Self::Budget => keys::BUDGET,
            Self::Notify => keys::NOTIFY,
            Self::Tmux => keys::TMUX,
        }
    }

    /// The section with exactly these keys.
    pub(crate) fn of(known: &[&str]) -> Option<Self> {
        [Self::Local, Self::LocalMode].into_iter().chain(Self::HOMES).find(|section| section.keys() == known)
    }

    fn has_free_keys(self) -> bool {
        matches!(self, Self::Modes | Self::Agents)
    }

    /// The section of the mapping, or of each mapping in the list, below `key`.
    fn below(self, key: &str) -> Option<Self> {
        Some(match (self, key) {
            (Self::Manifest, "modes") => Self::Modes,
            (Self::Modes, _) => Self::Mode,
            (Self::Manifest, "agents") => Self::Agents,
            (Self::Agents, _) => Self::Agent,
            (Self::Agent, "prompt") => Self::AgentPrompt,
            (Self::Manifest, "tasks") => Self::TaskSource,
            (Self::TaskSource, "list") => Self::ListedTask,
            (Self::Manifest, "worktree") => Self::Worktree,
            (Self::Manifest, "runs") => Self::Run,
            (Self::Run, "tasks") => Self::Selector,
            (Self::Mode, "limits") => Self::Limits,
            (Self::Mode, "expect") => Self::Expect,
            (Self::Mode, "retry") => Self::Retry,
            (Self::Manifest, "retention") => Self::Retention,
            (Self::Manifest | Self::Local, "budget") => Self::Budget,
            (Self::Manifest | Self::Local, "notify") => Self::Notify,
            (Self::Manifest, "tmux") => Self::Tmux,
            _ => return None,
        })
    }

    /// Where its keys stand, and an entry of it as it would be written.
    fn home(self, entry: &str) -> (&'static str, String) {
        match self {
            Self::Manifest => ("at the top level of the manifest, without indentation", entry.to_owned()),
            Self::Local => ("at the top level of the local file, without indentation", entry.to_owned()),
            Self::Modes | Self::Mode | Self::LocalMode => ("in a mode", format!("modes: {{ NAME: {{ {entry} }} }}")),
            Self::Agents | Self::Agent => ("in an agent", format!("agents: {{ NAME: {{ {entry} }} }}")),
            Self::AgentPrompt => {
                ("in the `prompt` of an agent", format!("agents: {{ NAME: {{ prompt: {{ {entry} }} }} }}"))
            }
            Self::TaskSource => ("in an entry of `tasks`", format!("tasks: [{{ {entry} }}]")),
            Self::ListedTask => ("in a listed task", format!("tasks: [{{ list: [{{ {entry} }}] }}]")),
            Self::Worktree => ("in `worktree`", format!("worktree: {{ {entry} }}")),
            Self::Run => ("in an entry of `runs`", format!("runs: [{{ {entry} }}]")),
            Self::Selector => ("in the `tasks` of an entry of `runs`", format!("runs: [{{ tasks: {{ {entry} }} }}]")),
            Self::Limits => ("in the `limits` of a mode", format!("limits: {{ {entry} }}")),
            Self::Expect => ("in the `expect` of a mode", format!("expect: {{ {entry} }}")),
            Self::Retry => ("in the `retry` of a mode", format!("retry: {{ {entry} }}")),
            Self::Retention => ("in `retention`", format!("retention: {{ {entry} }}")),
            Self::Budget => ("in `budget`", format!("budget: {{ {entry} }}")),
            Self::Notify => ("in `notify`", format!("notify: {{ {entry} }}")),
            Self::Tmux => ("in `tmux`", format!("tmux: {{ {entry} }}")),
        }
    }
}

/// Whether this word is a key of any section.
pub(crate) fn is_known_key(word: &str) -> bool {
    Section::HOMES.iter().any(|section| section.keys().contains(&word))
}

/// Where the key of `entries[index]` belongs, which the section with the keys `known` does not have: the hints
/// to give, none where no section has it.
pub(crate) fn belongs(document: &Document, known: &[&str], entries: &[(Node, Node)], index: usize) -> Vec<String> {
    let Some((section, (key, value))) = Section::of(known).zip(entries.get(index)) else { return Vec::new() };
    let Some(name) = key.text() else { return Vec::new() };
    if let Some(hint) = indentation(document, section, entries, index) {
        return vec![hint];
    }
    let in_the_manifest = match section {
        Section::Local => Section::Manifest.keys().contains(&name),
        Section::LocalMode => Section::Mode.keys().contains(&name),
        _ => false,
    };
    if in_the_manifest {
        return vec![format!("`{name}` is set in the shared manifest: write it in `dispatch.yaml`")];
    }
    let entry = flow::entry(name, value);
    let homes = Section::HOMES.into_iter().filter(|home| *home != section && home.keys().contains(&name));
    let hint = |home: Section| {
        let (place, text) = home.home(&entry);
        format!("`{name}` belongs {place}: `{text}`")
    };
    let hints: Vec<String> = homes.map(hint).collect();
    if hints.len() > HOMES_MAX { Vec::new() } else { hints }
}

/// Notes that the entry of `modes` or `agents` is no mode and no agent but a key of one, which stands one level
/// too far out. `id` is that of its key. False where it can be a mode or an agent.
pub(crate) fn is_misplaced(document: &Document, section: Section, entries: &[(Node, Node)], id: NodeId) -> bool {
    let Some(index) = entries.iter().position(|(key, _)| key.id == id) else { return false };
    let Some((key, value)) = entries.get(index) else { return false };
    let Some((name, inner)) = key.text().and_then(|name| Some((name, section.below(name)?))) else { return false };
    let is_key_of_it = inner.keys().contains(&name)
        && match &value.kind {
            Kind::Null => false,
            Kind::Map(fields) => inner.below(name).is_some_and(|deeper| {
                !fields.is_empty()
                    && fields.iter().all(|(key, _)| key.text().is_some_and(|key| deeper.keys().contains(&key)))
            }),
            _ => true,
        };
    if !is_key_of_it {
        return false;
    }
    let (what, place) = if section == Section::Agents { ("an agent", "agents") } else { ("a mode", "modes") };
    let problem = Problem::error(format!("`{name}` is a key of {what}, not a name below `{place}`"));
    let hint = indentation(document, section, entries, index).unwrap_or_else(|| {
        let (_, text) = inner.home(&flow::entry(name, value));
        format!("write it below the name of {what}: `{text}`")
    });
    document.add(At::Node(key.id), problem.hint(hint));
    true
}

/// A key that stands too far out: the mapping that ends just before it has such a key, deeper.
fn indentation(document: &Document, section: Section, entries: &[(Node, Node)], index: usize) -> Option<String> {
    let (key, value) = entries.get(index)?;
    let name = key.text()?;
    // Other keys that stand too far out may come between.
    let is_own = |name: &str| section.keys().contains(&name);
    let before = entries[..index].iter().rev();
    let (parent, mut node) = before
        .filter_map(|(key, value)| Some((key.text()?, value)))
        .find(|(key, _)| is_own(key) || (section.has_free_keys() && !is_key_below(section, key)))?;
    let mut inner = section.below(parent)?;
    let mut path = match section {
        Section::Modes => format!("modes.{parent}"),
        Section::Agents => format!("agents.{parent}"),
        _ => parent.to_owned(),
    };
    let first = loop {
        match &node.kind {
            Kind::Null if inner.keys().contains(&name) => break None,
            Kind::Null if inner.has_free_keys() && matches!(value.kind, Kind::Map(_)) => break None,
            Kind::Map(fields) if inner.keys().contains(&name) => break Some(&fields.first()?.0),
            Kind::Map(fields) => {
                let (last, deeper) = fields.last()?;
                inner = inner.below(last.text()?)?;
                path = format!("{path}.{}", last.text()?);
                node = deeper;
            }
            Kind::List(items) => node = items.last()?,
            _ => return None,
        }
    };
    let own = document.column(key.id)?;
    let wanted = match first {
        Some(first) => document.column(first.id)?,
        None => own + 2,
    };
    if wanted <= own {
        return None;
    }
    let written = match value.kind {
        Kind::Map(_) | Kind::List(_) => format!("{name}:"),
        _ => flow::entry(name, value),
    };
    let more = wanted - own;
    Some(format!("indent it by {more} more spaces, so that it stands in `{path}`: `{}{written}`", " ".repeat(wanted)))
}

fn is_key_below(section: Section, name: &str) -> bool {
    section.below(name).is_some_and(|inner| inner.keys().contains(&name))
}
