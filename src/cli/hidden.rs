//! Hidden commands, with which the program starts itself. They are not in the parser.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::lifecycle::doctor::executors;
use crate::lifecycle::launch::exec;
use crate::lifecycle::notify;
use crate::lifecycle::queue;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::event;
use crate::os::process::program;
use crate::os::pty::{self, PTY_WORD};
use crate::os::terminal::{BECOME_WORD, launch};
use crate::supervisor;
use crate::supervisor::node::NodeFacts;
use crate::worker;

/// Runs a hidden command or `--version`. `None`: another command.
pub(crate) fn run() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let (first, second, third) = (words.next()?, words.next(), words.next());
    match (first.to_str()?, second, third) {
        ("--version" | "-V", None, None) => {
            let text = concat!("dispatch ", env!("CARGO_PKG_VERSION"), "\n");
            let _ = std::io::stdout().write_all(text.as_bytes());
            Some(ExitCode::SUCCESS)
        }
        ("__exec", Some(folder), None) => {
            let error = exec::become_agent(Path::new(&folder));
            Some(failed(error.code, &error))
        }
        ("__prepare", Some(folder), None) => Some(match exec::set_up(Path::new(&folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error.code, &error),
        }),
        ("__supervise", Some(folder), None) => Some(match supervisor::shell::main(Path::new(&folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(1, &error),
        }),
        ("__node", Some(folder), name) => Some(on_node(Path::new(&folder), name)),
        ("__probe", Some(folder), node) => {
            let node = node.and_then(|node| node.into_string().ok());
            Some(match executors::answer(Path::new(&folder), node) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(1, &error),
            })
        }
        ("__next", Some(state), ended) => Some(next(&state, ended.as_deref())),
        (PTY_WORD, Some(_), _) => Some(failed(127, &pty::become_owner(&rest()))),
        (BECOME_WORD, Some(encoded), None) => Some(match launch::decode(&encoded) {
            Some(words) => failed(127, &program::become_words(&words)),
            None => failed(2, &"these are no encoded words"),
        }),
        // `__errand`: servers of earlier versions call it so.
        ("__worker" | "__errand", Some(manifest), None) => Some(match worker::answer(Path::new(&manifest)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(1, &error),
        }),
        // With an absolute folder, so that it is not mistaken for a mode and a task.
        ("event", Some(folder), None) if Path::new(&folder).is_absolute() => {
            event::take(Path::new(&folder), std::io::stdin().lock());
            Some(ExitCode::SUCCESS)
        }
        ("__ended", Some(folder), None) => {
            exec::ended(Path::new(&folder));
            Some(ExitCode::SUCCESS)
        }
        ("__notify", Some(state), None) => {
            notify::run_notifier(Path::new(&state));
            Some(ExitCode::SUCCESS)
        }
        ("__rang", Some(folder), None) => {
            notify::bell(Path::new(&folder));
            Some(ExitCode::SUCCESS)
        }
        _ => None,
    }
}

fn on_node(folder: &Path, name: Option<OsString>) -> ExitCode {
    let text = |word: OsString| word.into_string().ok();
    let facts = NodeFacts {
        name: name.and_then(text),
        job: std::env::args_os().nth(4).and_then(text),
        is_of_node: exec::is_of_node,
    };
    match supervisor::node::main(folder, facts) {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(125, &error),
    }
}

/// The arguments after the hidden command.
fn rest() -> Vec<OsString> {
    std::env::args_os().skip(2).collect()
}

fn next(state: &OsString, ended: Option<&std::ffi::OsStr>) -> ExitCode {
    // The caller's working directory is a run folder; what is started here must not keep it.
    let _ = std::env::set_current_dir("/");
    match Store::find(Path::new(state)) {
        Ok(Some(store)) => match queue::run_ended(&store, ended.map(Path::new)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(1, &error),
        },
        _ => ExitCode::FAILURE,
    }
}

fn failed(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "dispatch: {error}");
    ExitCode::from(code)
}
