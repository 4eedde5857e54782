//! Reads `executors:` and checks which modes use them. Which options an engine's command takes is not known here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::named_entries;
use crate::manifest::fields::SectionFields;
use crate::manifest::mode_block::ModeBlock;
use crate::manifest::tree::{Node, NodeId};
use crate::manifest::{keys, sections};
use crate::model::engine::{EngineExecutor, EngineKind, LEASE, SHORTEST_LEASE};
use crate::model::names::ModeName;
use crate::model::nearest::did_you_mean;
use crate::model::owner::ExecutorName;
use crate::model::problem::Problem;

/// The executors by name, without `local`, which is always there.
pub(crate) fn read(fields: &SectionFields<'_>) -> BTreeMap<String, EngineExecutor> {
    let mut executors = BTreeMap::new();
    let document = fields.document;
    let Some(entries) = fields.read("executors", Document::read_map) else { return executors };
    for (name, id, block) in named_entries(entries) {
        if sections::is_misplaced(document, "executors", &keys::EXECUTOR, entries, id) {
            continue;
        }
        if ModeName::parse(name).is_err() {
            let message = format!("`{}` is not an executor's name: letters, digits, `_` and `-` only", shown(name));
            document.error(At::Node(id), message);
        } else if name == ExecutorName::Local.as_str() {
            document.error(At::Node(id), "`local` is this machine and cannot be declared");
        } else if let Some(executor) = read_executor(document, name, id, block) {
            executors.insert(name.to_owned(), executor);
        }
    }
    executors
}

fn read_executor(document: &Document, name: &str, id: NodeId, node: &Node) -> Option<EngineExecutor> {
    let fields = SectionFields::new(document, node, &format!("executors.{name}"), &keys::EXECUTOR)?;
    if fields.get("engine").is_none() {
        let problem = Problem::error(format!("executor `{name}` names no `engine`"));
        document.add(At::Node(id), problem.hint("write `engine: slurm`"));
    }
    let engine = fields.choice("engine", EngineKind::WORDS);
    let program = fields.filled_text("program").map(PathBuf::from);
    if program.as_ref().is_some_and(|path| !path.is_absolute()) {
        let problem = Problem::error("`program` must be an absolute path: it is the path on the nodes");
        fields.add_at_value("program", problem);
    }
    let lease = fields.interval("lease").unwrap_or(LEASE);
    if lease < SHORTEST_LEASE {
        fields.add_at_value("lease", Problem::error(format!("`lease` must be at least {SHORTEST_LEASE}")));
    }
    Some(EngineExecutor {
        name: name.to_owned(),
        engine: engine?,
        options: fields.texts("options").unwrap_or_default(),
        program,
        max_jobs: fields.number("max_jobs"),
        lease,
    })
}

/// Checks the `executor` of each mode.
pub(crate) fn check_modes(blocks: &[ModeBlock<'_>], executors: &BTreeMap<String, EngineExecutor>) {
    for block in blocks {
        let Some(name) = block.mode.executor.as_deref().filter(|name| *name != ExecutorName::Local.as_str()) else {
            continue;
        };
        if !executors.contains_key(name) {
            let known = executors.keys().map(String::as_str).chain([ExecutorName::Local.as_str()]);
            let hint = did_you_mean(name, known.clone())
                .unwrap_or_else(|| format!("there are: {}", known.collect::<Vec<_>>().join(", ")));
            let problem = Problem::error(format!("there is no executor `{}`", shown(name)));
            block.fields.add_at_value("executor", problem.hint(hint));
        }
        if block.mode.limits.processes.is_some()
            && let Some(limits) = block.fields.fields_of("limits")
        {
            let problem = Problem::error(format!("executor `{}` cannot limit `processes`", shown(name)));
            limits.add_at_value("processes", problem.hint("remove it, or run the mode on this machine"));
        }
    }
}
