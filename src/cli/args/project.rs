//! Arguments of the commands on the project: its plan, tasks, worktrees and server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::OverrideArgs;
use crate::cli::args::values::{port, server_time};
use crate::cli::complete::{modes, tasks};

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
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
pub(crate) struct UpArgs {
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
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(crate) struct TaskArgs {
    /// The task to show
    #[arg(required = true, add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    #[command(subcommand)]
    pub(crate) action: Option<TaskAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaskAction {
    /// Write a new task file in the form of those that exist; print its id and path
    New(NewTaskArgs),
    /// Open a task's file in your editor
    Edit {
        #[arg(add = ArgValueCompleter::new(tasks))]
        task: String,
    },
    /// Set the status in a task's file to done, as the files beside it spell it
    Done {
        #[arg(add = ArgValueCompleter::new(tasks))]
        task: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewTaskArgs {
    /// The words of its title
    #[arg(required = true, value_name = "TITLE")]
    pub(crate) title: Vec<String>,
    /// Its id, instead of the next free one
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Put it beside this task, in the form of its file
    #[arg(long, value_name = "TASK", add = ArgValueCompleter::new(tasks))]
    pub(crate) like: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    #[arg(add = ArgValueCompleter::new(modes))]
    pub(crate) mode: String,
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// A prompt for this run; `-` reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Show where each value comes from, with file and line
    #[arg(long, conflicts_with = "prompt")]
    pub(crate) show_origin: bool,
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Arguments for the agent
    #[arg(last = true, value_name = "EXTRA")]
    pub(crate) extras: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// Only the files, with how much changed in each
    #[arg(long)]
    pub(crate) stat: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    #[arg(required_unless_present = "merged", add = ArgValueCompleter::new(tasks))]
    pub(crate) task: Option<String>,
    /// Clean up after every task whose branch is merged into its base
    #[arg(long, conflicts_with = "task")]
    pub(crate) merged: bool,
    /// Say what would be removed, or every reason against it; remove nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// Merge all changes as one commit
    #[arg(long, conflicts_with = "rebase")]
    pub(crate) squash: bool,
    /// Repeat the commits on the base instead of a merge commit
    #[arg(long)]
    pub(crate) rebase: bool,
    /// Merge into this local branch instead of the task's base
    #[arg(long, value_name = "BRANCH")]
    pub(crate) into: Option<String>,
    /// Remove the worktree and the branch afterwards, as `clean` does
    #[arg(long)]
    pub(crate) clean: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PullRequestArgs {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
    /// Open it as a draft
    #[arg(long)]
    pub(crate) draft: bool,
    /// The branch on the remote to merge into, instead of the task's base
    #[arg(long, value_name = "BRANCH")]
    pub(crate) base: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    #[arg(add = ArgValueCompleter::new(tasks))]
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Print what would be deleted; delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
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
pub(crate) struct CompletionsArgs {
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
