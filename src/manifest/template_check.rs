//! Checks templates without rendering them: syntax, names (by `template_names.rs`), filters, and included files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use minijinja::Environment;

use crate::manifest::source::{self, Source, TEMPLATE_MAX};
use crate::manifest::template_engine::{self, Sources};
use crate::manifest::template_names::{NameRules, TemplateScope, check_filter, check_name, check_test};
use crate::manifest::template_scan::Scan;
use crate::manifest::template_thread;
use crate::manifest::templates;
use crate::model::problem::Problem;

/// Most files of one template's tree that are followed.
const FILES_MAX: usize = 100;

/// One template to check.
#[derive(Clone, Debug)]
pub(crate) struct TemplateJob {
    pub source: Source,
    /// The folder of its includes, and its name there.
    pub tree: PathBuf,
    pub name: String,
    pub scope: TemplateScope,
}

/// A mistake in the job's own text, or a problem in an included file.
#[derive(Clone, Debug)]
pub(crate) enum Mistake {
    Here { range: Range<usize>, problem: Problem },
    Elsewhere(Problem),
}

/// Checks all jobs on one thread with a deep stack; the results are in the order of the jobs.
pub(crate) fn check(jobs: Vec<TemplateJob>, pass_env: &[String]) -> Vec<Vec<Mistake>> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let count = jobs.len();
    let pass_env = pass_env.to_vec();
    let texts: Vec<Arc<str>> = jobs.iter().map(|job| Arc::clone(&job.source.text)).collect();
    let done = template_thread::run_for(&texts, move || {
        let mut seen = BTreeSet::new();
        jobs.iter().map(|job| check_job(job, &pass_env, &mut seen)).collect()
    });
    done.unwrap_or_else(|given_up| {
        let problem = Problem::error(format!("the check of the templates was given up: {given_up}"));
        let mut answers = vec![Vec::new(); count];
        answers[0].push(Mistake::Here { range: 0..0, problem });
        answers
    })
}

fn check_job(job: &TemplateJob, pass_env: &[String], seen: &mut BTreeSet<PathBuf>) -> Vec<Mistake> {
    let sources = Sources::default();
    let engine = template_engine::environment(&job.tree, &sources);
    let mut mistakes = Vec::new();
    check_text(&engine, &job.source, &job.name, NameRules { scope: job.scope, pass_env, whole: true }, &mut mistakes);
    let mut waiting = vec![(job.source.clone(), job.name.clone(), true)];
    while let Some((source, name, own)) = waiting.pop() {
        for (reference, range) in Scan::new(&source.text).references() {
            let wanted = template_engine::join(&reference, &name).into_owned();
            match read_reference(job, &wanted, seen) {
                Ok(Some(found)) => {
                    let mut inner = Vec::new();
                    let names = NameRules { scope: job.scope, pass_env, whole: false };
                    check_text(&engine, &found, &wanted, names, &mut inner);
                    mistakes.extend(inner.into_iter().map(|mistake| elsewhere(mistake, &found)));
                    waiting.push((found, wanted, false));
                }
                Ok(None) => {}
                Err(problem) => {
                    let mistake = Mistake::Here { range, problem };
                    mistakes.push(if own { mistake } else { elsewhere(mistake, &source) });
                }
            }
        }
    }
    mistakes
}

/// The text of an included template; `None` if it was checked before.
fn read_reference(job: &TemplateJob, name: &str, seen: &mut BTreeSet<PathBuf>) -> Result<Option<Source>, Problem> {
    let missing = || {
        Problem::error(format!("there is no template `{}`", name.escape_debug()))
            .hint(format!("it is looked for below {}", job.tree.display()))
    };
    let path = template_engine::find(&job.tree, name).map_err(Problem::error)?.ok_or_else(missing)?;
    if seen.len() >= FILES_MAX || !seen.insert(path.clone()) {
        return Ok(None);
    }
    source::read(&path, "template", TEMPLATE_MAX).map(Some).map_err(|problem| Problem { place: None, ..problem })
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
