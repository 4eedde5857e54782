//! The whole way from a path to a checked [`Manifest`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::manifest::agent::Agent;
use crate::manifest::agent_section;
use crate::manifest::check;
use crate::manifest::document::{At, Document, Fields, shown};
use crate::manifest::draft::{self, Draft};
use crate::manifest::home::Home;
use crate::manifest::keys;
use crate::manifest::local_file::{self, LOCAL_NAME, LocalFlags, Overlay};
use crate::manifest::mode::{Mode, Origin};
use crate::manifest::mode_block::{self, ModeBlock};
use crate::manifest::mode_files;
use crate::manifest::needs;
use crate::manifest::notify_section;
use crate::manifest::runs_section;
use crate::manifest::sections::{self, Section};
use crate::manifest::settings::{Budget, Manifest, Retention};
use crate::manifest::settings_section as settings;
use crate::manifest::source::MANIFEST_MAX;
use crate::manifest::task_section;
use crate::manifest::terminal_section;
use crate::manifest::tree::Node;
use crate::model::names::ModeName;
use crate::model::problem::Problem;

/// A manifest, and everything that is to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// `None` where any problem is an error.
    pub manifest: Option<Manifest>,
    pub problems: Vec<Problem>,
}

/// Where a manifest is, and where its project is at home.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    path: &'a Path,
    root: &'a Path,
    home: &'a Home,
}

/// How deep [`load`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Shape,
    Full,
}

/// Reads and checks the manifest at `path`, the local file beside it, command files and
/// templates. All problems come at once. Without a `home`, the manifest's own folder is it.
pub fn load(path: &Path, home: Option<&Home>) -> Loaded {
    load_to(path, home, Depth::Full, None)
}

/// [`load`] with one of its files as it may be soon.
pub fn load_draft(path: &Path, home: Option<&Home>, draft: &Draft) -> Loaded {
    load_to(path, home, Depth::Full, Some(draft))
}

/// [`load`] without reading templates and the texts of command files: for commands that only
/// list. A mode's missing template and the mistakes within are then not seen.
pub fn load_shape(path: &Path, home: Option<&Home>) -> Loaded {
    load_to(path, home, Depth::Shape, None)
}

fn load_to(path: &Path, home: Option<&Home>, depth: Depth, draft: Option<&Draft>) -> Loaded {
    let (path, root) = match resolve(path) {
        Ok(found) => found,
        Err(problem) => return Loaded { manifest: None, problems: vec![problem] },
    };
    let own = Home::in_folder(&root);
    let place = Place { path: &path, root: &root, home: home.unwrap_or(&own) };
    let source = match draft::read(draft, &path, "manifest", MANIFEST_MAX) {
        Ok(source) => source,
        Err(problem) => return Loaded { manifest: None, problems: vec![problem] },
    };
    let document = Document::new(source);
    let mut others = Vec::new();
    let local = match local_document(&root, draft) {
        Ok(local) => local,
        Err(problem) => {
            others.push(problem);
            None
        }
    };
    let manifest =
        document.parse().and_then(|node| read(&document, &node, local.as_ref(), place, (depth, draft), &mut others));
    let mut problems = document.into_problems();
    problems.extend(local.into_iter().flat_map(Document::into_problems));
    problems.extend(others);
    let failed = problems.iter().any(Problem::is_error);
    Loaded { manifest: manifest.filter(|_| !failed), problems }
}

/// The absolute path of the manifest and its folder, the folder without links: one project has
/// one state folder however it is reached.
pub fn resolve(path: &Path) -> Result<(PathBuf, PathBuf), Problem> {
    let failed = |cause: String| Problem::error(format!("cannot read the manifest: {cause}")).in_file(path);
    let absolute = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(failed("it is a folder".to_owned()));
    };
    let root = folder.canonicalize().map_err(|_| failed("there is no such file".to_owned()))?;
    Ok((root.join(name), root))
}

fn local_document(root: &Path, draft: Option<&Draft>) -> Result<Option<Document>, Problem> {
    let path = root.join(LOCAL_NAME);
    if path.symlink_metadata().is_err() && !Draft::is_of(draft, &path) {
        return Ok(None);
    }
    draft::read(draft, &path, "local file", MANIFEST_MAX).map(|source| Some(Document::new(source)))
}

