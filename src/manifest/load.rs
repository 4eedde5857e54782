//! Loads a checked [`Manifest`] from a path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::manifest::agent_section;
use crate::manifest::check;
use crate::manifest::document::Document;
use crate::manifest::editor_section;
use crate::manifest::executor_section;
use crate::manifest::fields::SectionFields;
use crate::manifest::home::Home;
use crate::manifest::keys;
use crate::manifest::local_file::{self, LOCAL_NAME, LocalFlags, Overlay};
use crate::manifest::mode::Mode;
use crate::manifest::modes_section::ModesSection;
use crate::manifest::needs;
use crate::manifest::notify_section;
use crate::manifest::runs_section;
use crate::manifest::settings::Manifest;
use crate::manifest::settings_section as settings;
use crate::manifest::source::MANIFEST_MAX;
use crate::manifest::task_section::{self, TaskContext};
use crate::manifest::terminal_section;
use crate::manifest::tree::Node;
use crate::manifest::unsaved_file::{self, UnsavedFile};
use crate::model::names::ModeName;
use crate::model::problem::Problem;

/// A manifest and all its problems.
#[derive(Debug)]
pub struct Loaded {
    /// `None` if any problem is an error.
    pub manifest: Option<Manifest>,
    pub problems: Vec<Problem>,
}

/// What to load, and how completely.
#[derive(Clone, Copy, Debug)]
struct LoadRequest<'a> {
    path: &'a Path,
    root: &'a Path,
    home: &'a Home,
    unsaved: &'a [UnsavedFile],
    /// Whether templates and the texts of command files are read, too.
    is_full: bool,
}

/// Reads and checks the manifest at `path`, its local file, command files and templates. Returns all problems at once.
/// Without a `home`, the manifest's own folder is the home.
pub fn load(path: &Path, home: Option<&Home>) -> Loaded {
    load_with(path, home, true, &[])
}

/// As [`load`], with new texts of some of the files.
pub fn load_unsaved(path: &Path, home: Option<&Home>, unsaved: &[UnsavedFile]) -> Loaded {
    load_with(path, home, true, unsaved)
}

/// As [`load`], without reading templates and the texts of command files: for commands that only list. Missing
/// templates and mistakes in them are not found.
pub fn load_shape(path: &Path, home: Option<&Home>) -> Loaded {
    load_with(path, home, false, &[])
}

fn load_with(path: &Path, home: Option<&Home>, is_full: bool, unsaved: &[UnsavedFile]) -> Loaded {
    let failed = |problem| Loaded { manifest: None, problems: vec![problem] };
    let (path, root) = match resolve(path) {
        Ok(found) => found,
        Err(problem) => return failed(problem),
    };
    let own = Home::in_folder(&root);
    let request = LoadRequest { path: &path, root: &root, home: home.unwrap_or(&own), unsaved, is_full };
    let document = match unsaved_file::read(unsaved, &path, "manifest", MANIFEST_MAX) {
        Ok(source) => Document::new(source),
        Err(problem) => return failed(problem),
    };
    let mut others = Vec::new();
    let local = local_document(&root, unsaved).unwrap_or_else(|problem| {
        others.push(problem);
        None
    });
    let manifest = document.parse().and_then(|node| read(&document, &node, local.as_ref(), request, &mut others));
    let mut problems = document.into_problems();
    problems.extend(local.into_iter().flat_map(Document::into_problems));
    problems.extend(others);
    let failed = problems.iter().any(Problem::is_error);
    Loaded { manifest: manifest.filter(|_| !failed), problems }
}

/// The absolute path of the manifest and its resolved folder, so that a project has one state folder by whatever path
/// it is reached. Fails if the folder does not exist.
pub fn resolve(path: &Path) -> Result<(PathBuf, PathBuf), Problem> {
    let failed = |cause: String| Problem::error(format!("cannot read the manifest: {cause}")).in_file(path);
    let absolute = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(failed("it is a folder".to_owned()));
    };
    let root = folder.canonicalize().map_err(|_| failed("there is no such file".to_owned()))?;
    Ok((root.join(name), root))
}

