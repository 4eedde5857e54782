//! Raising by the terminals' own commands, with scripts in their place that record their arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A folder of programs, each of which records its arguments and then runs its script.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new(programs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let path = folder.path().join(name);
            let kept = folder.path().join("calls");
            let script = format!("#!/bin/sh\nprintf '%s\\0' '{name}' \"$@\" '' >> {}\n{script}\n", kept.display());
            // A shell writes it: a file that is open for writing here cannot be executed while another test forks.
            let words = ["-c", "printf %s \"$1\" > \"$0\""];
            let status = std::process::Command::new("sh").args(words).arg(&path).arg(script).status().unwrap();
            assert!(status.success());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn around(&self, vars: &[(&str, &str)], mac: bool) -> HostEnvironment {
        let mut environment: Environment = vars.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.insert("PATH".into(), self.0.path().into());
        HostEnvironment::on(environment, mac)
    }

    fn calls(&self) -> Vec<Vec<String>> {
        let bytes = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        let calls = bytes.strip_suffix("\0\0").unwrap_or_default().split("\0\0");
        calls.map(|call| call.split('\0').map(str::to_owned).collect()).collect()
    }
}

fn viewer() -> Viewer {
    let view = Some("dispatch-terminal-1".to_owned());
    Viewer { pid: std::process::id(), tty: "/dev/ttys 'x\";003".to_owned(), view, title: None }
}

#[test]
fn macos_is_asked_for_the_tty_in_iterm2_and_then_in_terminal() {
    let programs = Programs::new(&[("osascript", "case \"$2\" in *Terminal*) echo raised ;; *) echo no ;; esac")]);
    assert_eq!(raise(&viewer(), &programs.around(&[], true)), Ok(()));
    let tty = viewer().tty;
    let expected = [scripts::RAISE_ITERM2, scripts::RAISE_APPLE_TERMINAL]
        .map(|script| ["osascript", "-e", script, &tty].map(str::to_owned).to_vec());
    assert_eq!(programs.calls(), expected);
    let programs = Programs::new(&[("osascript", "echo raised")]);
    assert_eq!(raise(&viewer(), &programs.around(&[], true)), Ok(()));
    assert_eq!(programs.calls().len(), 1, "the first that has it");
    for script in ["echo no", "echo 'not allowed' >&2; exit 1"] {
        let programs = Programs::new(&[("osascript", script)]);
        assert_eq!(raise(&viewer(), &programs.around(&[], true)), Err(NotRaised::NotFound), "{script}");
    }
}

#[test]
fn a_wezterm_that_has_the_tty_is_asked_first_on_macos() {
    let listed = r#"printf '%s' '[{"pane_id": 5, "tty_name": "/dev/ttys '"'"'x\";003"}]'"#;
    let programs = Programs::new(&[("osascript", "echo no"), ("wezterm", listed)]);
    assert_eq!(raise(&viewer(), &programs.around(&[], true)), Ok(()));
    assert_eq!(programs.calls()[1], ["wezterm", "cli", "activate-pane", "--pane-id", "5"]);
    assert_eq!(programs.calls().len(), 2);
}

#[test]
fn where_nothing_can_raise_it_is_said() {
    let none = Programs::new(&[]);
    assert_eq!(raise(&viewer(), &none.around(&[], false)), Err(NotRaised::NoWay));
    assert_eq!(raise(&viewer(), &none.around(&[("DISPLAY", ":7777")], false)), Err(NotRaised::NoTool));
    let blind = Programs::new(&[("wmctrl", "exit 1")]);
    assert_eq!(raise(&viewer(), &blind.around(&[("DISPLAY", ":7777")], false)), Err(NotRaised::NotFound));
}

#[test]
fn one_tool_is_enough() {
    let own = std::process::id();
    let list = format!("[ \"$1\" = -l ] && printf '0x00a00001  0 {own}  host one\\n0x3 0 1 host x\\n'; exit 0");
    let wmctrl = Programs::new(&[("wmctrl", &list)]);
    assert_eq!(raise(&viewer(), &wmctrl.around(&[("DISPLAY", ":7777")], false)), Ok(()));
    assert_eq!(wmctrl.calls()[1], ["wmctrl", "-i", "-a", "0xa00001"]);
    let script = format!("case \"$1 $4\" in 'search {own}') echo 17 ;; getw*) echo one ;; esac");
    let xdotool = Programs::new(&[("xdotool", &script)]);
    assert_eq!(raise(&viewer(), &xdotool.around(&[("DISPLAY", ":7777")], false)), Ok(()));
    assert_eq!(xdotool.calls().last().unwrap(), &["xdotool", "windowactivate", "17"]);
    let both = Programs::new(&[("wmctrl", &list), ("xdotool", "")]);
    assert_eq!(raise(&viewer(), &both.around(&[("DISPLAY", ":7777")], false)), Ok(()));
    assert_eq!(both.calls()[1], ["xdotool", "windowactivate", "10485761"]);
}
