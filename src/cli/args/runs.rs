//! Arguments of the commands on runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::values::{assignment, interval, jobs, lines, rows};
use crate::cli::args::words::{PairWords, RunWords};
use crate::cli::complete::{modes, tasks};
use crate::model::interval::Interval;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
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
    pub(crate) selector: TaskFilter,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// Tasks by their fields, beside or instead of their ids.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TaskFilter {
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
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Where an interactive run is shown
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) attach: AttachHow,
    /// Go on in the conversation of the pair's last run, or of run ID
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true)]
    pub(crate) resume: Option<Option<String>>,
    /// Run all tasks below TASK in their order, instead of TASK itself
    #[arg(long)]
    pub(crate) subtasks: bool,
}

/// Changes for the runs of one command only.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OverrideArgs {
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    /// Set the template variable `vars.KEY` of the manifest
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
    /// Time limit of each attempt of a job, instead of the mode's (`90s`, `1h 30m`)
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) timeout: Option<Interval>,
    /// The agent's model, as `model:` of the agent says it
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EnvArgs {
    /// Set a variable of the run; KEY alone takes the caller's value, so that a secret is no argument
    #[arg(short = 'e', long = "env", value_name = "KEY[=VALUE]")]
    pub(crate) env: Vec<String>,
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
#[command(override_usage = "dispatch status [OPTIONS] [[MODE] TASK]")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) words: PairWords,
    /// All last-ended runs, not only the latest
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Say how each state is known
    #[arg(long)]
    pub(crate) explain: bool,
    /// Go on, and print a run again whenever it changes
    #[arg(short, long, conflicts_with = "explain")]
    pub(crate) watch: bool,
    /// A few characters for tmux's status line; nothing where nothing runs
    #[arg(long, conflicts_with_all = ["mode_or_task", "all", "explain", "watch"])]
    pub(crate) tmux: bool,
}

#[derive(Debug, Args)]
#[command(override_usage = "dispatch logs [OPTIONS] [MODE] TASK\n       \
    dispatch logs [OPTIONS] --run ID\n       dispatch logs [OPTIONS] -f --all")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) words: PairWords,
    /// Follow the output until the run ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Follow everything that runs
    #[arg(long, requires = "follow", conflicts_with_all = ["mode_or_task", "run"])]
    pub(crate) all: bool,
    /// Only the last N lines
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(crate) tail: Option<u64>,
    /// Only what was written in the last DUR (`10m`, `1h 30m`)
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) since: Option<Interval>,
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
    /// This run; the beginning of its id is enough
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    // Takes the place of the global option, whose `-f` means `--follow` here.
    /// Use this manifest instead of looking for `dispatch.yaml`
    #[arg(long = "file", id = "file", value_name = "PATH")]
    pub(crate) manifest: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(override_usage = "dispatch stop [OPTIONS] TASK\n       dispatch stop [OPTIONS] MODE TASK...\n       \
    dispatch stop [OPTIONS] --mode MODE\n       dispatch stop [OPTIONS] --all")]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) words: RunWords,
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    // The old run's other changes are on record.
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    /// Print what would change and be started; touch nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Start and return; print the run id
    #[arg(short = 'd', long)]
    pub(crate) detach: bool,
    /// Where an interactive run is shown
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) attach: AttachHow,
}

#[derive(Debug, Args)]
#[command(override_usage = "dispatch wait [OPTIONS] TASK\n       dispatch wait [OPTIONS] MODE TASK...\n       \
    dispatch wait [OPTIONS] --mode MODE\n       dispatch wait [OPTIONS] --all")]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) words: RunWords,
    /// Give up after DUR (exit code 124)
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) timeout: Option<Interval>,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
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
pub(crate) struct SendArgs {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// The text; `-` reads it from stdin, as does leaving it out where stdin is no terminal
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// End it instead
    #[arg(long)]
    pub(crate) reject: bool,
    /// Why it is rejected: a line that its record keeps
    #[arg(long, value_name = "TEXT", requires = "reject")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[arg(long, add = ArgValueCompleter::new(modes))]
    pub(crate) mode: Option<String>,
    #[arg(long, add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// Runs that ended in the last DUR
    #[arg(long, value_name = "DUR", value_parser = interval)]
    pub(crate) since: Option<Interval>,
    /// At most N
    #[arg(long, value_name = "N", value_parser = rows)]
    pub(crate) limit: Option<u32>,
    /// Runs, success rate, time and cost of each day, mode, task or agent
    #[arg(long, value_name = "WHAT", conflicts_with = "limit")]
    pub(crate) by: Option<HistoryBy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryBy {
    Day,
    Mode,
    Task,
    Agent,
}
