//! The command line as clap parses it. Each command sees only its own arguments.

mod project;
mod runs;
mod values;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use project::*;
pub(crate) use runs::*;
pub(crate) use words::*;

/// Make for coding-agent sessions: one manifest for interactive and headless runs
#[derive(Debug, Parser)]
#[command(name = "dispatch", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Short form: `dispatch MODE [TASK] [EXTRA...]` runs one task; all after it goes to the agent.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct GlobalOptions {
    /// Use this manifest instead of looking for `dispatch.yaml`
    #[arg(short, long, value_name = "PATH", global = true)]
    pub(crate) file: Option<PathBuf>,
    /// Act as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// Print one JSON document, for an error too; JSON Lines where the command goes on
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
    Run(RunArgs),
    /// Show active and last-ended runs, or one; of a failed one also the last lines of what failed
    #[command(visible_aliases = ["list", "ls"])]
    Status(StatusArgs),
    /// Show the runs full-screen: watch, answer, start and stop them
    Ui,
    /// Show what a run printed
    Logs(LogsArgs),
    /// End a window or job and its whole process tree
    Stop(StopArgs),
    /// Stop a run, then start the same run by today's manifest; continues as `run` does
    Restart(RestartArgs),
    /// Wait until runs have ended; exits as `run` does
    Wait(WaitArgs),
    /// Open a terminal on an interactive run
    Attach(AttachArgs),
    /// Type a text into an interactive run and enter it
    Send(SendArgs),
    /// Show what `up` would do, and why
    Plan(PlanArgs),
    /// Make the manifest's `runs:` true
    Up(UpArgs),
    /// Stop what `up` keeps
    Down,
    /// Let a run that waits at its gate start
    Approve(ApproveArgs),
    /// List tasks, and where each comes from
    Tasks,
    /// Show one task; write a new task file, edit one, set its status to done
    Task(TaskArgs),
    /// List modes, and where each comes from
    Modes,
    /// Show prompt, arguments, folder and environment names of a run; starts nothing
    Render(RenderArgs),
    /// List past runs: outcome, duration, cost
    History(HistoryArgs),
    /// Validate manifest, templates and tasks: all problems at once
    Check,
    /// Show what was done in a task's worktree since it left its base, committed or not
    Diff(DiffArgs),
    /// Open a shell in a task's worktree
    Shell(ShellArgs),
    /// Merge a task's branch into its base; says everything that stands against it
    Merge(MergeArgs),
    /// Push a task's branch and open a pull request with `gh`
    Pr(PullRequestArgs),
    /// Remove a task's worktree and merged branch, unless work would be lost
    Clean(CleanArgs),
    /// Delete old runs by the retention policy
    Prune(PruneArgs),
    /// Serve HTTP, WebSockets and a page on this machine
    Serve(ServeArgs),
    /// Print the running server's token
    Token,
    /// Try out tmux, agents, terminal, git, state folder and more: what is missing, and the cure
    Doctor,
    /// Write a starter `dispatch.yaml` and `templates/`; never overwrites
    Init,
    /// Print the JSON Schema of the manifest
    Schema,
    /// Print the completion script of a shell, with modes and task ids
    Completions(CompletionsArgs),
    /// The short form, `MODE [TASK] [EXTRA...]`
    #[command(external_subcommand)]
    Short(Vec<OsString>),
}
