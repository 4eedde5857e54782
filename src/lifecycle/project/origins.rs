//! Where each value of a run comes from, with what the command line changes.

use serde_json::{Value as Json, json};

use crate::lifecycle::failure::Failure;
use crate::lifecycle::launch::overrides;
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::project::Project;
use crate::manifest::{Mode, ValueOrigin, ValueSource, value_origins};
use crate::tasks::Task;
use crate::view::origin_view::{OriginView, OriginsView};

/// All values that shape a run of `mode`. Prepares nothing, so that it also explains a run that cannot be started. Fails
/// if the mode cannot honour an option of the request.
pub fn origins(project: &Project, mode: &Mode, task: &Task, request: &StartRequest) -> Result<OriginsView, Failure> {
    overrides::check(&project.manifest, mode, request)?;
    let mut values = value_origins(&project.manifest, mode);
    for (key, value) in given(request) {
        let origin = ValueOrigin { key, value, source: ValueSource::CommandLine, place: None };
        match values.iter_mut().find(|known| known.key == origin.key) {
            Some(known) => *known = origin,
            None => values.push(origin),
        }
    }
    let values = values.into_iter().map(view).collect();
    Ok(OriginsView { mode: mode.name.to_string(), task: task.id.to_string(), values })
}

/// What the request sets, by key. The values of variables are not shown.
fn given(request: &StartRequest) -> Vec<(String, Option<Json>)> {
    let overrides = &request.overrides;
    let mut given: Vec<(String, Option<Json>)> = Vec::new();
    given.extend(overrides.timeout.map(|timeout| ("timeout".to_owned(), Some(json!(timeout)))));
    given.extend(overrides.model.iter().map(|model| ("model".to_owned(), Some(json!(model)))));
    given.extend(overrides.vars.iter().map(|(name, value)| (format!("vars.{name}"), Some(json!(value)))));
    given.extend(request.given_env.keys().map(|name| (format!("env.{name}"), None)));
    if !request.extras.is_empty() {
        given.push(("extras".to_owned(), Some(json!(request.extras))));
    }
    given
}

fn view(origin: ValueOrigin) -> OriginView {
    let mode = match &origin.source {
        ValueSource::Extended(mode) => Some(mode.to_string()),
        _ => None,
    };
    let source = match origin.source {
        ValueSource::BuiltIn => "builtIn",
        ValueSource::Manifest => "manifest",
        ValueSource::Defaults => "defaults",
        ValueSource::Extended(_) => "extended",
        ValueSource::CommandFile => "commandFile",
        ValueSource::Mode => "mode",
        ValueSource::Local => "local",
        ValueSource::CommandLine => "commandLine",
    };
    let (file, line) = origin.place.map_or((None, None), |(file, line)| (Some(file), line));
    OriginView { key: origin.key, value: origin.value, source, mode, file, line }
}
