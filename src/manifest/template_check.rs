//! Checks templates without rendering them: syntax, names (by `template_names.rs`), filters, and included files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::Environment;

use crate::manifest::source::{self, Source, TEMPLATE_MAX};
use crate::manifest::template_engine::{self, Sources};
use crate::manifest::template_names::{DeclaredNames, NameRules, TemplateScope, check_filter, check_name, check_test};
use crate::manifest::template_scan::Scan;
use crate::manifest::template_thread;
use crate::manifest::templates;
use crate::model::problem::Problem;

/// Most files that one template includes, directly and indirectly, and that are checked with it.
const FILES_MAX: usize = 100;

/// One template to check.
#[derive(Clone, Debug)]
pub(crate) struct TemplateToCheck {
    pub source: Source,
    /// Includes are searched below this folder.
    pub tree: PathBuf,
    /// Its path below `tree`, or a description.
    pub name: String,
    pub scope: TemplateScope,
}

/// A mistake in the template's own text, or a problem in an included file.
#[derive(Clone, Debug)]
pub(crate) enum Mistake {
    Here { range: Range<usize>, problem: Problem },
    Elsewhere(Problem),
}

/// Checks all templates on one thread with a deep stack; the results are in their order. A file that several of them
/// include is checked once.
pub(crate) fn check(templates: Vec<TemplateToCheck>, declared: DeclaredNames) -> Vec<Vec<Mistake>> {
    if templates.is_empty() {
        return Vec::new();
    }
    let count = templates.len();
    let texts: Vec<Arc<str>> = templates.iter().map(|template| Arc::clone(&template.source.text)).collect();
    let done = template_thread::run_for(&texts, move || {
        let mut checked = BTreeSet::new();
        templates.iter().map(|template| check_template(template, &declared, &mut checked)).collect()
    });
    done.unwrap_or_else(|given_up| {
        let problem = Problem::error(format!("the check of the templates was given up: {given_up}"));
        // The problem concerns all of them: it is reported at the first.
        let mut answers = vec![Vec::new(); count];
        answers[0].push(Mistake::Here { range: 0..0, problem });
        answers
    })
}

fn check_template(
    template: &TemplateToCheck,
    declared: &DeclaredNames,
    checked: &mut BTreeSet<PathBuf>,
) -> Vec<Mistake> {
    let TemplateToCheck { source, tree, name, scope } = template;
    let scope = *scope;
    let sources = Sources::default();
    let engine = template_engine::environment(tree, &sources);
    let mut mistakes = Vec::new();
    check_text(&engine, source, name, NameRules { scope, declared, whole: true }, &mut mistakes);
    let mut included = BTreeSet::new();
    let mut waiting = vec![(source.clone(), name.clone(), true)];
    while let Some((source, name, own)) = waiting.pop() {
        for (reference, range) in Scan::new(&source.text).references() {
            let wanted = template_engine::join(&reference, &name).into_owned();
            let found = find(tree, &wanted).and_then(|path| {
                let is_new = included.insert(path.clone());
                if is_new && included.len() > FILES_MAX {
                    return Err(too_many());
                }
                if checked.insert(path.clone()) { read(&path).map(Some) } else { Ok(None) }
            });
            match found {
                // Checked before.
                Ok(None) => {}
                Ok(Some(found)) => {
                    let mut inner = Vec::new();
                    let names = NameRules { scope, declared, whole: false };
                    check_text(&engine, &found, &wanted, names, &mut inner);
                    mistakes.extend(inner.into_iter().map(|mistake| elsewhere(mistake, &found)));
                    waiting.push((found, wanted, false));
                }
                Err(problem) => {
                    let mistake = Mistake::Here { range, problem };
                    mistakes.push(if own { mistake } else { elsewhere(mistake, &source) });
                    if included.len() > FILES_MAX {
                        return mistakes;
                    }
                }
            }
        }
    }
    mistakes
}

/// The file of an included template. Fails where there is none in `tree`.
fn find(tree: &Path, name: &str) -> Result<PathBuf, Problem> {
    template_engine::find(tree, name).map_err(Problem::error)?.ok_or_else(|| {
        Problem::error(format!("there is no template `{}`", name.escape_debug()))
            .hint(format!("it is looked for below {}", tree.display()))
    })
}

fn read(path: &Path) -> Result<Source, Problem> {
    source::read(path, "template", TEMPLATE_MAX).map_err(|problem| Problem { place: None, ..problem })
}

fn too_many() -> Problem {
    Problem::warning(format!(
        "this template includes more than {FILES_MAX} files; this one and further ones are not checked"
    ))
}

fn elsewhere(mistake: Mistake, source: &Source) -> Mistake {
    match mistake {
        Mistake::Here { range, problem } => {
            Mistake::Elsewhere(problem.at(source.path.clone(), &source.text, range.start, range.end))
        }
        placed => placed,
    }
}

fn check_text(
    engine: &Environment<'static>,
    source: &Source,
    name: &str,
    names: NameRules<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut note = |range: Range<usize>, problem: Problem| mistakes.push(Mistake::Here { range, problem });
    let text = &source.text;
    let template = match engine.template_from_named_str(name, text) {
        Ok(template) => template,
        Err(error) => {
            let sources = BTreeMap::from([(name.to_owned(), source.clone())]);
            let problem = templates::problem(&error, name, &sources);
            let excerpt = problem.place.as_ref().and_then(|place| place.excerpt.as_ref());
            let range = excerpt.map_or(0..0, |excerpt| excerpt.start..excerpt.end);
            note(range, Problem { place: None, ..problem });
            return;
        }
    };
    let scan = Scan::new(text);
    for dotted in template.undeclared_variables(true).into_iter().collect::<BTreeSet<_>>() {
        if let Some(problem) = check_name(engine, &dotted, names) {
            note(scan.name(&dotted).unwrap_or(0..0), problem);
        }
    }
    for (filter, range) in scan.filters() {
        if let Some(problem) = check_filter(engine, filter) {
            note(range, problem);
        }
    }
    for (test, range) in scan.tests() {
        if let Some(problem) = check_test(engine, test) {
            note(range, problem);
        }
    }
    for range in scan.huge_repeats() {
        note(range, Problem::error("repeats a million times or more"));
    }
}
