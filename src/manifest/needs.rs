//! Checks `needs:` once all modes are read: every mode is there, and none needs itself.

use std::collections::{BTreeMap, HashMap};

use crate::manifest::document::{At, Document, shown};
use crate::manifest::mode::Mode;
use crate::manifest::mode_block::ModeBlock;
use crate::manifest::tree::{Kind, NodeId};
use crate::model::names::ModeName;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;

/// A circle of more modes than this is shown in part.
const SHOWN: usize = 12;

pub(crate) fn check(document: &Document, blocks: &[ModeBlock<'_>], modes: &BTreeMap<ModeName, Mode>) {
    for block in blocks {
        let Some(Kind::List(items)) = block.node("needs").map(|node| &node.kind) else { continue };
        for item in items {
            let known = item.text().and_then(|text| ModeName::parse(text).ok());
            if let Some(name) = known.filter(|name| !modes.contains_key(name)) {
                document.add(At::Node(item.id), unknown_mode(name.as_str(), modes));
            }
        }
    }
    let at: HashMap<&ModeName, NodeId> =
        blocks.iter().filter_map(|block| Some((&block.mode.name, block.node("needs")?.id))).collect();
    for circle in circles(modes) {
        let mut names: Vec<&str> = circle.iter().map(|name| name.as_str()).collect();
        if names.len() > SHOWN {
            names.splice(SHOWN - 1..names.len() - 1, ["…"]);
        }
        let problem = Problem::error(format!("`needs` run in a circle: {}", names.join(" → ")));
        // The last step closes the circle.
        if let Some(id) = circle.iter().rev().nth(1).and_then(|name| at.get(*name)) {
            document.add(At::Node(*id), problem.hint("remove one of the steps"));
        }
    }
}

pub(crate) fn unknown_mode(name: &str, modes: &BTreeMap<ModeName, Mode>) -> Problem {
    let problem = Problem::error(format!("there is no mode `{}`", shown(name)));
    match nearest(name, modes.keys().map(ModeName::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("`dispatch modes` lists them"),
    }
}

/// Each circle once, as a path from a mode back to it. Without recursion: a chain may be long.
fn circles(modes: &BTreeMap<ModeName, Mode>) -> Vec<Vec<&ModeName>> {
    #[derive(PartialEq)]
    enum Mark {
        OnPath,
        Done,
    }
    let mut marks: HashMap<&ModeName, Mark> = HashMap::new();
    let mut found = Vec::new();
    for start in modes.values() {
        if marks.contains_key(&start.name) {
            continue;
        }
        marks.insert(&start.name, Mark::OnPath);
        let mut path = vec![(start, start.needs.iter())];
        while let Some((mode, needs)) = path.last_mut() {
            let Some(need) = needs.next() else {
                marks.insert(&mode.name, Mark::Done);
                path.pop();
                continue;
            };
            match marks.get(need) {
                Some(Mark::Done) => {}
                Some(Mark::OnPath) => {
                    let from = path.iter().position(|(mode, _)| mode.name == *need).unwrap_or(0);
                    let mut circle: Vec<&ModeName> = path[from..].iter().map(|(mode, _)| &mode.name).collect();
                    circle.extend(circle.first().copied());
                    found.push(circle);
                }
                None => {
                    if let Some(mode) = modes.get(need) {
                        marks.insert(&mode.name, Mark::OnPath);
                        path.push((mode, mode.needs.iter()));
                    }
                }
            }
        }
    }
    found
}
