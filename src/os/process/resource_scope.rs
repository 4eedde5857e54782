//! Limits on a run's whole process tree: our own cgroup if one was delegated to us, else a scope of the user's
//! systemd.
//!
//! The agent is started in a scope through `systemd-run`, which becomes the agent by exec: process, environment and
//! standard streams are kept. If neither is available, the caller sets limits per process.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::model::limits::Limits;
use crate::os::environment::Environment;
use crate::os::process::cgroup::{self, Cgroup};
use crate::os::process::program;

/// From this version on, `systemd-run` may expand `${NAME}` in the agent's arguments.
const EXPANDS_SINCE: u32 = 254;

/// What holds the limits of one run.
#[derive(Debug)]
pub enum ResourceScope {
    Group(Cgroup),
    Systemd(SystemdScope),
}

impl ResourceScope {
    /// Creates it for the run with this id; `None` if neither kind is available. `environment` is the agent's, by which
    /// `systemd-run` finds the user's systemd.
    pub fn create(run_id: &str, limits: &Limits, environment: &Environment) -> Option<Self> {
        if let Some(group) = Cgroup::create(run_id, limits) {
            return Some(Self::Group(group));
        }
        let systemd_run = choose(limits, SystemdOffer::find(environment))?;
        Some(Self::Systemd(SystemdScope::new(systemd_run, run_id, limits)))
    }

    /// What [`Self::create`] would return, for `doctor` and for checking a process limit.
    pub fn probe(limits: &Limits, environment: &Environment) -> Option<Self> {
        Self::create(&format!("dispatch-probe-{}", std::process::id()), limits, environment)
    }

    /// The cgroup that a process joins before it starts.
    pub fn group(&self) -> Option<&Cgroup> {
        if let Self::Group(group) = self { Some(group) } else { None }
    }

    /// The scope that the agent is started through.
    pub fn systemd(&self) -> Option<&SystemdScope> {
        if let Self::Systemd(scope) = self { Some(scope) } else { None }
    }

    /// CPU time used by the tree of the agent `pid`; `None` until the agent is in the scope.
    pub fn cpu_used(&self, pid: u32) -> Option<Duration> {
        match self {
            Self::Group(group) => group.cpu_time(),
            Self::Systemd(scope) => scope.group_of(pid)?.cpu_time(),
        }
    }

    /// Prepares for the next agent of the run: a new scope name, since the scope of the ended agent may still exist.
    pub fn renew(&mut self) {
        if let Self::Systemd(scope) = self {
            scope.agents += 1;
            scope.group = OnceCell::new();
        }
    }

    /// Whether the cgroup is known. That of a scope is known once [`Self::cpu_used`] has found it.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Group(_) => true,
            Self::Systemd(scope) => scope.group.get().is_some(),
        }
    }

    /// Whether the memory limit killed a process. Also `false` if systemd removed the scope of an ended agent before
    /// this read.
    pub fn was_out_of_memory(&self) -> bool {
        match self {
            Self::Group(group) => group.had_oom_kill(),
            Self::Systemd(scope) => scope.group.get().is_some_and(Cgroup::had_oom_kill),
        }
    }
}

/// A systemd scope unit for one agent.
#[derive(Debug)]
pub struct SystemdScope {
    systemd_run: PathBuf,
    run_id: String,
    /// Agents of the run that had a scope before this one.
    agents: u32,
    properties: Vec<String>,
    group: OnceCell<Cgroup>,
}

impl SystemdScope {
    fn new(systemd_run: PathBuf, run_id: &str, limits: &Limits) -> Self {
        let memory = limits.memory.map(|memory| format!("MemoryMax={}", memory.get()));
        let processes = limits.processes.map(|processes| format!("TasksMax={processes}"));
        let properties = memory.into_iter().chain(processes).collect();
        Self { systemd_run, run_id: run_id.to_owned(), agents: 0, properties, group: OnceCell::new() }
    }

    fn unit(&self) -> String {
        match self.agents {
            0 => format!("dispatch-{}.scope", self.run_id),
            before => format!("dispatch-{}-{}.scope", self.run_id, before + 1),
        }
    }

    /// Program and arguments that become `program` with `argv` inside the scope. Fails if `program` is not executable:
    /// `systemd-run` would report that only as text.
    pub fn wrap(&self, program: &Path, argv: &[OsString]) -> io::Result<(PathBuf, Vec<OsString>)> {
        rustix::fs::access(program, rustix::fs::Access::EXEC_OK)?;
        let has_dollar = argv.iter().skip(1).any(|word| word.as_bytes().contains(&b'$'));
        let expands = has_dollar && self.version()? >= EXPANDS_SINCE;
        Ok((self.systemd_run.clone(), self.line(program, argv, expands)))
    }

