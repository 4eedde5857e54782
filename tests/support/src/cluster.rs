//! A Slurm cluster of one controller and two nodes for one test world, on this machine.
//!
//! Everything lives in one folder below the world's. It ends only processes that it started: by their pids, or, for what
//! nodes started, by the path of its configuration in their environment.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::programs;
use crate::waiting::{self, is, wait_for};
use crate::world::{self, World};

/// How long a part of the cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The commands that users and `dispatch` call.
const COMMANDS: [&str; 6] = ["sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct"];

/// The names of the nodes.
pub const NODES: [&str; 2] = ["n1", "n2"];

#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    munged: Option<Child>,
    controller: Option<Child>,
    nodes: [Option<Child>; 2],
}

impl Cluster {
    /// Starts a cluster and lets every call of the world see it.
    pub fn start(world: &mut World) -> Self {
        Self::start_with(world, "")
    }

    /// The same, with further lines of its configuration.
    pub fn start_with(world: &mut World, lines: &str) -> Self {
        let folder = world.root().join("slurm");
        for below in ["state", "spool.n1", "spool.n2", "run"] {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        let ports = free_ports();
        fs::write(folder.join("slurm.conf"), configuration(&folder, ports, lines)).unwrap();
        world.provide(&COMMANDS);
        world.set_env("SLURM_CONF", folder.join("slurm.conf"));
        let mut cluster = Self { folder, munged: None, controller: None, nodes: [None, None] };
        cluster.start_munge();
        cluster.start_controller();
        for node in NODES {
            cluster.start_node(node);
        }
        cluster.wait_idle();
        cluster
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self::program(program));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.env("SLURM_CONF", self.folder.join("slurm.conf")).current_dir("/").stdin(Stdio::null());
        command
    }

    fn spawn(&self, program: &str, args: &[&str], log: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.folder.join(log)).unwrap();
        let mut command = self.command(program);
        command.args(args).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn start_munge(&mut self) {
        let place = |name: &str| self.folder.join(name).into_os_string().into_string().unwrap();
        let key: Vec<u8> = fs::read("/proc/sys/kernel/random/uuid").unwrap().repeat(4);
        fs::write(place("munge.key"), key).unwrap();
        fs::set_permissions(place("munge.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let (key, socket, seed) = (place("munge.key"), place("munge.sock"), place("munge.seed"));
        let (log, pid) = (place("munged.log"), place("run/munged.pid"));
        let args = ["-F", "--force", "--key-file", &key, "--socket", &socket, "--pid-file", &pid];
        let args = [&args[..], &["--log-file", &log, "--seed-file", &seed]].concat();
        self.munged = Some(self.spawn("munged", &args, "munged.out"));
        self.answers("munge", &["-S", &socket, "-n"], |_| true);
    }

    pub fn start_controller(&mut self) {
        self.controller = Some(self.spawn("slurmctld", &["-D"], "ctld.out"));
        self.answers("scontrol", &["ping"], |text| text.contains("is UP"));
    }

    /// Starts a node, and does not wait until the controller uses it.
    pub fn start_node(&mut self, node: &str) {
        let at = NODES.iter().position(|name| *name == node).unwrap();
        self.nodes[at] = Some(self.spawn("slurmd", &["-D", "-N", node], &format!("{node}.out")));
    }

    /// Waits until both nodes are free.
    #[track_caller]
    pub fn wait_idle(&self) {
        self.answers("sinfo", &["-h", "-N", "-t", "idle", "-o", "%N"], |text| text.lines().count() == NODES.len());
    }

    /// Waits until a command succeeds and its output is as wanted.
    #[track_caller]
    fn answers(&self, program: &str, args: &[&str], wanted: impl Fn(&str) -> bool) {
        wait_for(PATIENCE, &format!("{program} {args:?} answers"), || {
            let output = self.command(program).args(args).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            is(output.status.success() && wanted(&text), self.report(&text))
        });
    }

    /// What helps to see why a cluster is not as wanted.
    fn report(&self, seen: &str) -> String {
        let end = |name: &str| {
            let log = self.log(name);
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        let logs = ["ctld.out", "n1.out", "n2.out"].map(|name| format!("{name}:\n{}", end(name)));
        let mut sinfo = self.command("sinfo");
        let nodes = sinfo.args(["-N", "-o", "%N %T %E"]).output().map(|output| output.stdout).unwrap_or_default();
        format!("{seen}\n{}\n{}", String::from_utf8_lossy(&nodes), logs.join("\n"))
    }

    /// The output of one of Slurm's commands; a failure is the test's.
    #[track_caller]
    pub fn ask(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program).args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {}\n{stderr}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Lets the job of a run begin that was submitted for later.
    #[track_caller]
    pub fn begin_now(&self, run: &str) {
        self.ask("scontrol", &["update", &format!("JobName=dispatch-{run}"), "StartTime=now"]);
    }

    /// Jobs that are not over, one a line: `NAME STATE NODE`.
    #[track_caller]
    pub fn jobs(&self) -> Vec<String> {
        self.ask("squeue", &["-h", "-o", "%j %T %N"]).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// All jobs that the controller knows, also ended ones: `NAME STATE`.
    #[track_caller]
    pub fn all_jobs(&self) -> Vec<String> {
        self.ask("squeue", &["-h", "-t", "all", "-o", "%j %T"]).lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn wait_no_jobs(&self) {
        wait_for(PATIENCE, "no job is left", || {
            let jobs = self.jobs();
            is(jobs.is_empty(), format!("{jobs:?}"))
        });
    }

    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Ends the controller at once, as a crash does.
    pub fn kill_controller(&mut self) {
        end(&mut self.controller);
    }

    /// Ends a node's daemon at once; what it started goes on.
    pub fn kill_node(&mut self, node: &str) {
        let at = NODES.iter().position(|name| *name == node).unwrap();
        end(&mut self.nodes[at]);
    }

    /// Processes that carry this cluster's configuration in their environment: daemons, steps, jobs.
    fn processes(&self) -> Vec<i32> {
        let mark = self.folder.join("slurm.conf").into_os_string().into_encoded_bytes();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_ours = |pid: &i32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.windows(mark.len()).any(|window| window == mark)
        };
        pids.filter(is_ours).collect()
    }
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            end(node);
        }
        end(&mut self.controller);
        end(&mut self.munged);
        for pid in self.processes() {
            world::kill(pid, Signal::KILL);
        }
        // A step that is being killed may still write into the folder that the world removes.
        for _ in 0..100 {
            if self.processes().is_empty() {
                break;
            }
            waiting::let_pass(Duration::from_millis(5));
        }
    }
}

/// The program of this name, as it is on this machine, or as cargo built it.
pub fn program(name: &str) -> PathBuf {
    if name == "dispatch" {
        return programs::dispatch().into();
    }
    programs::of_the_machine(name)
        .or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.exists()))
        .unwrap_or_else(|| panic!("the tests need `{name}`; `bash scripts/test.sh` installs it"))
}

/// Three ports that are free now.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn configuration(folder: &Path, [controller, one, two]: [u16; 3], lines: &str) -> String {
    let folder = folder.display();
    format!(
        "ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/run/ctld.pid
SlurmdPidFile={folder}/run/%n.pid
SlurmdSpoolDir={folder}/spool.%n
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
KillWait=5
SlurmdTimeout=10
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={one} CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={two} CPUs=2 RealMemory=4000
PartitionName=main Nodes=ALL Default=YES
{lines}"
    )
}
