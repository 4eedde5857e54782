//! Writes the settings file with which an interactive agent reports its activity: into the run folder when the agent
//! starts, merged with the user's settings at that time. Headless runs get none: their output shows their activity.
//! Must not change the user's files.

use std::path::Path;

use crate::agents::{self, HookError, Hooks, WindowProtocol};
use crate::lifecycle::launch::prepare::Prepared;
use crate::model::protocol::Protocol;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::os::process::supervise;
use crate::store::record_file;
use crate::store::run_folder::RunFolder;

const MAX_SETTINGS: u64 = 1 << 20;
/// Shown in place of the settings file while that does not exist.
const PLACEHOLDER: &str = "<settings file>";

fn window_of(protocol: Protocol, kind: &RunKind) -> Option<&'static dyn WindowProtocol> {
    agents::of(protocol).window().filter(|_| kind.form().has_window())
}

/// Writes the settings file and returns the argv that names it; `None` for a run without hooks.
pub(crate) fn install(spec: &RunSpec, folder: &RunFolder) -> Option<Result<Vec<String>, HookError>> {
    let protocol = window_of(spec.protocol, &spec.kind)?;
    let install = || {
        let program = supervise::own_program()?;
        let path = folder.settings();
        let (Some(program), Some(run), Some(file)) = (program.to_str(), folder.path().to_str(), path.to_str()) else {
            return Err(HookError::NotUtf8);
        };
        let hooks = hooks(protocol, &spec.argv, &spec.cwd, &command(program, run), file)?;
        folder.write_new(&path, hooks.settings.as_bytes())?;
        Ok(hooks.argv)
    };
    Some(install())
}

/// The argv for display; writes nothing.
pub(crate) fn shown(prepared: &Prepared) -> Vec<String> {
    let protocol = window_of(prepared.protocol, &prepared.kind);
    let hooks = protocol.and_then(|protocol| hooks(protocol, &prepared.argv, &prepared.cwd, "", PLACEHOLDER).ok());
    hooks.map_or_else(|| prepared.argv.clone(), |hooks| hooks.argv)
}

fn hooks(
    protocol: &dyn WindowProtocol,
    argv: &[String],
    cwd: &Path,
    command: &str,
    settings_path: &str,
) -> Result<Hooks, HookError> {
    let read_file = |path: &str| {
        let bytes = record_file::read_users_file(&cwd.join(path), MAX_SETTINGS)
            .map_err(|error| HookError::Unreadable(error.to_string()))?;
        String::from_utf8(bytes).map_err(|_| HookError::NotUtf8)
    };
    protocol.hooks(argv, command, settings_path, &read_file)
}

/// The hook's shell command. It succeeds silently if the program was removed.
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

    fn settings(argv: &[String], cwd: &Path, command: &str) -> Result<String, HookError> {
        let claude = agents::of(Protocol::Claude).window().unwrap();
        hooks(claude, argv, cwd, command, "P").map(|hooks| hooks.settings)
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
