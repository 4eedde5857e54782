//! The variables that a node decides: what was allocated to the job, and the node's own folders. Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

const PREFIXES: [&str; 3] = ["SLURM", "CUDA_", "ROCR_"];
const NAMES: [&str; 5] = ["GPU_DEVICE_ORDINAL", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK", "TMPDIR", "XDG_RUNTIME_DIR"];

/// The token of the user who submitted: `sbatch` got it, and a run has it only by `pass_env`.
const TOKEN: &str = "SLURM_JWT";

pub(super) fn is_of_node(name: &OsStr) -> bool {
    let has_prefix = PREFIXES.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()));
    (has_prefix && name != TOKEN) || NAMES.iter().any(|known| name == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_allocates_is_its_own_and_a_token_is_not() {
        for name in ["SLURM_JOB_ID", "SLURMD_NODENAME", "SLURM_CONF", "CUDA_VISIBLE_DEVICES", "TMPDIR"] {
            assert!(is_of_node(OsStr::new(name)), "{name}");
        }
        for name in ["SLURM_JWT", "PATH", "HOME", "TMPDIRS", "XDG_CONFIG_HOME"] {
            assert!(!is_of_node(OsStr::new(name)), "{name}");
        }
    }
}
