//! Checks templates without rendering them: syntax, names, filters, and the files they take in.
//!
//! Knows the context of CONTRACT section 4 by heart; what the values are is not its business.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use minijinja::Environment;

use crate::manifest::source::Source;
use crate::manifest::template_engine::{self, Sources};
use crate::manifest::template_scan::Scan;
use crate::manifest::template_thread;
use crate::manifest::templates;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;

pub(crate) const TASK_FIELDS: &[&str] = &[
    "id",
    "title",
    "status",
    "type",
    "priority",
    "area",
    "tags",
    "assignee",
    "parent",
    "subtasks",
    "depends_on",
    "path",
    "body",
    "sections",
    "meta",
];
const MODE_FIELDS: &[&str] = &["name", "description"];
const PROJECT_FIELDS: &[&str] = &["name", "root"];
const WORKTREE_FIELDS: &[&str] = &["path", "branch"];
const EVERYTHING: &[&str] = &["task", "mode", "project", "worktree", "prompt", "extras", "date", "env"];
const BEFORE_WORKTREE: &[&str] = &["task", "mode", "project"];
/// Names that the language itself brings.
const LANGUAGE: &[&str] = &["self", "super", "caller", "loop", "true", "false", "none", "True", "False", "None"];
/// For hints only; whether a filter exists is asked of the engine.
const FILTERS: &[&str] = &[
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "length",
    "count",
    "dictsort",
    "items",
    "reverse",
    "trim",
    "join",
    "split",
    "lines",
    "default",
    "round",
    "abs",
    "int",
    "float",
    "first",
    "last",
    "sort",
    "list",
    "string",
    "bool",
    "batch",
    "slice",
    "sum",
    "indent",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "unique",
    "format",
    "tojson",
];
/// More files than this in one template's tree are not followed.
const FILES_MAX: usize = 100;

/// Which names a template may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// The worktree's own path and branch: nothing of it is known yet.
    BeforeWorktree,
}

/// One template to check.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub source: Source,
    /// Where its includes come from, and its name there.
    pub tree: PathBuf,
    pub name: String,
    pub scope: Scope,
}

/// A mistake in the job's own text, or a placed problem in a file that it takes in.
#[derive(Clone, Debug)]
pub(crate) enum Mistake {
    Here { range: Range<usize>, problem: Problem },
    Elsewhere(Problem),
}

/// Checks all jobs on one deep stack; the answers stand in the jobs' order.
pub(crate) fn check(jobs: Vec<Job>, pass_env: &[String]) -> Vec<Vec<Mistake>> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let count = jobs.len();
    let pass_env = pass_env.to_vec();
    let done = template_thread::run(move || {
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

fn check_job(job: &Job, pass_env: &[String], seen: &mut BTreeSet<PathBuf>) -> Vec<Mistake> {
    let sources = Sources::default();
    let engine = template_engine::environment(&job.tree, &sources);
    let mut mistakes = Vec::new();
    check_text(&engine, &job.source, &job.name, Names { scope: job.scope, pass_env, whole: true }, &mut mistakes);
    let mut waiting = vec![(job.source.clone(), job.name.clone(), true)];
    while let Some((source, name, own)) = waiting.pop() {
        for (reference, range) in Scan::new(&source.text).references() {
            let wanted = joined(&reference, &name);
            match read_reference(job, &wanted, seen) {
                Ok(Some(found)) => {
                    let mut inner = Vec::new();
                    let names = Names { scope: job.scope, pass_env, whole: false };
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

fn joined(reference: &str, parent: &str) -> String {
    template_engine::join(reference, parent).into_owned()
}

/// The text of a template that another takes in; `None` when it was checked before.
fn read_reference(job: &Job, name: &str, seen: &mut BTreeSet<PathBuf>) -> Result<Option<Source>, Problem> {
    let missing = || {
        Problem::error(format!("there is no template `{}`", name.escape_debug()))
            .hint(format!("it is looked for below {}", job.tree.display()))
    };
    let path = template_engine::find(&job.tree, name).map_err(Problem::error)?.ok_or_else(missing)?;
    if seen.len() >= FILES_MAX || !seen.insert(path.clone()) {
        return Ok(None);
    }
    let source = crate::manifest::source::read(&path, "template", crate::manifest::source::TEMPLATE_MAX);
    source.map(Some).map_err(|problem| Problem { place: None, ..problem })
}

fn elsewhere(mistake: Mistake, source: &Source) -> Mistake {
    match mistake {
        Mistake::Here { range, problem } => {
            Mistake::Elsewhere(problem.at(source.path.clone(), &source.text, range.start, range.end))
        }
        placed => placed,
    }
}

#[derive(Clone, Copy)]
struct Names<'a> {
    scope: Scope,
    pass_env: &'a [String],
    /// Whether the text stands alone; one that is taken in may use its caller's variables.
    whole: bool,
}

fn check_text(
    engine: &Environment<'static>,
    source: &Source,
    name: &str,
    names: Names<'_>,
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
        if !exists(engine, "filter", filter) {
            let mut problem = Problem::error(format!("there is no filter `{filter}`"));
            problem
                .hints
                .extend(nearest(filter, FILTERS.iter().copied()).map(|near| format!("did you mean `{near}`?")));
            note(range, problem);
        }
    }
    for (test, range) in scan.tests() {
        if !exists(engine, "test", test) {
            note(range, Problem::error(format!("there is no test `{test}`")));
        }
    }
    for range in scan.huge_repeats() {
        note(range, Problem::error("repeats a million times or more"));
    }
}

fn exists(engine: &Environment<'static>, kind: &str, name: &str) -> bool {
    let asked = engine
        .compile_expression(if kind == "filter" { "name is filter" } else { "name is test" })
        .and_then(|expression| expression.eval(minijinja::context!(name => name)));
    asked.map_or(true, |answer| answer.is_true())
}

fn check_name(engine: &Environment<'static>, dotted: &str, names: Names<'_>) -> Option<Problem> {
    let mut parts = dotted.split('.');
    let root = parts.next().unwrap_or_default();
    let allowed = if names.scope == Scope::All { EVERYTHING } else { BEFORE_WORKTREE };
    if !allowed.contains(&root) {
        if EVERYTHING.contains(&root) {
            let problem = Problem::error(format!("`{root}` is not known here"));
            return Some(problem.hint(format!("only {} are", allowed.join(", "))));
        }
        let language = LANGUAGE.contains(&root) || engine.globals().any(|(name, _)| name == root);
        if language || !names.whole {
            return None;
        }
        return Some(unknown(format!("there is no `{root}` in a template"), root, allowed));
    }
    let field = parts.next()?;
    match root {
        "task" => unknown_field(root, field, TASK_FIELDS),
        "mode" => unknown_field(root, field, MODE_FIELDS),
        "project" => unknown_field(root, field, PROJECT_FIELDS),
        "worktree" => unknown_field(root, field, WORKTREE_FIELDS),
        "env" if !names.pass_env.iter().any(|name| name == field) => {
            Some(Problem::error(format!("`env.{field}` is not passed on")).hint(format!("add `{field}` to `pass_env`")))
        }
        _ => None,
    }
}

fn unknown_field(root: &str, field: &str, known: &[&str]) -> Option<Problem> {
    (!known.contains(&field)).then(|| unknown(format!("`{root}` has no field `{field}`"), field, known))
}

fn unknown(message: String, name: &str, known: &[&str]) -> Problem {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    Problem::error(message).hint(hint)
}
