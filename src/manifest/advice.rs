//! Warnings of `check` about a valid manifest: parts that may not do what their author expects.
//!
//! Input: a whole manifest. Output: warnings at the line of a mode's name. Reads no files.

use crate::agents;
use crate::manifest::mode::{Mode, Origin, PromptSource};
use crate::manifest::settings::Manifest;
use crate::model::problem::Problem;
use crate::model::protocol::PromptDelivery;
use crate::model::text_lines::line_range;

/// Words that are or may become commands, separated by blanks: `dispatch WORD` does not run a mode with such a name.
pub const COMMANDS: &str = "run status list ls logs stop wait attach send plan up down approve tasks task modes render \
    history check diff clean prune serve token doctor init schema completions ui restart result shell merge pr man help";

/// Warnings on the modes of a manifest.
pub fn advice(manifest: &Manifest) -> Vec<Problem> {
    let found = |mode| [named_like_a_command(mode), without_prompt(manifest, mode)].into_iter().flatten();
    let found = manifest.modes.values().flat_map(found);
    found.map(|(mode, problem)| at_its_name(manifest, mode, problem)).collect()
}

fn named_like_a_command(mode: &Mode) -> Option<(&Mode, Problem)> {
    let name = mode.name.as_str();
    COMMANDS.split(' ').any(|command| command == name).then(|| {
        let message = format!("`{name}` is a command: `dispatch {name}` does not run the mode `{name}`");
        (mode, Problem::warning(message).hint(format!("rename the mode, or run it by `dispatch run {name} TASK`")))
    })
}

/// A headless mode without a prompt whose agent needs one. Agents of other protocols may need none.
fn without_prompt<'a>(manifest: &Manifest, mode: &'a Mode) -> Option<(&'a Mode, Problem)> {
    let declared = manifest.agents.get(&mode.agent)?;
    let needs_one =
        agents::of(declared.protocol).capabilities().needs_prompt && declared.prompt_headless != PromptDelivery::None;
    let has_none = mode.prompt == PromptSource::None && mode.form.is_job();
    (needs_one && has_none).then(|| {
        let name = mode.name.as_str();
        let message = format!("the headless mode `{name}` has no prompt, so it runs only with `--prompt TEXT`");
        let hint = format!("write one below `modes.{name}`: `prompt: \"Work on {{{{ task.path }}}}.\"`");
        (mode, Problem::warning(message).hint(hint))
    })
}

fn at_its_name(manifest: &Manifest, mode: &Mode, problem: Problem) -> Problem {
    let line = match &mode.origin {
        Origin::Manifest { line } => *line,
        Origin::CommandFile(path) => return problem.in_file(path.clone()),
        Origin::BuiltIn => return problem,
    };
    let range = line_range(&manifest.source, line);
    let start = range.start + manifest.source[range].find(mode.name.as_str()).unwrap_or(0);
    problem.at(manifest.path.clone(), &manifest.source, start, start + mode.name.as_str().len())
}
