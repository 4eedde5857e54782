//! Arguments as typed. They travel no further than the command they are for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::complete::{modes, tasks};
use crate::model::run_id::RunId;

/// Make for coding-agent sessions: one manifest for interactive and headless runs
#[derive(Debug, Parser)]
#[command(name = "dispatch", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Short form: `dispatch MODE [TASK] [EXTRA...]` runs one task; all after it goes to the agent.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// Use this manifest instead of looking for `dispatch.yaml`
    #[arg(short, long, value_name = "PATH", global = true)]
    pub(crate) file: Option<PathBuf>,
    /// Act as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub(crate) color: Color,
    /// Say more on stderr; twice for more still
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start runs, or join those that are active
    Run(Run),
    /// Show active and last-ended runs, or one
    #[command(visible_aliases = ["list", "ls"])]
    Status(Status),
    /// Show what a run printed
    Logs(Logs),
    /// End a window or job and its whole process tree
    Stop(Stop),
    /// Wait until runs have ended; exits as `run` does
    Wait(Wait),
    /// Open a terminal on an interactive run
    Attach(Attach),
    /// Type a text into an interactive run and enter it
    Send(Send),
    /// Show what `up` would do, and why
    Plan(Plan),
    /// Make the manifest's `runs:` true
    Up(Up),
    /// Stop what `up` keeps
    Down,
    /// Let a run that waits at its gate start
    Approve(Approve),
    /// List tasks, and where each comes from
    Tasks,
    /// Show one task
    Task(Task),
    /// List modes, and where each comes from
    Modes,
    /// Show prompt, arguments, folder and environment names of a run; starts nothing
    Render(Render),
    /// List past runs: outcome, duration, cost
    History(History),
    /// Validate manifest, templates and tasks: all problems at once
    Check,
    /// Show what was done in a task's worktree since it left its base, committed or not
    Diff(Diff),
    /// Remove a task's worktree and merged branch, unless work would be lost
    Clean(Clean),
    /// Delete old runs by the retention policy
    Prune(Prune),
    /// Serve HTTP, WebSockets and a page on this machine
    Serve(Serve),
    /// Print the running server's token
    Token,
    /// Try out tmux, agents, terminal, git, state folder and more: what is missing, and the cure
    Doctor,
    /// Write a starter `dispatch.yaml` and `templates/`; never overwrites
    Init,
    /// Print the JSON Schema of the manifest
    Schema,
    /// Print the completion script of a shell, with modes and task ids
    Completions(Completions),
    /// The short form, `MODE [TASK] [EXTRA...]`
    #[command(external_subcommand)]
    Short(Vec<OsString>),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The mode
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    /// The tasks; in a task's worktree it may be left out
    #[arg(value_name = "TASK", add = ArgValueCompleter::new(tasks))]
    pub(crate) tasks: Vec<String>,
    /// Arguments for the agent
    #[arg(last = true, value_name = "EXTRA")]
    pub(crate) extras: Vec<String>,
    #[command(flatten)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// Tasks by their fields, beside or instead of their ids.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Selector {
    /// Tasks of this status
    #[arg(long)]
    pub(crate) status: Vec<String>,
    /// Tasks with this tag
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Tasks of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Vec<String>,
    /// Tasks below this one
    #[arg(long)]
    pub(crate) parent: Vec<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunOptions {
    /// Print what would be done; touch nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Run even if up to date
    #[arg(short = 'B', long)]
    pub(crate) force: bool,
    /// At most so many jobs of this command at once
    #[arg(short = 'j', long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<u32>,
    /// Go on with the other tasks after a failure
    #[arg(short = 'k', long)]
    pub(crate) keep_going: bool,
    /// Start and return; print the run id
    #[arg(short = 'd', long)]
    pub(crate) detach: bool,
    /// A prompt for this run; `-` reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Save the final answer here, instead of the mode's `save_to`
    #[arg(long, value_name = "PATH")]
    pub(crate) save_to: Option<PathBuf>,
    /// Where an interactive run is shown
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) attach: AttachHow,
    /// Go on in the conversation of the pair's last run, or of run ID
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, value_parser = resumed)]
    pub(crate) resume: Option<Option<RunId>>,
    /// Run all tasks below TASK in their order, instead of TASK itself
    #[arg(long)]
    pub(crate) subtasks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AttachHow {
    /// Switch inside tmux, attach on a terminal, else open or focus a terminal window
    #[default]
    Auto,
    /// Attach in this terminal
    Here,
    /// Open or focus a terminal window
    Terminal,
    /// Do not attach
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[arg(requires = "task", add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// All last-ended runs, not only the latest
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Say how each state is known
    #[arg(long)]
    pub(crate) explain: bool,
    /// A few characters for tmux's status line; nothing where nothing runs
    #[arg(long, conflicts_with_all = ["mode", "all", "explain"])]
    pub(crate) tmux: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[arg(required_unless_present = "all", requires = "task", add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// Follow the output until the run ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Follow everything that runs
    #[arg(long, requires = "follow", conflicts_with = "mode")]
    pub(crate) all: bool,
    /// Only the last N lines
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(crate) tail: Option<u64>,
    /// Only what was written in the last DUR (`10m`, `1h 30m`)
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) since: Option<crate::model::interval::Interval>,
    /// Only stdout
    #[arg(long)]
    pub(crate) stdout: bool,
    /// Only stderr
    #[arg(long)]
    pub(crate) stderr: bool,
    /// Put the time before each line
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// The bytes as they were written
    #[arg(long, conflicts_with = "timestamps")]
    pub(crate) raw: bool,
    /// This run of the pair instead of its last
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    // Takes the place of the global option, whose `-f` means `--follow` here.
    /// Use this manifest instead of looking for `dispatch.yaml`
    #[arg(long = "file", id = "file", value_name = "PATH")]
    pub(crate) manifest: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[arg(required_unless_present = "all", requires = "tasks", add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(value_name = "TASK", add = ArgValueCompleter::new(tasks))]
    pub(crate) tasks: Vec<String>,
    /// Everything of this project that is active
    #[arg(long, conflicts_with = "mode")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(required = true, value_name = "TASK", add = ArgValueCompleter::new(tasks))]
    pub(crate) tasks: Vec<String>,
    /// Give up after DUR (exit code 124)
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) timeout: Option<crate::model::interval::Interval>,
}

#[derive(Debug, Args)]
pub(crate) struct Attach {
    #[arg(requires = "task", add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// Attach in this terminal
    #[arg(long)]
    pub(crate) here: bool,
    /// Open or focus a window of this terminal, or `auto`
    #[arg(long, value_name = "NAME", conflicts_with = "here")]
    pub(crate) terminal: Option<String>,
    /// Go to the run that has waited longest for you; again: to the next one
    #[arg(long, conflicts_with = "mode")]
    pub(crate) next: bool,
    /// Only print the command that attaches
    #[arg(long, conflicts_with_all = ["here", "terminal"])]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// The text; `-` reads it from stdin, as does leaving it out where stdin is no terminal
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Plan to start drifted runs anew
    #[arg(long)]
    pub(crate) recreate: bool,
    /// Plan to end runs that no entry wants any more
    #[arg(long)]
    pub(crate) prune: bool,
    /// Exit with 2 where something is to be done
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Go on, and make it true again on every change
    #[arg(long)]
    pub(crate) watch: bool,
    /// Start drifted runs anew
    #[arg(long)]
    pub(crate) recreate: bool,
    /// End runs that no entry wants any more
    #[arg(long)]
    pub(crate) prune: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// End it instead
    #[arg(long)]
    pub(crate) reject: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Task {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// A prompt for this run; `-` reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Arguments for the agent
    #[arg(last = true, value_name = "EXTRA")]
    pub(crate) extras: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    #[arg(long, add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(long, add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// Runs that ended in the last DUR
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) since: Option<crate::model::interval::Interval>,
    /// At most N
    #[arg(long, value_name = "N", value_parser = rows)]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// Only the files, with how much changed in each
    #[arg(long)]
    pub(crate) stat: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Clean {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// Say what would be removed, or what stands against it; remove nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Print what would be deleted; delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 3477, value_parser = port)]
    pub(crate) port: u16,
    /// The address, one of this machine's own
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<String>,
    /// Listen on a socket file that only you can reach, instead of a port
    #[arg(long, value_name = "PATH", conflicts_with_all = ["port", "bind", "open"])]
    pub(crate) socket: Option<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// For tests: how long the server waits for a client, `NAME=MILLISECONDS`
    #[arg(long = "time", hide = true, value_name = "NAME=MS", value_parser = server_time)]
    pub(crate) times: Vec<(String, Duration)>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

/// A number in its range, or what to write instead.
fn whole<T: TryFrom<u64>>(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match *range.end() {
        u64::MAX => format!("write a whole number, {} or more", range.start()),
        end => format!("write a whole number from {} to {end}", range.start()),
    })
}

fn server_time(text: &str) -> Result<(String, Duration), String> {
    let (name, millis) = text.split_once('=').ok_or("write NAME=MILLISECONDS")?;
    Ok((name.to_owned(), Duration::from_millis(whole(millis, 1..=u64::MAX)?)))
}

fn jobs(text: &str) -> Result<u32, String> {
    whole(text, 1..=1000)
}

fn rows(text: &str) -> Result<u32, String> {
    whole(text, 1..=u64::from(u32::MAX))
}

fn lines(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

fn port(text: &str) -> Result<u16, String> {
    whole(text, 0..=u64::from(u16::MAX))
}

fn resumed(text: &str) -> Result<RunId, String> {
    RunId::parse(text).ok_or_else(|| "write the id of a run; `dispatch history` shows them".to_owned())
}

fn interval(text: &str) -> Result<crate::model::interval::Interval, String> {
    crate::model::interval::Interval::parse(text)
        .ok_or_else(|| "write a length of time such as `90s`, `10m` or `1h 30m`".to_owned())
}
