//! What a person needs to decide on a run that waits at its gate: what its needs answered, and its prompt.

use std::collections::HashSet;

use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::names::{ModeName, Pair};
use crate::model::run::Run;
use crate::store::index::IndexError;

/// Needs that are shown, at most.
const NEEDS: usize = 20;
/// Bytes of the prompt that are shown, at most.
const PROMPT: usize = 64 * 1024;

#[derive(Debug, Default)]
pub struct GateFacts {
    /// The runs that it waited for, and the last ended run of each other mode that it needs.
    pub needs: Vec<Run>,
    /// `None`: it gets no prompt, or its prompt cannot be read.
    pub prompt: Option<String>,
}

/// `needed`: the modes that its mode needs by the manifest. Fails if the index cannot be read.
pub fn gate_facts(store: &Store, run: &Run, needed: &[String]) -> Result<GateFacts, IndexError> {
    let folder = store.folder(run.id());
    let after = folder.read_spec().map(|spec| spec.launch.conditions.after).unwrap_or_default();
    let mut needs = Vec::new();
    for id in after.iter().take(NEEDS) {
        needs.extend(refresh::one(store, id)?);
    }
    let known: HashSet<Pair> = needs.iter().map(Run::pair).collect();
    for mode in needed.iter().filter_map(|mode| ModeName::parse(mode).ok()).take(NEEDS) {
        let pair = Pair { mode, task: run.facts.task.clone() };
        if !known.contains(&pair) {
            needs.extend(store.with_index(|index| index.last_ended_of(&pair))?);
        }
    }
    let prompt = folder.read_prompt().ok().filter(|prompt| !prompt.is_empty());
    let prompt = prompt.map(|prompt| match prompt.get(..PROMPT) {
        Some(start) => format!("{}\n…", String::from_utf8_lossy(start)),
        None => String::from_utf8_lossy(&prompt).into_owned(),
    });
    Ok(GateFacts { needs, prompt })
}
