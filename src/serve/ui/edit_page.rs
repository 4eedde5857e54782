//! The page of the editor: the files that can be edited, and the place for the editor's script.

use crate::lifecycle::failure::Kind;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::server::HttpServer;
use crate::serve::ui::pages::named_top;
use crate::serve::ui::templates::{self, context};
use crate::view::draft_view::EditableFilesView;
use crate::worker::WorkerRequest;

/// `name`: the file to edit; the manifest if it is `None`. Fails if it is not an editable file.
pub(super) fn page(server: &HttpServer, name: Option<&str>) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let EditableFilesView { files } = server.workers.fetch(&WorkerRequest::ListFiles)?;
    let found = match name {
        Some(name) => files.iter().find(|file| file.name == name),
        None => files.first(),
    };
    let Some(file) = found else {
        let refusal = Refusal::with(RefusalKind::Failed(Kind::UnknownFile), "this file cannot be edited here");
        return Err(refusal.hint("the manifest, `dispatch.local.yaml` and the subtask files of the manifest can"));
    };
    // Without a usable manifest there may be no catalog.
    let project = match server.catalog.get(server) {
        Ok(catalog) => catalog.project.name.clone(),
        Err(_) => file.path.parent().and_then(|it| it.file_name()).unwrap_or_default().to_string_lossy().into_owned(),
    };
    templates::render("edit.html", context! { top => named_top(server, project, seq)?, file, files })
}
