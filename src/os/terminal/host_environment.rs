//! Where a terminal would open: the system, the screen, and the installed programs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::os::environment::Environment;
use crate::os::process::program;
use crate::os::terminal::known::{App, Needs, TerminalSpec};

#[derive(Clone, Debug)]
pub struct HostEnvironment {
    pub system: HostSystem,
    /// The user is at another machine, connected by SSH.
    pub remote: bool,
    /// X or Wayland.
    pub screen: bool,
    pub environment: Environment,
}

/// The kind of desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostSystem {
    Mac,
    /// Linux on Windows (WSL).
    Wsl {
        distribution: OsString,
        user: Option<OsString>,
    },
    Plain,
}

impl HostEnvironment {
    /// The environment of a process with these variables on this machine.
    pub fn of(environment: Environment) -> Self {
        Self::on(environment, cfg!(target_os = "macos"))
    }

    pub(super) fn on(environment: Environment, is_mac: bool) -> Self {
        let var = |name: &str| environment.get(OsStr::new(name)).filter(|value| !value.is_empty());
        let system = match var("WSL_DISTRO_NAME") {
            _ if is_mac => HostSystem::Mac,
            Some(distribution) => HostSystem::Wsl { distribution: distribution.clone(), user: var("USER").cloned() },
            None => HostSystem::Plain,
        };
        let remote = is_remote(&environment);
        let screen = var("DISPLAY").or_else(|| var("WAYLAND_DISPLAY")).is_some();
        Self { system, remote, screen, environment }
    }

    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.environment.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Whether this terminal can run here.
    pub fn suits(&self, row: &TerminalSpec) -> bool {
        match row.needs {
            Needs::Screen => self.screen || self.system == HostSystem::Mac,
            Needs::Mac => self.system == HostSystem::Mac,
            Needs::Wsl => matches!(self.system, HostSystem::Wsl { .. }),
        }
    }

    /// The installed program that opens this terminal.
    pub fn find(&self, row: &TerminalSpec) -> Option<PathBuf> {
        let on_path = || self.program(row.program);
        match row.app.filter(|_| self.system == HostSystem::Mac) {
            Some(App::Beside(app)) => on_path().filter(|_| self.app(app).is_some()),
            Some(App::Holds(app)) => on_path().or_else(|| {
                let inside = self.app(app)?.join("Contents/MacOS").join(row.program);
                inside.is_file().then_some(inside)
            }),
            None => on_path(),
        }
    }

    /// A program in `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        program::find(name, self.var("PATH"), Path::new("/")).ok()
    }

    fn app(&self, name: &str) -> Option<PathBuf> {
        let homes = self.var("HOME").map(|home| Path::new(home).join("Applications"));
        let folders = [PathBuf::from("/Applications")].into_iter().chain(homes);
        folders.map(|folder| folder.join(format!("{name}.app"))).find(|path| path.is_dir())
    }
}

/// Whether this environment belongs to an SSH session.
pub(super) fn is_remote(environment: &Environment) -> bool {
    let is_set = |name: &str| environment.get(OsStr::new(name)).is_some_and(|value| !value.is_empty());
    ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::terminal::TerminalName;
    use crate::os::terminal::terminal_spec;

    fn environment(vars: &[(&str, &str)]) -> Environment {
        vars.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn the_environment_says_where_a_window_could_be() {
        let of = |vars: &[(&str, &str)], mac| {
            let around = HostEnvironment::on(environment(vars), mac);
            (around.system.clone(), around.screen, around.remote)
        };
        assert_eq!(of(&[], false), (HostSystem::Plain, false, false));
        assert_eq!(of(&[("DISPLAY", "")], false), (HostSystem::Plain, false, false));
        assert_eq!(of(&[("WAYLAND_DISPLAY", "w")], false), (HostSystem::Plain, true, false));
        assert_eq!(of(&[("DISPLAY", ":0"), ("SSH_TTY", "/dev/pts/1")], false), (HostSystem::Plain, true, true));
        assert_eq!(of(&[("WSL_DISTRO_NAME", "x")], true), (HostSystem::Mac, false, false));
        let wsl = HostSystem::Wsl { distribution: "Ubuntu 24".into(), user: Some("me".into()) };
        assert_eq!(of(&[("WSL_DISTRO_NAME", "Ubuntu 24"), ("USER", "me")], false), (wsl, false, false));
    }

    #[test]
    fn a_terminal_of_macos_may_be_an_app_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let around = |mac| HostEnvironment::on(environment(&[("PATH", &path), ("HOME", &path)]), mac);
        let find = |name, mac| around(mac).find(terminal_spec(name).unwrap());
        let (bin, apps) = (folder.path().join("osascript"), folder.path().join("Applications"));
        std::os::unix::fs::symlink("/bin/sh", &bin).unwrap();
        assert_eq!(find(TerminalName::AppleTerminal, true), Some(bin.clone()));
        assert_eq!(find(TerminalName::ITerm2, true), None, "the app is missing");
        std::fs::create_dir_all(apps.join("iTerm.app")).unwrap();
        assert_eq!(find(TerminalName::ITerm2, true), Some(bin));
        let inside = apps.join("kitty.app/Contents/MacOS");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(inside.join("kitty"), "").unwrap();
        assert_eq!(find(TerminalName::Kitty, true), Some(inside.join("kitty")));
        assert_eq!(find(TerminalName::Kitty, false), None);
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("kitty")).unwrap();
        for mac in [false, true] {
            assert_eq!(find(TerminalName::Kitty, mac), Some(folder.path().join("kitty")), "{mac}");
        }
    }
}