/// The file of the user's own settings, if there is one.
pub(crate) fn local_document(root: &Path, unsaved: &[UnsavedFile]) -> Result<Option<Document>, Problem> {
    let path = root.join(LOCAL_NAME);
    if path.symlink_metadata().is_err() && !UnsavedFile::replaces(unsaved, &path) {
        return Ok(None);
    }
    unsaved_file::read(unsaved, &path, "local file", MANIFEST_MAX).map(|source| Some(Document::new(source)))
}

fn read(
    document: &Document,
    node: &Node,
    local: Option<&Document>,
    request: LoadRequest<'_>,
    others: &mut Vec<Problem>,
) -> Option<Manifest> {
    let LoadRequest { path, root, home, unsaved, is_full } = request;
    let local = local.and_then(|local| Some((local, local.parse()?)));
    let overlay = local.as_ref().map(|(local, node)| local_file::read(local, node)).unwrap_or_default();
    let fields = SectionFields::new(document, node, "the manifest", &keys::MANIFEST)?;
    settings::version(&fields);

    let agents = agent_section::read(&fields);
    let section = ModesSection::collect(&fields, root, is_full, others);
    let (mut modes, blocks) = section.read(&agents, root);
    if let Some((local, _)) = &local {
        lay_flags(local, &overlay, &mut modes);
    }
    let state_dir = settings::state_dir(&fields, root, home);
    let mut manifest = Manifest {
        path: path.to_owned(),
        root: root.to_owned(),
        source: Arc::clone(&document.source.text),
        name: home.name.clone(),
        session: settings::session(&fields).unwrap_or_else(|| settings::session_from(&home.name)),
        tmux_socket: settings::tmux_socket(&fields),
        jobs: fields.number("jobs").unwrap_or(4),
        state_dir: state_dir.as_deref().map_or_else(|| home.usual_state_dir(), |text| home.state_dir(text)),
        state_dir_written: state_dir,
        env: settings::env(&fields).unwrap_or_default(),
        vars: settings::vars(&fields),
        pass_env: settings::pass_env(&fields),
        retention: settings::retention(&fields),
        tasks: task_section::read(&fields, TaskContext { root, unsaved, modes: &modes }),
        worktree: settings::worktree(&fields),
        agents,
        executors: executor_section::read(&fields),
        runs: Vec::new(),
        modes,
        terminal: fields.read("terminal", terminal_section::read).unwrap_or_default(),
        editor: fields.read("editor", editor_section::read),
        budget: settings::budget(&fields),
        notify: notify_section::read(&fields).under(&overlay.notify).whole(),
    };
    needs::check(&blocks, &manifest.modes);
    executor_section::check_modes(&blocks, &manifest.executors);
    manifest.runs = runs_section::read(&fields, &manifest.modes);
    lay_settings(&mut manifest, &overlay);
    if is_full {
        let flags: Vec<&Node> = overlay.flags.iter().map(|flags| flags.node).collect();
        let local = local.as_ref().map(|(local, _)| (*local, flags.as_slice()));
        check::templates(&fields, &blocks, local, &manifest, others);
    }
    Some(manifest)
}

fn lay_flags(local: &Document, overlay: &Overlay<'_>, modes: &mut BTreeMap<ModeName, Mode>) {
    for LocalFlags { mode: name, key, flags, .. } in &overlay.flags {
        match ModeName::parse(name).ok().and_then(|name| modes.get_mut(&name)) {
            Some(mode) => mode.flags.clone_from(flags),
            None => local_file::unknown_mode(local, *key, name, modes.keys().map(ModeName::as_str)),
        }
    }
}

fn lay_settings(manifest: &mut Manifest, overlay: &Overlay<'_>) {
    manifest.jobs = overlay.jobs.unwrap_or(manifest.jobs);
    if let Some(terminal) = &overlay.terminal {
        manifest.terminal = terminal.clone();
    }
    if let Some(editor) = &overlay.editor {
        manifest.editor = Some(editor.clone());
    }
    manifest.budget.run = overlay.budget.run.or(manifest.budget.run);
    manifest.budget.day = overlay.budget.day.or(manifest.budget.day);
    manifest.env.extend(overlay.env.clone());
    for name in &overlay.pass_env {
        if !manifest.pass_env.contains(name) {
            manifest.pass_env.push(name.clone());
        }
    }
}
