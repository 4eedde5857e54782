//! Failures of runs and their windows.

use crate::agents::Delivered;
use crate::lifecycle::failure::{Failure, Kind, quote};
use crate::lifecycle::follow::FollowError;
use crate::lifecycle::launch::batch_start::BatchStartError;
use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::prune::PruneError;
use crate::lifecycle::queue::approve::ApproveError;
use crate::lifecycle::reconcile::apply::ApplyError;
use crate::lifecycle::reconcile::prepared_plan::{NotInPlan, NotPrepared};
use crate::lifecycle::server_registry::ServeError;
use crate::lifecycle::stop::StopError;
use crate::lifecycle::window::WindowError;
use crate::lifecycle::window::send::SendError;
use crate::lifecycle::window::show_window::ShowError;
use crate::lifecycle::window::terminal::TerminalError;

impl From<BatchStartError> for Failure {
    fn from(error: BatchStartError) -> Self {
        match error {
            BatchStartError::After { .. } => Self::new(Kind::Failed, error.to_string()),
            BatchStartError::Start(error) => error.into(),
        }
    }
}

impl From<NotInPlan> for Failure {
    fn from(error: NotInPlan) -> Self {
        Self::new(Kind::Usage, error.to_string()).hint("`dispatch plan` shows its entries")
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Prepare(NotPrepared::Prepare(error)) => error.into(),
            ApplyError::Start(error) => error.into(),
            ApplyError::Stop(error) => error.into(),
            other @ (ApplyError::Prepare(NotPrepared::Gone) | ApplyError::After(_)) => {
                Self::new(Kind::Failed, other.to_string())
            }
        }
    }
}

impl From<ApproveError> for Failure {
    fn from(error: ApproveError) -> Self {
        match error {
            ApproveError::NotWaiting(ref pair) => Self::new(Kind::NotWaiting, error.to_string())
                .hint(format!("`dispatch status {pair}` says where it stands")),
            ApproveError::Index(error) => error.into(),
            ApproveError::Start(error) => error.into(),
            ApproveError::Io(_) => Self::chain(Kind::Failed, &error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Differs { ref run, .. } => Self::new(Kind::Conflict, error.to_string()).hint(format!(
                "`dispatch stop {}` first, or leave the prompt, arguments and options out to join it",
                run.pair()
            )),
            StartError::Unknown { .. } => {
                Self::new(Kind::Unseen, error.to_string()).hint("nothing was started, since that could start it twice")
            }
            StartError::RanMeanwhile { .. } => Self::new(Kind::Conflict, error.to_string()),
            StartError::Tmux(error) => error.into(),
            StartError::Index(error) => error.into(),
            StartError::FolderGone(_) => {
                Self::new(Kind::Failed, error.to_string()).hint("run it again: its worktree was taken away just now")
            }
            StartError::Busy { holder: Some(ref holder) } => {
                Self::new(Kind::Busy, error.to_string()).hint(holder.fix())
            }
            StartError::Busy { holder: None } => Self::chain(Kind::Busy, &error),
            StartError::Unrecorded { ref pair, ref run } => {
                let found = Self::new(Kind::Conflict, error.to_string());
                match run.pair {
                    Some(_) => found.hint(format!("dispatch stop {pair}")),
                    None => found.hint("dispatch stop --all"),
                }
            }
            StartError::Worktree { ref log, .. } => {
                Self::new(Kind::Failed, error.to_string()).hint(format!("`{}` has all of it", log.display()))
            }
            StartError::Refused { .. } | StartError::NotSubmitted { .. } => {
                Self::new(Kind::Engine, error.to_string()).hint("nothing was started")
            }
            StartError::NoGreaterId { ref last, ref index, ref lock } => {
                let all = [last, index, lock].map(|path| quote(&path.display().to_string())).join(" ");
                Self::new(Kind::Failed, error.to_string()).hint(format!("rm -r {all}"))
            }
            other => Self::chain(Kind::Internal, &other),
        }
    }
}

impl From<StopError> for Failure {
    fn from(error: StopError) -> Self {
        match error {
            StopError::Tmux(error) => error.into(),
            StopError::Index(error) => error.into(),
            StopError::Held { holder: Some(ref holder), .. } => {
                Self::new(Kind::Failed, error.to_string()).hint(holder.fix())
            }
            other => Self::chain(Kind::Failed, &other),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        let kind = if matches!(error, FollowError::Unknown { .. }) { Kind::Unseen } else { Kind::Internal };
        Self::chain(kind, &error)
    }
}

impl From<PruneError> for Failure {
    fn from(error: PruneError) -> Self {
        Self::chain(Kind::Failed, &error)
    }
}

impl From<WindowError> for Failure {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::Tmux(error) => error.into(),
            WindowError::Unknown { .. } => Self::new(Kind::Unseen, error.to_string()),
            other => Self::new(Kind::Conflict, other.to_string()),
        }
    }
}

impl From<ShowError> for Failure {
    fn from(error: ShowError) -> Self {
        match error {
            ShowError::Window(error) => error.into(),
            other => Self::chain(Kind::Failed, &other),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let message = error.to_string();
        let (pair, came) = match error {
            SendError::Window(error) => return error.into(),
            SendError::Io(error) => return error.into(),
            SendError::Index(error) => return error.into(),
            SendError::Blank { .. } => return Self::new(Kind::Usage, message),
            SendError::InputOff { enable, .. } => return Self::new(Kind::Conflict, message).hint(enable),
            SendError::NotSent { pair, came } => (pair, came),
        };
        let kind = match came {
            Delivered::Asks(_) | Delivered::Draft | Delivered::NoInput | Delivered::NotUp => Kind::Conflict,
            _ => Kind::Unconfirmed,
        };
        Self::new(kind, message).hint(format!("dispatch attach {pair}"))
    }
}

impl From<TerminalError> for Failure {
    fn from(error: TerminalError) -> Self {
        match error {
            TerminalError::Window(error) => error.into(),
            other => Self::chain(Kind::Internal, &other),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Taken(_) => {
                Self::new(Kind::Failed, error.to_string()).hint("`dispatch token` prints its token")
            }
            other => Self::chain(Kind::Failed, &other),
        }
    }
}
