//! Runs one of Slurm's commands within a bound, with an environment that holds nothing but where Slurm is.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::os::environment::{self, Environment};
use crate::os::process::bounded::{self, BoundedError, ChildLimits, ChildOutput};
use crate::os::process::program;

/// A site's settings for these commands. Every other variable of the caller stays here: the controller keeps what
/// `sbatch` is given in a file. `SBATCH_CLUSTERS` is not passed: the other commands would look for the job elsewhere.
const PASSED: [&str; 11] = [
    "PATH",
    "SLURM_CONF",
    "SLURM_CONF_SERVER",
    "SLURM_CLUSTERS",
    "SBATCH_ACCOUNT",
    "SBATCH_CONSTRAINT",
    "SBATCH_PARTITION",
    "SBATCH_QOS",
    "SBATCH_RESERVATION",
    "SLURM_JWT",
    "TZ",
];

/// Bytes: a thousand jobs are 40 kB.
const OUTPUT: usize = 64 << 20;

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SlurmError {
    #[error("`{name}` was not found")]
    NotFound { name: &'static str },
    #[error("`{name}` took longer than {} s", .bound.as_secs_f32())]
    Time { name: &'static str, bound: Duration },
    #[error("`{name}` cannot be run: {source}")]
    Other { name: &'static str, source: BoundedError },
}

/// Runs `name` with `arguments` and `input`. Fails if it cannot be started or takes longer than `bound`; it is then
/// killed.
pub(super) fn run(
    name: &'static str,
    arguments: &[OsString],
    input: &[u8],
    bound: Duration,
) -> Result<ChildOutput, SlurmError> {
    let mut own: Environment =
        PASSED.iter().filter_map(|name| Some((OsString::from(name), environment::var(name)?))).collect();
    let path = own.get(OsStr::new("PATH")).cloned();
    let found = program::find(name, path.as_deref(), Path::new("/")).map_err(|_| SlurmError::NotFound { name })?;
    own.insert("LC_ALL".into(), "C".into());
    let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let limits = ChildLimits { time: bound, output: OUTPUT };
    bounded::run_program(&found, &arguments, Path::new("/"), Some(&own), input, limits).map_err(|error| match error {
        BoundedError::Time(bound) => SlurmError::Time { name, bound },
        source => SlurmError::Other { name, source },
    })
}
