//! What a run's record gives to whoever starts its agent: arguments, prompt, environment.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt as _;

use crate::model::protocol::PromptDelivery;
use crate::model::run_spec::RunSpec;
use crate::os::environment::{self, Environment};
use crate::store::record_file;
use crate::store::run_folder::{MAX_PROMPT, RunFolder};

/// The agent's arguments with the prompt where its delivery wants it, byte for byte.
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

/// The prompt as the agent's standard input, where it is delivered so.
pub fn stdin_of(spec: &RunSpec, folder: &RunFolder) -> io::Result<Option<File>> {
    (spec.delivery == PromptDelivery::Stdin).then(|| File::open(folder.prompt())).transpose()
}

/// Takes the environment that waits for the run; it is gone afterwards.
pub fn take_environment(spec: &RunSpec, folder: &RunFolder) -> io::Result<Environment> {
    environment::take_over(&folder.environment_of(spec)?)
}
