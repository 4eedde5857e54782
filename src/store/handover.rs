//! Reads from a run folder what starts the agent: arguments, standard input and environment.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt as _;

use crate::model::protocol::PromptDelivery;
use crate::model::run_spec::RunSpec;
use crate::os::environment::{self, Environment};
use crate::store::record_file;
use crate::store::run_folder::{MAX_PROMPT, RunFolder};

/// The agent's argv with the prompt, byte for byte, or the prompt's path, as the delivery requires. Fails where the
/// prompt cannot be read.
pub fn full_argv(spec: &RunSpec, folder: &RunFolder) -> io::Result<Vec<OsString>> {
    let mut argv: Vec<OsString> = spec.argv.iter().map(OsString::from).collect();
    match spec.delivery {
        PromptDelivery::Arg => {
            let prompt = record_file::read_bytes(&folder.prompt(), MAX_PROMPT).map_err(io::Error::other)?;
            if spec.dash_dash {
                argv.push("--".into());
            }
            argv.push(OsString::from_vec(prompt));
        }
        PromptDelivery::File => argv.push(folder.absolute()?.join("prompt").into()),
        PromptDelivery::Stdin | PromptDelivery::None => {}
    }
    Ok(argv)
}

/// The prompt file as the agent's standard input; `None` for other deliveries.
pub fn stdin_of(spec: &RunSpec, folder: &RunFolder) -> io::Result<Option<File>> {
    (spec.delivery == PromptDelivery::Stdin).then(|| File::open(folder.prompt())).transpose()
}

/// Reads and removes the environment file. Fails where it was removed before, so that a run starts only once.
pub fn take_environment(spec: &RunSpec, folder: &RunFolder) -> io::Result<Environment> {
    environment::take_over(&folder.environment_of(spec)?)
}
