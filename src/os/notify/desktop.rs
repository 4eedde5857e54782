//! Desktop notifications: `notify-send`, and `osascript` on macOS.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::os::process::program;

/// A program that shows notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Desktop {
    NotifySend(PathBuf),
    Osascript(PathBuf),
}

/// Time limit of the program.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// The script gets both texts as arguments, so that a text cannot become code.
const SCRIPT: [&str; 3] =
    ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"];

impl Desktop {
    /// The program that is usable in `environment`, the environment of the user who started the run.
    pub fn find(environment: &BTreeMap<String, String>) -> Option<Self> {
        let path = environment.get("PATH").map(OsStr::new);
        let find = |name| program::find(name, path, Path::new("/")).ok();
        if cfg!(target_os = "macos") {
            return find("osascript").map(Self::Osascript);
        }
        has_bus(environment).then(|| find("notify-send").map(Self::NotifySend)).flatten()
    }

    /// `argv[0]` is the program.
    pub fn argv(&self, title: &str, text: &str) -> Vec<String> {
        let words = |program: &Path, words: &[&str]| {
            let mut argv = vec![program.display().to_string()];
            argv.extend(words.iter().map(|word| (*word).to_owned()));
            argv
        };
        match self {
            Self::NotifySend(program) => words(program, &["--app-name=dispatch", "--", title, &marked_up(text)]),
            Self::Osascript(program) => {
                let [on, show, end] = SCRIPT;
                words(program, &["-e", on, "-e", show, "-e", end, "--", title, text])
            }
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::NotifySend(_) => "notify-send",
            Self::Osascript(_) => "osascript",
        }
    }
}

/// Whether a session bus exists. Without one no desktop can be reached, and `notify-send` would try to start a bus.
fn has_bus(environment: &BTreeMap<String, String>) -> bool {
    let given = environment.get("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    let usual = || environment.get("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(folder).join("bus").exists());
    given || usual()
}

/// Desktops read the text as markup, and `notify-send` reads escapes in it.
fn marked_up(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\\', r"\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_an_option_a_script_or_markup() {
        let (title, text) = ("--help", "\" & (do shell script \"id\") <b>x</b> \\n");
        let argv = Desktop::NotifySend("/usr/bin/notify-send".into()).argv(title, text);
        let shown = r#"" &amp; (do shell script "id") &lt;b&gt;x&lt;/b&gt; \\n"#;
        assert_eq!(argv, ["/usr/bin/notify-send", "--app-name=dispatch", "--", title, shown]);
        let argv = Desktop::Osascript("/usr/bin/osascript".into()).argv(title, text);
        assert_eq!(argv[..7], ["/usr/bin/osascript", "-e", SCRIPT[0], "-e", SCRIPT[1], "-e", SCRIPT[2]]);
        assert_eq!(argv[7..], ["--", title, text]);
    }

    #[test]
    fn without_a_bus_there_is_no_desktop() {
        let bus = |pairs: &[(&str, &str)]| {
            has_bus(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert!(bus(&[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")]));
        assert!(!bus(&[("DBUS_SESSION_BUS_ADDRESS", "")]));
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().display().to_string();
        assert!(!bus(&[("XDG_RUNTIME_DIR", &runtime)]));
        std::fs::write(folder.path().join("bus"), "").unwrap();
        assert!(bus(&[("XDG_RUNTIME_DIR", &runtime)]));
    }
}
