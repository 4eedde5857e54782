//! The names that a template may use: variables, their fields, filters and tests. Knows no values.

use minijinja::Environment;

use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;

// Words separated by blanks.
const TASK_FIELDS: &str =
    "id title status type priority area tags assignee parent subtasks depends_on path body sections meta";
const MODE_FIELDS: &str = "name description";
const PROJECT_FIELDS: &str = "name root";
const WORKTREE_FIELDS: &str = "path branch";
const EVERYTHING: &str = "task mode project worktree prompt extras date env vars";
const BEFORE_WORKTREE: &str = "task mode project";
const TASK_FILE: &str = "file meta";
const FILE_FIELDS: &str = "path stem dir parts";
/// Names that the template language defines.
const LANGUAGE: &str = "self super caller loop true false none True False None";
/// For hints only; the engine decides whether a filter exists.
const FILTERS: &str = "lower upper title capitalize replace length count dictsort items reverse trim join split lines default \
    round abs int float first last sort list string bool batch slice sum indent select reject selectattr \
    rejectattr map groupby unique format tojson";
/// Which variables a template may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TemplateScope {
    All,
    /// The path, branch and base of the worktree, which are rendered before it exists.
    BeforeWorktree,
    /// The `id` of an entry of task files, which is rendered before the task exists.
    TaskFile,
}

/// The names below `env` and `vars`, which the manifest declares.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredNames {
    pub pass_env: Vec<String>,
    pub vars: Vec<String>,
}

/// The rules for the names of one text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameRules<'a> {
    pub scope: TemplateScope,
    pub declared: &'a DeclaredNames,
    /// Whether the text is a template of its own; an included one may use the variables of the including text.
    pub whole: bool,
}

/// The problem of the dotted name `task.idd`, if any.
pub(crate) fn check_name(engine: &Environment<'static>, dotted: &str, names: NameRules<'_>) -> Option<Problem> {
    let mut parts = dotted.split('.');
    let root = parts.next().unwrap_or_default();
    let allowed = match names.scope {
        TemplateScope::All => EVERYTHING,
        TemplateScope::BeforeWorktree => BEFORE_WORKTREE,
        TemplateScope::TaskFile => TASK_FILE,
    };
    if !has(allowed, root) {
        if has(EVERYTHING, root) {
            let problem = Problem::error(format!("`{root}` is not known here"));
            return Some(problem.hint(format!("only {} are", allowed.replace(' ', ", "))));
        }
        let language = has(LANGUAGE, root) || engine.globals().any(|(name, _)| name == root);
        if language || !names.whole {
            return None;
        }
        return Some(unknown(format!("there is no `{root}` in a template"), root, allowed));
    }
    let field = parts.next()?;
    match root {
        "file" if names.scope == TemplateScope::TaskFile => unknown_field(root, field, FILE_FIELDS),
        "task" => unknown_field(root, field, TASK_FIELDS),
        "mode" => unknown_field(root, field, MODE_FIELDS),
        "project" => unknown_field(root, field, PROJECT_FIELDS),
        "worktree" => unknown_field(root, field, WORKTREE_FIELDS),
        "env" if !names.declared.pass_env.iter().any(|name| name == field) => {
            Some(Problem::error(format!("`env.{field}` is not passed on")).hint(format!("add `{field}` to `pass_env`")))
        }
        "vars" if !names.declared.vars.iter().any(|name| name == field) => {
            let near = did_you_mean(field, names.declared.vars.iter().map(String::as_str));
            let hint = near.unwrap_or_else(|| format!("write it under `vars:`: `{field}: VALUE`"));
            Some(Problem::error(format!("there is no template variable `{field}`")).hint(hint))
        }
        _ => None,
    }
}

fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

fn unknown_field(root: &str, field: &str, known: &str) -> Option<Problem> {
    (!has(known, field)).then(|| unknown(format!("`{root}` has no field `{field}`"), field, known))
}

fn unknown(message: String, name: &str, known: &str) -> Problem {
    let near = did_you_mean(name, known.split(' '));
    Problem::error(message).hint(near.unwrap_or_else(|| format!("known: {}", known.replace(' ', ", "))))
}

/// The problem of a filter's name, if any.
pub(crate) fn check_filter(engine: &Environment<'static>, name: &str) -> Option<Problem> {
    if exists(engine, "filter", name) {
        return None;
    }
    let mut problem = Problem::error(format!("there is no filter `{name}`"));
    problem.hints.extend(did_you_mean(name, FILTERS.split(' ')));
    Some(problem)
}

/// The problem of a test's name (`x is name`), if any.
pub(crate) fn check_test(engine: &Environment<'static>, name: &str) -> Option<Problem> {
    (!exists(engine, "test", name)).then(|| Problem::error(format!("there is no test `{name}`")))
}

fn exists(engine: &Environment<'static>, kind: &str, name: &str) -> bool {
    let asked = engine
        .compile_expression(if kind == "filter" { "name is filter" } else { "name is test" })
        .and_then(|expression| expression.eval(minijinja::context!(name => name)));
    asked.map_or(true, |answer| answer.is_true())
}
