//! What a node of an engine must not do: open the index, or start and end runs. Locks and the index are for submitting
//! hosts only.

use crate::agents::sanitize_line;
use crate::lifecycle::failure::{Failure, Kind};
use crate::os::environment;

/// Refuses a command that is called inside a run on a node.
pub fn refuse() -> Result<(), Failure> {
    match environment::var(environment::EXECUTOR) {
        None => Ok(()),
        Some(executor) => {
            let executor = sanitize_line(&executor.to_string_lossy());
            let message = format!("this command is refused inside a run on the executor `{executor}`");
            Err(Failure::new(Kind::Usage, message).hint("call it on the host that submitted the run"))
        }
    }
}
