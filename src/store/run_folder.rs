//! A run folder: the paths of its files, and reading and writing its records. Must not decide what a record means.

mod engine;
mod environment;
mod logs;
mod requests;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::model::agent_record::{AGENT_VERSION, AgentRecord};
use crate::model::attempt_record::AttemptRecord;
use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::freshness::{FRESH_VERSION, FreshRecord};
use crate::model::live_record::LiveRecord;
use crate::model::notify::{DeliveryRecord, NOTIFY_VERSION};
use crate::model::owner::Owner;
use crate::model::process_id::FolderId;
use crate::model::queue_record::QueueRecord;
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunSpec, SPEC_VERSION};
use crate::model::visit_record::{VISIT_VERSION, VisitRecord};
use crate::model::window_record::WindowRecord;
use crate::os::process;
use crate::store::lock_file::{self, Hold};
use crate::store::record_file::{self, Durability, RecordError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// Longest prompt, in bytes.
pub const MAX_PROMPT: u64 = 1 << 20;

impl RunFolder {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Creates a new folder with mode 0700. Fails if it exists.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = path.into();
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes this folder the working directory of the process and returns it as `.`, so that its files stay reachable
    /// when the folder is moved. The process must not change its directory while it uses the result.
    pub fn enter(&self) -> io::Result<Self> {
        rustix::process::chdir(&self.path)?;
        Ok(Self { path: PathBuf::from(".") })
    }

    /// The absolute path, also of an entered folder that was moved. Fails where an entered folder was removed.
    pub fn absolute(&self) -> io::Result<PathBuf> {
        if self.path.is_absolute() { Ok(self.path.clone()) } else { std::path::absolute(".") }
    }

    /// The state folder, two levels above. `None` where an entered folder was removed.
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.absolute().ok()?.parent()?.parent().map(Path::to_owned)
    }

    /// Whether an entered folder was removed, so that nothing can be written to it.
    pub fn is_removed(&self) -> bool {
        self.absolute().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// The id in the folder's name; `None` in an entered folder.
    pub fn run_id(&self) -> Option<RunId> {
        RunId::parse(self.path.file_name()?.to_str()?)
    }

    /// Device and inode, which differ in a copy of the folder.
    pub fn id(&self) -> io::Result<FolderId> {
        let meta = fs::symlink_metadata(&self.path)?;
        Ok(FolderId { device: meta.dev(), inode: meta.ino() })
    }

    /// One line: why the set-up of a new worktree failed.
    fn setup_failure(&self) -> PathBuf {
        self.path.join("setup.failed")
    }

    pub fn note_setup_failure(&self, line: &str) -> io::Result<()> {
        record_file::write_bytes_new(&self.setup_failure(), line.as_bytes()).map(drop)
    }

    /// `None` where no failure was recorded or the file cannot be read.
    pub fn read_setup_failure(&self) -> Option<String> {
        let line = record_file::read_bytes(&self.setup_failure(), 64 << 10).ok()?;
        Some(String::from_utf8_lossy(&line).trim().to_owned()).filter(|line| !line.is_empty())
    }

    pub fn marks(&self) -> PathBuf {
        self.path.join("marks")
    }

    pub fn prompt(&self) -> PathBuf {
        self.path.join("prompt")
    }

    /// The prompt as the user gave it, kept for comparison with a second start of the pair.
    pub fn given(&self) -> PathBuf {
        self.path.join("given")
    }

    /// The last screen of a window.
    pub fn screen(&self) -> PathBuf {
        self.path.join("screen.txt")
    }

    /// Whether the spec was written, readable or not.
    pub fn has_spec(&self) -> bool {
        self.spec_path().exists()
    }

    pub fn read_given(&self) -> Option<Vec<u8>> {
        record_file::read_bytes(&self.given(), MAX_PROMPT).ok()
    }

    pub fn read_screen(&self) -> Option<Vec<u8>> {
        record_file::read_bytes(&self.screen(), 16 << 20).ok()
    }

    fn spec_path(&self) -> PathBuf {
        self.path.join("spec.json")
    }

    fn live_path(&self) -> PathBuf {
        self.path.join("live.json")
    }

    pub fn exit_path(&self) -> PathBuf {
        self.path.join("exit.json")
    }

    fn queue_path(&self) -> PathBuf {
        self.path.join("queued.json")
    }

    fn fresh_path(&self) -> PathBuf {
        self.path.join("fresh.json")
    }

    fn attempts_path(&self) -> PathBuf {
        self.path.join("attempts.jsonl")
    }

    fn stop_path(&self) -> PathBuf {
        self.path.join("stop")
    }

    fn unsaved_path(&self) -> PathBuf {
        self.path.join("unsaved")
    }

    /// Fails where the spec is missing, damaged, newer or, by the folder's name, that of another run.
    pub fn read_spec(&self) -> Result<RunSpec, RecordError> {
        let path = self.spec_path();
        let spec: RunSpec = record_file::read(&path, SPEC_VERSION)?;
        match self.run_id() {
            Some(id) if id != spec.run_id => {
                Err(RecordError::Damaged { path, why: format!("it is the record of run {}", spec.run_id) })
            }
            _ => Ok(spec),
        }
    }

    pub fn write_spec(&self, spec: &RunSpec) -> io::Result<()> {
        record_file::write(&self.spec_path(), spec, Durability::Process)
    }

    /// Syncs the spec to disk, so that it survives a power cut; ignores errors.
    pub fn sync_spec(&self) {
        if let Ok(file) = fs::File::open(self.spec_path()) {
            let _ = file.sync_all();
        }
    }

    pub fn read_live(&self) -> Result<Option<LiveRecord>, RecordError> {
        optional(record_file::read(&self.live_path(), 1))
    }

    /// Whether the process that wrote `live.json` may still live. True in doubt: on an unreadable record, or when the
    /// process is of another host or pid namespace.
    pub fn owner_may_live(&self) -> bool {
        match self.read_live() {
            Ok(None) => false,
            Ok(Some(LiveRecord { owner: Owner::Job(_), .. })) => true,
            Ok(Some(LiveRecord { owner: Owner::Process(owner), .. })) => {
                let (there, here) = (&owner.host_boot, process::host_boot());
                let other_boot = there.host == here.host && there.boot_id != here.boot_id;
                process::is_alive(&owner) || (*there != here && !other_boot)
            }
            Err(_) => true,
        }
    }

    pub fn write_live(&self, live: &LiveRecord) -> io::Result<()> {
        record_file::write(&self.live_path(), live, Durability::Process)
    }

    pub fn read_exit(&self) -> Result<Option<ExitRecord>, RecordError> {
        optional(record_file::read(&self.exit_path(), EXIT_VERSION))
    }

    /// Records the end, synced to disk. Returns whether this call did it; an existing record is kept.
    pub fn write_exit(&self, exit: &ExitRecord) -> io::Result<bool> {
        record_file::write_new(&self.exit_path(), exit, Durability::Disk)
    }

    /// The fingerprint of the run's inputs: only of a run that succeeded and whose inputs did not change meanwhile.
    pub fn read_fresh(&self) -> Result<Option<FreshRecord>, RecordError> {
        optional(record_file::read(&self.fresh_path(), FRESH_VERSION))
    }

    /// Synced to disk, as the end that the supervisor writes after it.
    pub fn write_fresh(&self, record: &FreshRecord) -> io::Result<()> {
        record_file::write(&self.fresh_path(), record, Durability::Disk)
    }

    pub fn append_attempt(&self, record: &AttemptRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        Self::open_log(&self.attempts_path())?.write_all(&line)
    }

    /// The length of `attempts.jsonl` in bytes; it only grows.
    pub fn attempts_length(&self) -> u64 {
        fs::symlink_metadata(self.attempts_path()).map_or(0, |meta| meta.len())
    }

    /// The finished attempts; unreadable lines are skipped.
    pub fn read_attempts(&self) -> Vec<AttemptRecord> {
        let bytes = record_file::read_bytes(&self.attempts_path(), 4 << 20).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// `None` also where an engine was asked to run it: a command that died has left the record.
    pub fn read_queue(&self) -> Result<Option<QueueRecord>, RecordError> {
        match optional(record_file::read(&self.queue_path(), 1)) {
            Ok(Some(_)) if self.was_submitted() => Ok(None),
            read => read,
        }
    }

    /// Whether `exit.json` exists, readable or not.
    pub fn has_exit(&self) -> bool {
        self.exit_path().exists()
    }

    /// Whether a queue record exists, readable or not, and no engine was asked to run it.
    pub fn is_queued(&self) -> bool {
        self.queue_path().exists() && !self.was_submitted()
    }

    pub fn write_queue(&self, record: &QueueRecord) -> io::Result<()> {
        record_file::write(&self.queue_path(), record, Durability::Process)
    }

    pub fn remove_queue(&self) -> io::Result<()> {
        gone(fs::remove_file(self.queue_path()))
    }

    /// The notices that were sent about the run; empty where the record cannot be read.
    pub fn read_delivered(&self) -> DeliveryRecord {
        record_file::read(&self.path.join("told.json"), NOTIFY_VERSION).unwrap_or_default()
    }

    pub fn write_delivered(&self, record: &DeliveryRecord) -> io::Result<()> {
        record_file::write(&self.path.join("told.json"), record, Durability::Process)
    }

    pub fn read_window(&self) -> Result<Option<WindowRecord>, RecordError> {
        optional(record_file::read(&self.path.join("window.json"), 1))
    }

    pub fn write_window(&self, record: &WindowRecord) -> io::Result<()> {
        record_file::write(&self.path.join("window.json"), record, Durability::Process)
    }

    /// The last activity that the agent in a window reported.
    pub fn read_agent(&self) -> Result<Option<AgentRecord>, RecordError> {
        optional(record_file::read(&self.agent_path(), AGENT_VERSION))
    }

    pub fn write_agent(&self, record: &AgentRecord) -> io::Result<()> {
        record_file::write(&self.agent_path(), record, Durability::Process)
    }

    fn agent_path(&self) -> PathBuf {
        self.path.join("agent.json")
    }

    /// The settings file that an agent in a window is started with.
    pub fn settings(&self) -> PathBuf {
        self.path.join("settings.json")
    }

    /// The last visit by `attach --next`; `None` also where it cannot be read.
    pub fn read_visit(&self) -> Option<VisitRecord> {
        record_file::read(&self.visit_path(), VISIT_VERSION).ok()
    }

    pub fn write_visit(&self, record: &VisitRecord) -> io::Result<()> {
        record_file::write(&self.visit_path(), record, Durability::Process)
    }

    fn visit_path(&self) -> PathBuf {
        self.path.join("visit.json")
    }

    /// Waits for the exclusive right to type into the run's window; dropping it releases it. Fails after a bounded
    /// wait.
    pub fn lock_typing(&self) -> io::Result<fs::File> {
        let path = self.path.join("typing.lock");
        let file = lock_file::open(&path, true)?;
        lock_file::lock(&file, &path, Hold::Exclusive)?;
        Ok(file)
    }

    /// Removes the settings once the agent has ended.
    pub fn forget_settings(&self) {
        let _ = fs::remove_file(self.settings());
    }

    /// Writes a new file with mode 0600. Fails if it exists.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
    }

    /// The rendered prompt; empty where the run has none. Fails where it is longer than [`MAX_PROMPT`].
    pub fn read_prompt(&self) -> io::Result<Vec<u8>> {
        match record_file::read_bytes(&self.prompt(), MAX_PROMPT) {
            Err(RecordError::Missing(_)) => Ok(Vec::new()),
            other => other.map_err(io::Error::other),
        }
    }

    /// Whether an end is recorded that this program or a newer one can read.
    pub fn has_end(&self) -> bool {
        matches!(self.read_exit(), Ok(Some(_)) | Err(RecordError::Newer { .. }))
    }

    /// Sets the whole folder aside because its record cannot be read. Returns a message for the user.
    pub fn set_aside(&self, why: &RecordError) -> String {
        match record_file::set_aside(&self.path) {
            Ok(place) => format!("{why}; set aside as `{}`", place.display()),
            Err(error) => format!("{why}; it cannot be set aside: {error}"),
        }
    }

    /// Sets a damaged end aside; the run then counts as one whose end was not observed.
    pub fn set_end_aside(&self) -> io::Result<PathBuf> {
        record_file::set_aside(&self.exit_path())
    }

    /// Whether a damaged end was set aside before.
    pub fn lost_its_end(&self) -> bool {
        record_file::was_set_aside(&self.exit_path())
    }
}

pub(super) fn optional<T>(read: Result<T, RecordError>) -> Result<Option<T>, RecordError> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(RecordError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