fn read(
    document: &Document,
    node: &Node,
    local: Option<&Document>,
    Place { path, root, home }: Place<'_>,
    (depth, draft): (Depth, Option<&Draft>),
    others: &mut Vec<Problem>,
) -> Option<Manifest> {
    let local_root = local.and_then(|local| Some((local, local.parse()?)));
    let overlay = local_root.as_ref().map(|(local, node)| local_file::read(local, node)).unwrap_or_default();
    let fields = document.fields(node, "the manifest", keys::MANIFEST)?;
    settings::version(document, &fields);

    let agents = agent_section::read(document, fields.get("agents"));
    let (mut modes, blocks) = read_modes(document, &fields, root, depth, &agents, others);
    if let Some((local, _)) = &local_root {
        lay_flags(local, &overlay, &mut modes);
    }
    let state_dir = fields.get("state_dir").and_then(|node| settings::state_dir(document, node, (root, home)));
    let mut manifest = Manifest {
        path: path.to_owned(),
        root: root.to_owned(),
        source: std::sync::Arc::clone(&document.source.text),
        name: home.name.clone(),
        session: session(document, &fields, home),
        tmux_socket: fields.get("tmux").and_then(|node| settings::tmux_socket(document, node)),
        jobs: fields.get("jobs").and_then(|node| settings::jobs(document, node)).unwrap_or(4),
        state_dir: state_dir.as_deref().map_or_else(|| home.usual_state_dir(), |text| home.state_dir(text)),
        state_dir_written: state_dir,
        env: fields.get("env").map(|node| settings::env(document, node)).unwrap_or_default(),
        pass_env: fields.get("pass_env").map(|node| settings::pass_env(document, node)).unwrap_or_default(),
        retention: fields.get("retention").map_or_else(Retention::default, |node| settings::retention(document, node)),
        tasks: fields
            .get("tasks")
            .map(|node| task_section::read(document, node, (root, draft), &modes))
            .unwrap_or_default(),
        worktree: fields.get("worktree").and_then(|node| settings::worktree(document, node)),
        agents,
        modes,
        terminal: fields.get("terminal").and_then(|node| terminal_section::read(document, node)).unwrap_or_default(),
        budget: fields.get("budget").map_or_else(Budget::default, |node| settings::budget(document, node)),
        notify: None,
        runs: Vec::new(),
    };
    needs::check(document, &blocks, &manifest.modes);
    if let Some(node) = fields.get("runs") {
        manifest.runs = runs_section::read(document, node, &manifest.modes);
    }
    let notify = fields.get("notify").map(|node| notify_section::read(document, node)).unwrap_or_default();
    manifest.notify = notify.under(&overlay.notify).whole();
    lay_settings(&mut manifest, &overlay);
    if depth == Depth::Full {
        let flags: Vec<&Node> = overlay.flags.iter().map(|flags| flags.node).collect();
        let local = local_root.as_ref().map(|(local, _)| (*local, flags.as_slice()));
        check::templates(document, local, &fields, &blocks, &manifest, others);
    }
    Some(manifest)
}

fn session(document: &Document, fields: &Fields<'_>, home: &Home) -> String {
    let folder = || settings::session_from(&home.name);
    fields.get("session").and_then(|node| settings::session(document, node)).unwrap_or_else(folder)
}

/// Built-in modes, command files, and the blocks over both.
fn read_modes<'a>(
    document: &Document,
    fields: &Fields<'a>,
    root: &Path,
    depth: Depth,
    agents: &BTreeMap<String, Agent>,
    others: &mut Vec<Problem>,
) -> (BTreeMap<ModeName, Mode>, Vec<ModeBlock<'a>>) {
    let mut modes: BTreeMap<ModeName, Mode> = Mode::none().map(|mode| (mode.name.clone(), mode)).into_iter().collect();
    if let Some(node) = fields.get("mode_files") {
        for item in document.list(node, "mode_files").unwrap_or_default() {
            add_mode_files(document, item, root, depth, &mut modes, others);
        }
    }
    let mut blocks = Vec::new();
    let Some(entries) = fields.get("modes").and_then(|node| document.map(node, "modes")) else {
        return (modes, blocks);
    };
    for (name, key, node) in document.entries(entries) {
        if sections::is_misplaced(document, Section::Modes, entries.entries, key) {
            continue;
        }
        let name = match ModeName::parse(name) {
            Ok(name) => name,
            Err(error) => {
                document.error(At::Node(key), format!("`{}` is not a mode name: {error}", shown(name)));
                continue;
            }
        };
        let base = modes.remove(&name).unwrap_or_else(|| Mode::new(name.clone(), Origin::BuiltIn));
        let Some(mut block) = mode_block::read(document, key, node, base, root) else { continue };
        block.check_agent(document, agents);
        let line = document.key_line("modes:", name.as_str()).unwrap_or_else(|| document.line(key));
        block.mode.origin = Origin::Manifest { line };
        modes.insert(name, block.mode.clone());
        blocks.push(block);
    }
    (modes, blocks)
}

fn add_mode_files(
    document: &Document,
    item: &Node,
    root: &Path,
    depth: Depth,
    modes: &mut BTreeMap<ModeName, Mode>,
    others: &mut Vec<Problem>,
) {
    let Some(pattern) = task_section::read_glob(document, item, "mode_files") else { return };
    if Path::new(&pattern).is_absolute() || pattern.split('/').any(|part| part == "..") {
        let problem = Problem::error("`mode_files` must be relative, without `..`");
        document.add(At::Node(item.id), problem.hint("parent folders are searched too"));
        return;
    }
    let found = mode_files::find(root, &pattern, depth == Depth::Full);
    if found.too_many {
        document.error(At::Node(item.id), "`mode_files` matches more than 2000 files");
    }
    if !found.matched && mode_files::is_literal(&pattern) {
        let problem = Problem::error(format!("there is no command file `{}`", shown(&pattern)));
        document.add(At::Node(item.id), problem.hint("it is looked for in the manifest's folder and its parents"));
    }
    others.extend(found.warnings);
    for (name, mode) in found.modes {
        modes.entry(name).or_insert(mode);
    }
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
    manifest.budget.run = overlay.budget.run.or(manifest.budget.run);
    manifest.budget.day = overlay.budget.day.or(manifest.budget.day);
    manifest.env.extend(overlay.env.clone());
    for name in &overlay.pass_env {
        if !manifest.pass_env.contains(name) {
            manifest.pass_env.push(name.clone());
        }
    }
}
