//! Starting a program of the user's that is nobody's child: it outlives us and asks us nothing.
//!
//! By way of this program itself (`dispatch __detached ARGV…`), which leaves our session and our
//! tree: neither can be done between fork and exec without `unsafe`.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::system::environment::Environment;
use crate::system::process::supervise::{self, Forked};

/// The hidden command that leaves its starter.
pub const DETACHED_WORD: &str = "__detached";

/// Starts `argv` by `program`, which is this one. What becomes of it is not heard of.
pub fn start(program: &Path, argv: &[OsString], environment: &Environment) -> io::Result<()> {
    let mut command = Command::new(program);
    command.arg(DETACHED_WORD).args(argv).env_clear().envs(environment);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("it did not start ({status})"))) }
}

/// `__detached`: lets the starter go on and becomes `argv` in a session of its own. Returns in the
/// process that the starter waits for, and where that failed.
pub fn become_detached(argv: &[OsString]) -> io::Result<()> {
    let Some((name, rest)) = argv.split_first() else { return Err(io::Error::other("an empty command")) };
    if supervise::split()? == Forked::Parent {
        return Ok(());
    }
    rustix::process::setsid()?;
    Err(Command::new(name).args(rest).exec())
}