    fn line(&self, program: &Path, argv: &[OsString], expands: bool) -> Vec<OsString> {
        let mut line: Vec<OsString> =
            ["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(OsString::from).to_vec();
        if expands {
            line.push("--expand-environment=no".into());
        }
        line.push(format!("--unit={}", self.unit()).into());
        // By default the description is the command line, which would write the prompt to the system's journal.
        line.push(format!("--description=dispatch run {}", self.run_id).into());
        for property in &self.properties {
            line.extend(["-p".into(), property.into()]);
        }
        line.push("--".into());
        line.push(program.into());
        line.extend(argv.iter().skip(1).cloned());
        line
    }

    fn version(&self) -> io::Result<u32> {
        let output = Command::new(&self.systemd_run).arg("--version").output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        // `systemd 255 (255.4-1)`, `systemd 258~rc1 (…)`.
        let word = printed.split_ascii_whitespace().nth(1).unwrap_or_default();
        let figures = word.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        figures.parse().map_err(|_| io::Error::other("`systemd-run --version` prints no version"))
    }

    /// The scope's cgroup, known once the agent `pid` was found in it.
    fn group_of(&self, pid: u32) -> Option<&Cgroup> {
        if self.group.get().is_none() {
            // Cannot fail, since the cell is empty.
            let _ = self.group.set(Cgroup::of_unit(pid, &self.unit())?);
        }
        self.group.get()
    }
}

/// What systemd offers for a scope on this machine.
#[derive(Clone, Debug)]
struct SystemdOffer {
    systemd_run: Option<PathBuf>,
    manager_answers: bool,
    /// The controllers that the user's systemd can give to a scope, separated by blanks.
    controllers: Option<String>,
}

impl SystemdOffer {
    fn find(environment: &Environment) -> Self {
        let variable = |name: &str| environment.get(OsStr::new(name)).map(OsString::as_os_str);
        let answers = |runtime: &OsStr| {
            // A socket file may outlive the process that listened on it.
            ["systemd/private", "bus"].iter().any(|name| UnixStream::connect(Path::new(runtime).join(name)).is_ok())
        };
        Self {
            systemd_run: program::find("systemd-run", variable("PATH"), Path::new("/")).ok(),
            manager_answers: variable("XDG_RUNTIME_DIR").is_some_and(answers),
            controllers: cgroup::user_manager_controllers(),
        }
    }
}

/// The `systemd-run` to start the agent through, if a scope can apply all of `limits`: systemd silently ignores a limit
/// whose controller is missing.
fn choose(limits: &Limits, offer: SystemdOffer) -> Option<PathBuf> {
    let controllers = offer.controllers.filter(|_| offer.manager_answers)?;
    let has = |wanted: &str| controllers.split_ascii_whitespace().any(|word| word == wanted);
    let holds = (limits.memory.is_none() || has("memory")) && (limits.processes.is_none() || has("pids"));
    offer.systemd_run.filter(|_| holds)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::bytes::Bytes;
    use crate::os::process::supervise::{ChildSpec, ChildStreams, launch};

    fn limits() -> Limits {
        Limits { memory: Some(Bytes::new(4096)), processes: Some(9), cpu: None }
    }

    #[test]
    fn a_scope_is_chosen_only_where_it_holds_everything() {
        let program = Some(PathBuf::from("/bin/systemd-run"));
        let whole = SystemdOffer {
            systemd_run: program.clone(),
            manager_answers: true,
            controllers: Some("cpu memory pids".to_owned()),
        };
        assert_eq!(choose(&limits(), whole.clone()), program);
        let controllers = |names: &str| SystemdOffer { controllers: Some(names.to_owned()), ..whole.clone() };
        for lacking in [
            SystemdOffer { systemd_run: None, ..whole.clone() },
            SystemdOffer { manager_answers: false, ..whole.clone() },
            SystemdOffer { controllers: None, ..whole.clone() },
            controllers("memory"),
            controllers("pids"),
            controllers("pids memory_recursiveprot"),
        ] {
            assert_eq!(choose(&limits(), lacking.clone()), None, "{lacking:?}");
        }
        // CPU time is counted in every group, without a controller.
        let cpu = Limits { memory: None, processes: None, ..limits() };
        assert_eq!(choose(&cpu, controllers("")), program);
        assert_eq!(choose(&Limits { memory: None, ..limits() }, controllers("pids")), program);
    }

    #[test]
    fn the_manager_answers_where_somebody_listens() {
        let dir = tempfile::tempdir().unwrap();
        let environment = Environment::from([("XDG_RUNTIME_DIR".into(), dir.path().into())]);
        assert!(!SystemdOffer::find(&environment).manager_answers);
        let listener = std::os::unix::net::UnixListener::bind(dir.path().join("bus")).unwrap();
        assert!(SystemdOffer::find(&environment).manager_answers);
        drop(listener);
        assert!(dir.path().join("bus").exists() && !SystemdOffer::find(&environment).manager_answers);
    }

    /// A `systemd-run` that records its own arguments and becomes the rest.
    fn fake(folder: &Path, version: &str) -> PathBuf {
        let path = folder.join("systemd-run");
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'systemd {version} (x)' && exit\n\
             printf '%s\\n' \"$@\" >'{}'\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n",
            folder.join("noted").display()
        );
        let source = folder.join("source");
        fs::write(&source, text).unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap();
        // Copied by `cp`: a file that is open for writing here could be inherited by another test's fork, and be busy.
        assert!(Command::new("cp").arg(&source).arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn the_agent_is_started_through_it_as_the_same_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("prompt"), "by stdin").unwrap();
        let scope = SystemdScope::new(fake(dir.path(), "255"), "01X", &limits());
        let words = ["sh", "-c", "echo $$ \"$MARK\" \"$1\"; cat; exit 7", "sh", "--unit=x\n${HOME}"];
        let (program, argv) = scope.wrap(Path::new("/bin/sh"), &words.map(OsString::from)).unwrap();
        let environment =
            Environment::from([("MARK".into(), "kept".into()), ("PATH".into(), std::env::var_os("PATH").unwrap())]);
        let pid = launch(ChildSpec {
            program: &program,
            argv: &argv,
            cwd: dir.path(),
            environment: &environment,
            umask: 0o022,
            streams: ChildStreams {
                stdin: Some(File::open(path("prompt")).unwrap()),
                stdout: File::create(path("out")).unwrap(),
                stderr: File::create(path("err")).unwrap(),
            },
            rlimits: &[],
            group: None,
        })
        .unwrap();
        let waited = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap());
        let (_, status) = rustix::process::waitpid(waited, rustix::process::WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.exit_status(), Some(7), "{}", fs::read_to_string(path("err")).unwrap());
        assert_eq!(fs::read_to_string(path("out")).unwrap(), format!("{pid} kept --unit=x\n${{HOME}}\nby stdin"));
        let own = "--user\n--scope\n--quiet\n--collect\n--expand-environment=no\n--unit=dispatch-01X.scope\n\
                   --description=dispatch run 01X\n-p\nMemoryMax=4096\n-p\nTasksMax=9\n--\n/bin/sh\n-c\n";
        let noted = fs::read_to_string(path("noted")).unwrap();
        assert!(noted.starts_with(own), "{noted}");
    }

    #[test]
    fn the_next_agent_of_a_run_has_a_scope_of_its_own() {
        let mut scope = ResourceScope::Systemd(SystemdScope::new("/bin/systemd-run".into(), "01X", &Limits::default()));
        let unit = |scope: &ResourceScope| scope.systemd().unwrap().unit();
        assert_eq!(unit(&scope), "dispatch-01X.scope");
        scope.renew();
        assert_eq!(unit(&scope), "dispatch-01X-2.scope");
    }

    #[test]
    fn an_older_systemd_run_is_not_told_what_it_does_not_know() {
        let dir = tempfile::tempdir().unwrap();
        let told = |version: &str, word: &str| {
            let scope = SystemdScope::new(fake(dir.path(), version), "01X", &Limits::default());
            let (_, argv) = scope.wrap(Path::new("/bin/sh"), &["sh", word].map(OsString::from)).unwrap();
            argv.contains(&OsString::from("--expand-environment=no"))
        };
        assert!(told("254", "$X") && told("258~rc1", "$X"));
        assert!(!told("252", "$X") && !told("255", "plain"));
        let scope = SystemdScope::new(fake(dir.path(), "255"), "01X", &Limits::default());
        let error = scope.wrap(&dir.path().join("none"), &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
