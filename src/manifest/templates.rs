//! Renders templates: text from the manifest or a file, over a context of plain data.
//!
//! Values are never rendered as templates. No template can read a file outside its tree.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, ErrorKind, Value};

use crate::manifest::source::{self, Source, TEMPLATE_MAX};
use crate::manifest::template_engine::{self, Sources};
use crate::manifest::{template_thread, text_place};
use crate::model::problem::Problem;
use crate::model::text_lines::line_range;

/// The largest rendered text, in bytes.
const OUTPUT_MAX: usize = 1 << 20;

/// The templates of one project.
#[derive(Clone, Debug)]
pub struct Templates {
    root: PathBuf,
}

/// A rendered template file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// Whether the template, or one that it includes, uses `prompt`.
    pub used_prompt: bool,
}

impl Templates {
    /// `root` is the manifest's folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Renders `source`, which messages call `name` (`modes.review.flags`). Includes come from the project's folder.
    /// Fails for a mistake in a template or work beyond the limits.
    pub fn render_inline(&self, name: &str, source: &str, context: &Value) -> Result<String, Problem> {
        if is_plain(source) {
            return bounded(name, source).map(str::to_owned);
        }
        let main = Source { path: PathBuf::from(name), text: source.into() };
        render(&self.root, name, main, context).map(|rendered| rendered.text)
    }

    /// Renders the file at `path`. Includes come from its folder and those below. Fails as [`Self::render_inline`], or
    /// if the file cannot be read.
    pub fn render_file(&self, path: &Path, context: &Value) -> Result<Rendered, Problem> {
        let main = read_template(&self.root, path)?;
        let (tree, name) = tree_and_name(path);
        render(&tree, &name, main, context)
    }

    /// Whether `source` uses `prompt`; `false` for a source with syntax errors.
    pub fn uses_prompt(&self, source: &str) -> bool {
        if is_plain(source) || source.len() as u64 > TEMPLATE_MAX {
            return false;
        }
        let (root, text) = (self.root.clone(), source.to_owned());
        let uses = template_thread::run_for(&[source], move || {
            let engine = template_engine::environment(&root, &Sources::default());
            engine.template_from_str(&text).is_ok_and(|template| has_prompt(&template))
        });
        uses.unwrap_or(false)
    }
}

/// Whether rendering would change nothing.
pub(crate) fn is_plain(source: &str) -> bool {
    !["{{", "{%", "{#"].iter().any(|open| source.contains(open))
}

/// Reads a template file of the project at `root`. Fails if a link leads out of `root`.
pub(crate) fn read_template(root: &Path, path: &Path) -> Result<Source, Problem> {
    let source = source::read(path, "template", TEMPLATE_MAX)?;
    let inside = path.canonicalize().and_then(|found| Ok(found.starts_with(root.canonicalize()?)));
    if inside.unwrap_or(false) {
        return Ok(source);
    }
    Err(Problem::error("the template is outside the project").in_file(path))
}

/// The folder from which a template file may include others, and the file's name in it.
pub(crate) fn tree_and_name(path: &Path) -> (PathBuf, String) {
    let tree = path.parent().unwrap_or(path).to_owned();
    (tree, path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn has_prompt(template: &minijinja::Template<'_, '_>) -> bool {
    template.undeclared_variables(false).contains("prompt")
}

fn render(tree: &Path, name: &str, main: Source, context: &Value) -> Result<Rendered, Problem> {
    if main.text.len() as u64 > TEMPLATE_MAX {
        return Err(Problem::error("the template is more than the 64 KiB allowed").in_file(main.path));
    }
    let path = main.path.clone();
    let (tree, name, context) = (tree.to_owned(), name.to_owned(), context.clone());
    let text = Arc::clone(&main.text);
    let done = template_thread::run_for(&[&text], move || {
        let sources: Sources = Arc::new(Mutex::new(BTreeMap::from([(name.clone(), main.clone())])));
        let mut engine = template_engine::environment(&tree, &sources);
        let result = render_here(&mut engine, &name, &main, context);
        result.map_err(|error| {
            let sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
            problem(&error, &name, &sources)
        })
    });
    done.unwrap_or_else(|given_up| Err(Problem::error(format!("the template was given up: {given_up}")).in_file(path)))
}

fn render_here(
    engine: &mut Environment<'static>,
    name: &str,
    main: &Source,
    context: Value,
) -> Result<Rendered, minijinja::Error> {
    engine.add_template_owned(name.to_owned(), main.text.to_string())?;
    let mut output = Bounded(Vec::new());
    engine.get_template(name)?.render_captured_to(context, &mut output)?;
    let text = String::from_utf8_lossy(&output.0).into_owned();
    if text.contains('\0') {
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "the rendered text holds a NUL character"));
    }
    let used_prompt = engine.templates().any(|(_, template)| has_prompt(&template));
    Ok(Rendered { text, used_prompt })
}

fn bounded<'a>(name: &str, text: &'a str) -> Result<&'a str, Problem> {
    if text.len() > OUTPUT_MAX {
        return Err(Problem::error(format!("`{name}` is more than the 1 MiB allowed")));
    }
    Ok(text)
}

/// A writer that refuses to hold more than [`OUTPUT_MAX`].
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX {
            return Err(io::Error::other("the rendered text is more than the 1 MiB allowed"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Converts an engine's error to a problem at its position in the template.
pub(crate) fn problem(error: &minijinja::Error, name: &str, sources: &BTreeMap<String, Source>) -> Problem {
    let (mut message, cause) = words(error);
    // An include wraps the error of the included template; the innermost error is the user's mistake.
    let mut inner: &minijinja::Error = error;
    while let Some(next) = std::error::Error::source(inner).and_then(|source| source.downcast_ref::<minijinja::Error>())
    {
        inner = next;
        message = words(inner).0;
    }
    if let Some(cause) = cause {
        message = cause;
    }
    let found = Problem::error(message);
    let Some(source) = sources.get(inner.name().unwrap_or(name)).or_else(|| sources.get(name)) else { return found };
    let range = inner.range().or_else(|| inner.line().map(|line| line_range(&source.text, line)));
    match range {
        Some(range) => {
            let span = text_place::whole_characters(&source.text, range.start, range.end);
            found.at(source.path.clone(), &source.text, span.start, span.end)
        }
        None => found.in_file(source.path.clone()),
    }
}

/// The message, and the text of an IO error behind it.
fn words(error: &minijinja::Error) -> (String, Option<String>) {
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the template takes too many steps".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let cause =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()).map(ToString::to_string);
    (message, cause)
}
