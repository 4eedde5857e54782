//! The `id` of a `files:` entry: a template for the id of the task in each of its files.
//!
//! Its values are front matter, which is not trusted: the caller checks the result as an id. Statements are refused
//! when the manifest is read.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Serde;
use serde_json::Value as Json;

use crate::manifest::template_engine::{self, Sources};
use crate::manifest::{template_thread, templates};

/// The template's name in its errors.
const NAME: &str = "id";

/// The byte offset of a statement, which an `id` must not contain.
pub(crate) fn statement(text: &str) -> Option<usize> {
    text.find("{%")
}

/// Renders `text` once for each of `values`, in order. All fail if the text itself is wrong or takes too much time or
/// memory.
pub(crate) fn render(text: &str, values: Vec<Json>) -> Vec<Result<String, String>> {
    let count = values.len();
    let owned = text.to_owned();
    let done = template_thread::run_for(&[text], move || -> Vec<Result<String, String>> {
        // Without statements no other template is included, so the folder is not used.
        let engine = template_engine::environment(Path::new("/"), &Sources::default());
        let words = |error: minijinja::Error| templates::problem(&error, NAME, &BTreeMap::new()).message;
        if statement(&owned).is_some() {
            return vec![Err("it holds a statement".to_owned()); values.len()];
        }
        match engine.template_from_named_str(NAME, &owned) {
            Ok(template) => values
                .into_iter()
                .map(|value| template.render(minijinja::Value::from(Serde(&value))).map_err(words))
                .collect(),
            Err(error) => vec![Err(words(error)); values.len()],
        }
    });
    done.unwrap_or_else(|given_up| vec![Err(given_up.to_string()); count])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_is_rendered_and_a_mistake_is_said_for_its_own() {
        let values = vec![
            json!({ "file": { "stem": "A" }, "meta": { "n": 1 } }),
            json!({ "file": { "stem": "B" }, "meta": {} }),
        ];
        let made = render("{{ file.stem | lower }}-{{ meta.n }}", values.clone());
        assert_eq!(made[0], Ok("a-1".to_owned()));
        assert!(made[1].as_ref().is_err_and(|error| !error.is_empty()), "{made:?}");
        assert_eq!(render("x", values.clone()), [Ok("x".to_owned()), Ok("x".to_owned())]);
        for bad in ["{{ file.", "{% set x = 1 %}{{ x }}", "{{ file.stem | nothing }}", "{{ 'x' * 999999999999 }}"] {
            assert!(render(bad, values.clone()).iter().all(Result::is_err), "{bad}");
        }
    }
}
