//! Whether systemd's logind kills a user's processes when the last session ends.
//!
//! Reads logind's files, and queries logind if they do not decide. Changes nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::environment;
use crate::os::process::bounded::{ChildLimits, run_program};
use crate::os::process::program;

/// Folders of configuration, in order of precedence.
const PLACES: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];
const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(1), output: 4096 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogoutPolicy {
    /// Whether logind kills the processes of a session with it; `None` if unknown.
    pub kills: Option<bool>,
    /// The user's systemd keeps running without a session.
    pub lingers: bool,
}

/// `None` if logind does not run.
pub fn logout_policy() -> Option<LogoutPolicy> {
    let root = Path::new("/");
    if !root.join("run/systemd/system").is_dir() {
        return None;
    }
    let user = environment::var_text("USER").or_else(|| environment::var_text("LOGNAME")).unwrap_or_default();
    let user = if rustix::process::getuid().is_root() { "root".to_owned() } else { user };
    let kills = configured(root, &user).or_else(ask);
    Some(LogoutPolicy { kills, lingers: lingers(root, &user) })
}

fn lingers(root: &Path, user: &str) -> bool {
    !user.is_empty() && !user.contains('/') && root.join("var/lib/systemd/linger").join(user).exists()
}

/// What the files set for this user; `None` if they leave it to systemd's compiled default.
fn configured(root: &Path, user: &str) -> Option<bool> {
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for file in files(root) {
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '[']));
        for (key, value) in lines.filter_map(|line| line.split_once('=')) {
            said.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    let names = |key: &str| -> Option<Vec<&str>> { Some(said.get(key)?.split_whitespace().collect()) };
    let kills = match said.get("KillUserProcesses")?.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => true,
        "0" | "no" | "n" | "false" | "f" | "off" => false,
        _ => return None,
    };
    let excluded = names("KillExcludeUsers").unwrap_or_else(|| vec!["root"]).contains(&user);
    let meant = names("KillOnlyUsers").is_none_or(|only| only.is_empty() || only.contains(&user));
    Some(kills && meant && !excluded)
}

/// The main file, followed by the drop-in files: one of each name, sorted by name.
fn files(root: &Path) -> Vec<PathBuf> {
    let main = PLACES.iter().map(|place| root.join(place).join("logind.conf")).find(|path| path.is_file());
    let mut dropped: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for place in PLACES.iter().rev() {
        let Ok(entries) = fs::read_dir(root.join(place).join("logind.conf.d")) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension() == Some(OsStr::new("conf"))
                && let Some(name) = path.file_name()
            {
                dropped.insert(name.to_owned(), path);
            }
        }
    }
    main.into_iter().chain(dropped.into_values()).collect()
}

/// The setting as logind reports it, which includes the compiled default.
fn ask() -> Option<bool> {
    let busctl = program::find("busctl", environment::var("PATH").as_deref(), Path::new("/")).ok()?;
    let words = "--system get-property org.freedesktop.login1 /org/freedesktop/login1 \
                 org.freedesktop.login1.Manager KillUserProcesses";
    let words: Vec<&OsStr> = words.split(' ').filter(|word| !word.is_empty()).map(OsStr::new).collect();
    let output = run_program(&busctl, &words, Path::new("/"), None, b"", LIMITS).ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "b true" => Some(true),
        "b false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn what_is_dropped_in_counts_and_comments_do_not() {
        let main = ("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n");
        assert_eq!(configured(root(&[main]).path(), "ann"), None);
        let on = ("usr/lib/systemd/logind.conf.d/50-kill.conf", "[Login]\nKillUserProcesses = yes\n");
        assert_eq!(configured(root(&[main, on]).path(), "ann"), Some(true));
        let off = ("etc/systemd/logind.conf.d/90-no.conf", "[Login]\nKillUserProcesses=no\n");
        assert_eq!(configured(root(&[main, on, off]).path(), "ann"), Some(false));
        // A file of the same name in a folder of higher precedence hides it.
        let hidden = ("etc/systemd/logind.conf.d/50-kill.conf", "");
        assert_eq!(configured(root(&[main, on, hidden]).path(), "ann"), None);
    }

    #[test]
    fn some_users_are_left_out() {
        let with = |more: &str| root(&[("etc/systemd/logind.conf", &format!("KillUserProcesses=1\n{more}"))]);
        assert_eq!(configured(with("").path(), "root"), Some(false));
        assert_eq!(configured(with("KillExcludeUsers=ann bob\n").path(), "bob"), Some(false));
        assert_eq!(configured(with("KillOnlyUsers=bob\n").path(), "ann"), Some(false));
        assert_eq!(configured(with("KillOnlyUsers=bob\n").path(), "bob"), Some(true));
    }

    #[test]
    fn a_user_lingers_by_a_file() {
        let root = root(&[("var/lib/systemd/linger/ann", "")]);
        assert!(lingers(root.path(), "ann") && !lingers(root.path(), "bob") && !lingers(root.path(), ""));
    }
}
