//! The template engine with its limits: strict names, fuel, sizes, and files of one tree only.
//!
//! Templates come from the project and are not trusted. `template_thread.rs` handles what these limits do not cover.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, StringInput, Value, ValueOrKwargs};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};

use crate::manifest::source::{self, Source, TEMPLATE_MAX};

/// Steps of one rendering; each takes well under a microsecond.
const FUEL: u64 = 500_000;
/// Calls within calls: macros and includes.
const RECURSION: usize = 100;
/// The largest text that one filter may produce, in bytes.
const FILTER_MAX: usize = 4 << 20;
/// The widest field of `format`, in characters.
const WIDTH_MAX: usize = 10_000;

/// The sources that the loader has read, by template name.
pub(crate) type Sources = Arc<Mutex<BTreeMap<String, Source>>>;

/// An engine that loads templates only from `tree`.
pub(crate) fn environment(tree: &Path, sources: &Sources) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    engine.set_syntax(syntax.unwrap_or_default());
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(RECURSION);
    engine.set_debug(true);
    // A prompt is plain text, even if its file is called `x.html` or `x.yaml`.
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_path_join_callback(join);
    let (tree, sources) = (tree.to_owned(), Arc::clone(sources));
    engine.set_loader(move |name| load(&tree, name, &sources));
    bound_filters(&mut engine);
    engine
}

/// Resolves a name: `./x` and `../x` are relative to the template `parent`, others to the top of the tree.
pub(crate) fn join<'s>(name: &'s str, parent: &'s str) -> Cow<'s, str> {
    if !name.starts_with("./") && !name.starts_with("../") {
        return Cow::Borrowed(name);
    }
    let mut parts: Vec<&str> = parent.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            // A `..` that leaves the tree is kept, so that the loader refuses it.
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Cow::Owned(parts.join("/"))
}

fn load(tree: &Path, name: &str, sources: &Sources) -> Result<Option<String>, Error> {
    let refused = |cause: String| Error::new(ErrorKind::InvalidOperation, cause);
    let Some(found) = find(tree, name).map_err(refused)? else { return Ok(None) };
    let source = source::read(&found, "template", TEMPLATE_MAX)
        .map_err(|problem| refused(format!("`{}`: {}", name.escape_debug(), problem.message)))?;
    let text = source.text.to_string();
    sources.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), source);
    Ok(Some(text))
}

/// The resolved file of template `name` below `tree`; `None` if it does not exist. Fails if it is outside `tree`.
pub(crate) fn find(tree: &Path, name: &str) -> Result<Option<PathBuf>, String> {
    let outside = || format!("template `{}` is outside the folder `{}`", name.escape_debug(), tree.display());
    if !source::stays_below(Path::new(name)) {
        return Err(outside());
    }
    let Ok(top) = tree.canonicalize() else { return Ok(None) };
    let Ok(found) = top.join(name).canonicalize() else { return Ok(None) };
    if found.starts_with(&top) { Ok(Some(found)) } else { Err(outside()) }
}

/// Replaces the filters whose result may be much larger than their input: they compute its size first.
fn bound_filters(engine: &mut Environment<'static>) {
    engine.add_filter("indent", indent);
    engine.add_filter("replace", replace);
    engine.add_filter("join", join_values);
    engine.add_filter("format", format);
    engine.add_filter("escape", escape);
    engine.add_filter("e", escape);
}

fn check_size(size: Option<usize>, filter: &str) -> Result<(), Error> {
    match size {
        Some(size) if size <= FILTER_MAX => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidOperation, format!("the result of `{filter}` is too large"))),
    }
}

/// As the engine's own filter, which treats an undefined value as empty.
fn escape(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    minijinja::filters::escape(state, value)
}

fn indent(
    value: StringInput<'_>,
    width: Option<usize>,
    first: Option<bool>,
    blank: Option<bool>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let requested = width.or(kwargs.peek::<Option<usize>>("width").ok().flatten()).unwrap_or(4);
    let lines = value.as_str().bytes().filter(|b| *b == b'\n').count() + 1;
    check_size(lines.checked_mul(requested), "indent")?;
    minijinja::filters::indent(value, width, first, blank, kwargs)
}

fn replace(
    state: &mut State<'_, '_>,
    value: StringInput<'_>,
    from: StringInput<'_>,
    to: StringInput<'_>,
) -> Result<Value, Error> {
    let matches = value.as_str().matches(from.as_str()).count();
    let added = matches.checked_mul(to.as_str().len());
    check_size(added.and_then(|added| added.checked_add(value.as_str().len())), "replace")?;
    minijinja::filters::replace(state, value, from, to)
}

fn join_values(
    state: &mut State<'_, '_>,
    value: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let items = value.len().unwrap_or(0);
    let size = items.checked_mul(joiner.as_ref().map_or(0, |joiner| joiner.as_str().len()));
    check_size(size, "join")?;
    // A repeated item counts each time.
    let mut total = 0usize;
    if items > 0 && attribute.is_none() {
        for item in value.try_iter().into_iter().flatten() {
            total = total.saturating_add(item.as_str().map_or(0, str::len));
            check_size(Some(total), "join")?;
        }
    }
    minijinja::filters::join(state, value, joiner, attribute, kwargs)
}

fn format(state: &mut State<'_, '_>, format_str: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let text = format_str.as_str().unwrap_or_default();
    let wide = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.trim_start_matches('0').len() > 5 || digits.parse().is_ok_and(|n: usize| n > WIDTH_MAX));
    if wide || text.contains('*') && text.contains('%') {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("`format` takes widths up to {WIDTH_MAX}")));
    }
    minijinja::filters::format(state, format_str, arguments)
}
