//! Checks `needs:` after all modes are read: every named mode exists, and no mode needs itself.

use std::collections::BTreeMap;

use crate::manifest::document::{At, shown};
use crate::manifest::mode::Mode;
use crate::manifest::mode_block::ModeBlock;
use crate::manifest::tree::Node;
use crate::model::cycles::{self, break_cycles};
use crate::model::names::ModeName;
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;

pub(crate) fn check(blocks: &[ModeBlock<'_>], modes: &BTreeMap<ModeName, Mode>) {
    for block in blocks {
        for item in block.fields.get("needs").map(Node::items).unwrap_or_default() {
            let known = item.as_text().and_then(|text| ModeName::parse(text).ok());
            if let Some(name) = known.filter(|name| !modes.contains_key(name)) {
                block
                    .fields
                    .document
                    .add(At::Node(item.id), unknown_mode(name.as_str(), modes.keys().map(ModeName::as_str)));
            }
        }
    }
    let names: Vec<&ModeName> = modes.keys().collect();
    let position = |name: &ModeName| names.binary_search(&name).ok();
    let mut edges: Vec<Vec<usize>> =
        modes.values().map(|mode| mode.needs.iter().filter_map(position).collect()).collect();
    for cycle in break_cycles(&mut edges) {
        let shown = cycles::shown(cycle.iter().map(|i| names[*i].as_str()).collect());
        let problem = Problem::error(format!("`needs` run in a circle: {shown}")).hint("remove one of the steps");
        // The last step closes the cycle.
        let closing = cycle.iter().rev().nth(1).map(|i| names[*i]);
        let block = blocks.iter().find(|block| Some(&block.mode.name) == closing);
        if let Some(block) = block.filter(|block| block.fields.given("needs").is_some()) {
            block.fields.add_at_value("needs", problem);
        }
    }
}

pub(crate) fn unknown_mode<'m>(name: &str, known: impl IntoIterator<Item = &'m str>) -> Problem {
    let near = did_you_mean(name, known);
    Problem::error(format!("there is no mode `{}`", shown(name)))
        .hint(near.unwrap_or_else(|| "`dispatch modes` lists them".to_owned()))
}
