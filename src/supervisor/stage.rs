//! Starts the stages of a run: the set-up, the agent, and the check after it. Input: the spec, the run folder and the
//! run's environment; output: a pid. Must not wait for what it started.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::model::run_spec::{Expect, RunSpec};
use crate::os::environment::Environment;
use crate::os::process::program;
use crate::os::process::resource_scope::ResourceScope;
use crate::os::process::supervise::{self, ChildSpec, ChildStreams};
use crate::store::handover;
use crate::store::run_folder::RunFolder;

/// The stages of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Creates the worktree and runs its set-up command.
    SetUp,
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
    /// A cgroup holds all stages; a systemd scope holds the agent alone.
    pub scope: Option<&'a ResourceScope>,
    pub rlimits: &'a [(rustix::process::Resource, u64)],
}

impl Stages<'_> {
    /// Starts `stage` and returns its pid. Fails where a log cannot be opened or the program cannot be started.
    pub fn launch(&self, stage: Stage) -> io::Result<u32> {
        match stage {
            Stage::SetUp => self.launch_setup(),
            Stage::Agent => self.launch_agent(),
            Stage::Check => self.launch_check(),
        }
    }

    fn launch_setup(&self) -> io::Result<u32> {
        let program = supervise::own_program()?;
        let argv = [OsString::from("dispatch"), OsString::from("__prepare"), self.folder.absolute()?.into()];
        let streams = ChildStreams::into(RunFolder::open_log(&self.folder.setup_log())?)?;
        self.start(&program, &argv, Path::new("/"), streams, &[])
    }

    fn launch_agent(&self) -> io::Result<u32> {
        let streams = ChildStreams {
            stdin: handover::stdin_of(self.spec, self.folder)?,
            stdout: RunFolder::open_log(&self.folder.stdout())?,
            stderr: RunFolder::open_log(&self.folder.stderr())?,
        };
        let argv = handover::full_argv(self.spec, self.folder)?;
        let (program, argv) = match self.scope.and_then(ResourceScope::systemd) {
            Some(scope) => scope.wrap(&self.spec.program, &argv)?,
            None => (self.spec.program.clone(), argv),
        };
        self.start(&program, &argv, &self.spec.cwd, streams, self.rlimits)
    }

    /// The command's output goes to the run's stderr, where it explains a failure.
    fn launch_check(&self) -> io::Result<u32> {
        let argv: Vec<OsString> = self.expect().command.iter().map(OsString::from).collect();
        let name = self.expect().command.first().map(String::as_str).unwrap_or_default();
        let path = self.environment.get(std::ffi::OsStr::new("PATH")).map(OsString::as_os_str);
        let program = program::find(name, path, &self.spec.cwd).map_err(io::Error::other)?;
        let streams = ChildStreams::into(RunFolder::open_log(&self.folder.stderr())?)?;
        self.start(&program, &argv, &self.spec.cwd, streams, &[])
    }

    fn start(
        &self,
        program: &Path,
        argv: &[OsString],
        cwd: &Path,
        streams: ChildStreams,
        rlimits: &[(rustix::process::Resource, u64)],
    ) -> io::Result<u32> {
        supervise::launch(ChildSpec {
            program,
            argv,
            cwd,
            environment: self.environment,
            umask: self.spec.umask,
            streams,
            rlimits,
            group: self.scope.and_then(ResourceScope::group),
        })
    }

    fn expect(&self) -> &Expect {
        expect_of(self.spec)
    }
}

/// What the mode expects of a finished run; nothing of an interactive one.
pub fn expect_of(spec: &RunSpec) -> &Expect {
    static NOTHING: Expect = Expect { non_empty: false, files: Vec::new(), command: Vec::new() };
    spec.kind.job().map_or(&NOTHING, |job| &job.expect)
}
