//! What a supervisor starts: the set-up, the agent, and the check after it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::model::protocol::Delivery;
use crate::model::run_spec::{Expect, RunSpec};
use crate::system::environment::{self, Environment};
use crate::system::process::enclosure::Enclosure;
use crate::system::process::program;
use crate::system::process::supervise::{self, Launch};
use crate::system::store::record_file;
use crate::system::store::run_folder::{MAX_PROMPT, RunFolder};

/// The stages of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Makes the worktree and runs its set-up command.
    Prepare,
    Agent,
    /// The mode's `expect.command`.
    Check,
}

/// What all stages of a run share.
#[derive(Debug)]
pub struct Stages<'a> {
    pub folder: &'a RunFolder,
    pub spec: &'a RunSpec,
    pub environment: &'a Environment,
    /// A group holds all stages; a scope the agent alone.
    pub enclosure: Option<&'a Enclosure>,
    pub rlimits: &'a [(rustix::process::Resource, u64)],
}

impl Stages<'_> {
    /// Starts `stage` and returns its pid.
    pub fn launch(&self, stage: Stage) -> io::Result<u32> {
        match stage {
            Stage::Prepare => self.launch_prepare(),
            Stage::Agent => self.launch_agent(),
            Stage::Check => self.launch_check(),
        }
    }

    fn launch_prepare(&self) -> io::Result<u32> {
        let program = supervise::own_program()?;
        let argv = [OsString::from("dispatch"), OsString::from("__prepare"), self.folder.path().into()];
        let log = RunFolder::open_log(&self.folder.setup_log())?;
        self.start(&program, &argv, Path::new("/"), None, log.try_clone()?, log, &[])
    }

    fn launch_agent(&self) -> io::Result<u32> {
        let stdin = (self.spec.delivery == Delivery::Stdin).then(|| File::open(self.folder.prompt())).transpose()?;
        let stdout = RunFolder::open_log(&self.folder.stdout())?;
        let stderr = RunFolder::open_log(&self.folder.stderr())?;
        let argv = full_argv(self.spec, self.folder)?;
        let (program, argv) = match self.enclosure.and_then(Enclosure::scope) {
            Some(scope) => scope.wrap(&self.spec.program, &argv)?,
            None => (self.spec.program.clone(), argv),
        };
        self.start(&program, &argv, &self.spec.cwd, stdin, stdout, stderr, self.rlimits)
    }

    /// Its output goes to the run's stderr: it says why a run that looked fine was not.
    fn launch_check(&self) -> io::Result<u32> {
        let argv: Vec<OsString> = self.expect().command.iter().map(OsString::from).collect();
        let name = self.expect().command.first().map(String::as_str).unwrap_or_default();
        let path = self.environment.get(std::ffi::OsStr::new("PATH")).map(OsString::as_os_str);
        let program = program::find(name, path, &self.spec.cwd).map_err(io::Error::other)?;
        let log = RunFolder::open_log(&self.folder.stderr())?;
        self.start(&program, &argv, &self.spec.cwd, None, log.try_clone()?, log, &[])
    }

    #[expect(clippy::too_many_arguments, reason = "one private funnel for three callers")]
    fn start(
        &self,
        program: &Path,
        argv: &[OsString],
        cwd: &Path,
        stdin: Option<File>,
        stdout: File,
        stderr: File,
        rlimits: &[(rustix::process::Resource, u64)],
    ) -> io::Result<u32> {
        supervise::launch(Launch {
            program,
            argv,
            cwd,
            environment: self.environment,
            umask: self.spec.umask,
            stdin,
            stdout,
            stderr,
            rlimits,
            group: self.enclosure.and_then(Enclosure::group),
        })
    }

    fn expect(&self) -> &Expect {
        expect_of(self.spec)
    }
}

/// What the mode expects of a finished run; nothing of an interactive one.
pub fn expect_of(spec: &RunSpec) -> &Expect {
    static NOTHING: Expect = Expect { non_empty: false, files: Vec::new(), command: Vec::new() };
    match &spec.kind {
        crate::model::run_spec::RunKind::Headless { expect, .. } => expect,
        crate::model::run_spec::RunKind::Interactive { .. } => &NOTHING,
    }
}

/// The agent's arguments with the prompt where its delivery wants it, byte for byte.
pub fn full_argv(spec: &RunSpec, folder: &RunFolder) -> io::Result<Vec<OsString>> {
    let mut argv: Vec<OsString> = spec.argv.iter().map(OsString::from).collect();
    match spec.delivery {
        Delivery::Arg => {
            let prompt = record_file::read_bytes(&folder.prompt(), MAX_PROMPT).map_err(io::Error::other)?;
            if spec.dash_dash {
                argv.push("--".into());
            }
            argv.push(OsString::from_vec(prompt));
        }
        Delivery::File => argv.push(folder.prompt().into()),
        Delivery::Stdin | Delivery::None => {}
    }
    Ok(argv)
}

/// Takes the environment that waits for the run in `folder`; it is gone afterwards.
pub fn take_environment(folder: &RunFolder) -> io::Result<Environment> {
    let place = record_file::read_bytes(&folder.env_place(), 4096).map_err(io::Error::other)?;
    environment::take_over(&PathBuf::from(OsString::from_vec(place)))
}
