//! Every known terminal, with names that hold characters special to a shell, AppleScript or Windows Terminal.

use std::process::Command;

use super::*;
use crate::model::terminal::TerminalName;
use crate::os::terminal::terminal_spec;

/// A session, a folder and a command list of tmux, each with all special characters.
const WORDS: &[&str] = &[
    "/usr/bin/tmux",
    "-S",
    "/tmp/it's a \"socket\"; $HOME/$$/x",
    "if-shell",
    "$0:@1.%2",
    "#{m:* __exec *01M*,#{pane_start_command}}",
    "new-session -d -t '$0' ; set-option -t '=a\\b' x \"y\"",
    "",
    "ends;",
    "한글 ~ & | < > ( ) ! * ? [ ] { } ^ `id` %PATH%",
];

fn argv(name: TerminalName, around: &HostEnvironment) -> Vec<String> {
    let command: Vec<OsString> = WORDS.iter().map(OsString::from).collect();
    let opening = TerminalLaunch {
        program: Path::new("/bin/terminal"),
        title: "TASK-1-talk",
        command: &command,
        view: "dispatch-terminal-1",
        own: Path::new("/opt/my tools/dispatch"),
    };
    opening.argv(terminal_spec(name).unwrap(), around).into_iter().map(|word| word.into_string().unwrap()).collect()
}

fn plain() -> HostEnvironment {
    HostEnvironment::on([("DISPLAY".into(), ":0".into())].into(), false)
}

fn of(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}

fn hex() -> String {
    WORDS.iter().map(|word| word.bytes().map(|byte| format!("{byte:02x}")).collect::<String>() + "00").collect()
}

#[test]
fn terminals_that_take_words_get_them_byte_for_byte() {
    for (name, before) in [
        (TerminalName::WezTerm, &["start", "--"][..]),
        (TerminalName::Kitty, &[]),
        (TerminalName::GnomeTerminal, &["--window", "--title", "TASK-1-talk", "--"]),
        (TerminalName::Alacritty, &["-e"]),
        (TerminalName::Xterm, &["-u8", "-T", "TASK-1-talk", "-e"]),
    ] {
        assert_eq!(argv(name, &plain()), of(&[&["/bin/terminal"], before, WORDS].concat()), "{name:?}");
    }
}

#[test]
fn terminals_that_read_their_words_get_letters_and_digits() {
    let own = ["/opt/my tools/dispatch", "__become", &hex()];
    for (name, before) in [
        (TerminalName::Konsole, &["-p", "tabtitle=%w", "-e"][..]),
        (TerminalName::XdgTerminalExec, &[]),
        (TerminalName::XTerminalEmulator, &["-e"]),
    ] {
        assert_eq!(argv(name, &plain()), of(&[&["/bin/terminal"], before, &own].concat()), "{name:?}");
    }
    let words = decode(OsStr::new(&hex())).unwrap();
    assert_eq!(words, WORDS.iter().map(OsString::from).collect::<Vec<_>>());
    for text in ["", "0", "00 ", "41", "4100f", "zz00"] {
        assert_eq!(decode(OsStr::new(text)), None, "{text}");
    }
}

#[test]
fn windows_terminal_is_told_nothing_that_divides() {
    let vars = [("WSL_DISTRO_NAME", "Ubuntu; 24"), ("USER", "me")];
    let around = |count: usize| {
        HostEnvironment::on(vars[..count].iter().map(|(name, value)| (name.into(), value.into())).collect(), false)
    };
    let head = ["/bin/terminal", "-w", "dispatch-terminal-1", "new-tab", "--title", "TASK-1-talk", "wsl.exe"];
    let tail = ["--exec", "/opt/my tools/dispatch", "__become", &hex()];
    for (count, who) in [(1, &["-d", "Ubuntu\\; 24"][..]), (2, &["-d", "Ubuntu\\; 24", "-u", "me"])] {
        assert_eq!(argv(TerminalName::WindowsTerminal, &around(count)), of(&[&head, who, &tail].concat()));
    }
}

#[test]
fn a_line_for_macos_is_read_alike_by_every_shell() {
    let around = HostEnvironment::on([].into(), true);
    for name in [TerminalName::AppleTerminal, TerminalName::ITerm2] {
        let words = argv(name, &around);
        let [program, dash, script, line] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!((program.as_str(), dash.as_str()), ("/bin/terminal", "-e"));
        assert!(script.starts_with("on run argv\n") && script.ends_with("\nend run"), "{script}");
        assert!(script.contains("(item 1 of argv)") && !script.contains("tmux"), "{script}");
        // The shell itself parses the line: a program that prints its arguments replaces tmux.
        let rest = line.strip_prefix("exec /usr/bin/tmux ").unwrap_or_else(|| panic!("{line}"));
        for shell in ["sh", "bash"] {
            let printed = Command::new(shell).args(["-c", &format!("printf '%s\\0' {rest}")]).output().unwrap();
            let printed = String::from_utf8(printed.stdout).unwrap();
            assert_eq!(printed.split_terminator('\0').collect::<Vec<_>>(), &WORDS[1..], "{shell}");
        }
        assert!(!line.contains("$$"), "iTerm2 would ask for a variable");
    }
}

#[test]
fn the_users_own_words_get_the_command_as_words_or_as_a_line() {
    let command: Vec<OsString> = WORDS.iter().map(OsString::from).collect();
    let opening = TerminalLaunch {
        program: Path::new("/bin/foot"),
        title: "t",
        command: &command,
        view: "v",
        own: Path::new("/d"),
    };
    let words = |words: &[&str]| {
        let argv = opening.own_argv(&of(words)).into_iter();
        argv.map(|word| word.into_string().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(words(&["foot", "-e", "{{command}}", "z"]), of(&[&["/bin/foot", "-e"], WORDS, &["z"]].concat()));
    let made = words(&["foot", "sh", "-c", "printf '%s\\0' {{ command }}"]);
    let printed = Command::new("sh").args(["-c", &made[3]]).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed.split_terminator('\0').collect::<Vec<_>>(), WORDS);
}
