//! What a run was started with, from its folder.

use std::io;

use crate::lifecycle::store::Store;
use crate::model::run_id::RunId;
use crate::view::prompt_view::PromptView;

/// Fails if the records of the run cannot be read.
pub fn started_with(store: &Store, id: &RunId) -> io::Result<PromptView> {
    let folder = store.folder(id);
    let spec = folder.read_spec().map_err(io::Error::other)?;
    let given = if spec.prompt_given { folder.read_given() } else { None };
    Ok(PromptView::new(&spec, &folder.read_prompt()?, given.as_deref()))
}
