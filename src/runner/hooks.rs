//! The settings file of a `claude` in a window: its user's settings and our hooks, in the run's own
//! folder. Written when the agent starts, so that what holds is what holds then.
//!
//! Headless runs get none: what they do is in their stream. Must not touch the user's files.

use std::path::Path;

use crate::agent::{self, Given, SettingsError};
use crate::model::protocol::Protocol;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::runner::prepare::Prepared;
use crate::system::process::supervise;
use crate::system::store::record_file::{self, RecordError};
use crate::system::store::run_folder::RunFolder;

/// Settings are small.
const MAX_SETTINGS: u64 = 1 << 20;
/// What stands for the file where there is none yet.
const PLACEHOLDER: &str = "<settings file>";

/// Why an agent tells nothing of itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unhooked {
    #[error("it is not started as `claude` itself")]
    Wrapped,
    #[error("its `--settings` has no value")]
    Half,
    #[error("its own settings cannot be read: {0}")]
    Unreadable(#[from] RecordError),
    #[error("its own settings are left as they are: {0}")]
    Unmerged(#[from] SettingsError),
    #[error("a path holds bytes that are no UTF-8")]
    NoText,
    #[error("the settings file cannot be written: {0}")]
    Unwritten(#[from] std::io::Error),
}

/// Whether runs of this kind are given hooks at all.
fn are_wanted(protocol: Protocol, kind: &RunKind) -> bool {
    protocol == Protocol::Claude && matches!(kind, RunKind::Interactive { .. })
}

/// Writes the settings file and gives the argv that names it. `None`: the run is of another kind.
pub(super) fn install(spec: &RunSpec, folder: &RunFolder) -> Option<Result<Vec<String>, Unhooked>> {
    are_wanted(spec.protocol, &spec.kind).then(|| {
        let program = supervise::own_program()?;
        let path = folder.settings();
        let (Some(program), Some(run), Some(file)) = (program.to_str(), folder.path().to_str(), path.to_str()) else {
            return Err(Unhooked::NoText);
        };
        let settings = settings(&spec.argv, &spec.cwd, &command(program, run))?;
        folder.write_new(&path, settings.as_bytes())?;
        Ok(agent::with_settings(&spec.argv, file))
    })
}

/// The argv of what is only shown.
pub(super) fn shown(prepared: &Prepared) -> Vec<String> {
    let wanted = are_wanted(prepared.protocol, &prepared.kind);
    match wanted.then(|| settings(&prepared.argv, &prepared.cwd, "")) {
        Some(Ok(_)) => agent::with_settings(&prepared.argv, PLACEHOLDER),
        Some(Err(_)) | None => prepared.argv.clone(),
    }
}

fn settings(argv: &[String], cwd: &Path, command: &str) -> Result<String, Unhooked> {
    if !agent::takes_hooks(argv) {
        return Err(Unhooked::Wrapped);
    }
    let theirs = match agent::given(argv) {
        Given::Nowhere => None,
        Given::Half => return Err(Unhooked::Half),
        Given::Inline(text) => Some(text.to_owned()),
        Given::File(path) => {
            let bytes = record_file::read_users_file(&cwd.join(path), MAX_SETTINGS)?;
            Some(String::from_utf8(bytes).map_err(|_| Unhooked::NoText)?)
        }
    };
    Ok(agent::with_hooks(theirs.as_deref(), command)?)
}

/// A line for a shell. A program that is gone by then is no trouble of the agent's.
fn command(program: &str, run: &str) -> String {
    let (program, run) = (shell_words::quote(program), shell_words::quote(run));
    format!("if [ -x {program} ]; then exec {program} event {run}; fi")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(settings: &str) -> Vec<String> {
        ["claude", "--settings", settings].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_path_is_relative_to_the_runs_folder_and_a_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("own.json"), r#"{"model":"m"}"#).unwrap();
        std::os::unix::fs::symlink("own.json", dir.path().join("link")).unwrap();
        for name in ["own.json", "./link", dir.path().join("own.json").to_str().unwrap(), r#"{"model":"m"}"#] {
            let merged = settings(&argv(name), dir.path(), "c").unwrap();
            assert!(merged.contains(r#""model":"m""#) && merged.contains(r#""command":"c""#), "{name}: {merged}");
        }
        let why = |name: &str| settings(&argv(name), dir.path(), "c").unwrap_err().to_string();
        assert!(why("nosuch.json").contains("is missing"), "{}", why("nosuch.json"));
        assert!(why(".").contains("not a regular file"), "{}", why("."));
        assert!(why("{\"a\":}").contains("not a JSON object"), "{}", why("{\"a\":}"));
    }

    #[test]
    fn a_shell_takes_the_line_apart_as_it_was_meant() {
        let line = command("/a b/it's \"$(x)\"", "/r;s/`run`");
        let inner = line.strip_prefix("if [ -x ").unwrap();
        let words = shell_words::split(&inner.replace(" ];", "")).unwrap();
        assert_eq!(words[0], "/a b/it's \"$(x)\"");
        assert_eq!(&words[3..], ["/a b/it's \"$(x)\"", "event", "/r;s/`run`;", "fi"]);
    }
}
