//! The options that change one run only, as a request.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::cli::args::{EnvArgs, OverrideArgs};
use crate::cli::error::{CliError, USAGE};
use crate::lifecycle::launch::request::StartRequest;
use crate::manifest::env_name_problem;
use crate::model::run_overrides::RunOverrides;
use crate::os::environment;

/// `request` with the options. Fails as [`given_env`].
pub(super) fn applied(args: &OverrideArgs, request: StartRequest) -> Result<StartRequest, CliError> {
    let OverrideArgs { env, set, timeout, model } = args.clone();
    let vars = set.into_iter().collect();
    let overrides = RunOverrides { vars, timeout, model, ..RunOverrides::default() };
    Ok(StartRequest { overrides, given_env: given_env(&env)?, ..request })
}

/// The variables; one without a value has the caller's. Fails for a name that no variable can have, and for one that the
/// caller does not have.
pub(super) fn given_env(args: &EnvArgs) -> Result<BTreeMap<String, OsString>, CliError> {
    let callers = environment::all();
    let mut given = BTreeMap::new();
    for typed in &args.env {
        let (name, value) = match typed.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (typed.as_str(), callers.get(std::ffi::OsStr::new(typed)).cloned()),
        };
        if let Some(problem) = env_name_problem(name) {
            return Err(CliError::new(USAGE, problem.message));
        }
        let value = value.ok_or_else(|| {
            CliError::new(USAGE, format!("`{name}` is not set here"))
                .hint(format!("export {name}, or write -e {name}=VALUE"))
        })?;
        given.insert(name.to_owned(), value);
    }
    Ok(given)
}
