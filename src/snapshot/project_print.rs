//! Fingerprints of the tasks and of the inputs of a plan, to detect changes; and the folders to watch.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use crate::lifecycle::project::locate::{ManifestLocation, locate};
use crate::lifecycle::project::{Depth, Project};
use crate::manifest::PromptSource;
use crate::os::watch::stamp::FileStamp;
use crate::tasks;

/// Stack in bytes, like a main thread's: the parsers recurse into nested files.
pub(super) const STACK: usize = 8 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProjectPrint {
    pub(super) tasks: u64,
    pub(super) plan: u64,
    /// The folders in which a change would appear.
    pub(super) folders: BTreeSet<PathBuf>,
}

/// Reads the project in a new thread and passes the result to `done`. Fails if no thread can be started.
pub(super) fn scan(location: &ManifestLocation, done: impl FnOnce(ProjectPrint) + Send + 'static) -> io::Result<()> {
    let location = location.clone();
    std::thread::Builder::new().name("scan".to_owned()).stack_size(STACK).spawn(move || done(find(&location)))?;
    Ok(())
}

fn find(location: &ManifestLocation) -> ProjectPrint {
    let Ok(Some(located)) = locate(location) else {
        // The manifest may be created again.
        return ProjectPrint { folders: BTreeSet::from([location.folder.clone()]), ..ProjectPrint::default() };
    };
    let mut folders: BTreeSet<PathBuf> = located.manifest.parent().map(Path::to_owned).into_iter().collect();
    // A manifest that was broken and mended between two scans was read meanwhile: its text is as before, its stamp is not.
    let stamp = FileStamp::of(&located.manifest).ok();
    let project = match Project::open(location, Depth::Shape) {
        Ok(project) => project,
        Err(error) => {
            let print = DebugHasher::of(&(error, &stamp));
            return ProjectPrint { tasks: print, plan: print, folders };
        }
    };
    let manifest = &project.manifest;
    let set = project.tasks();
    let mut of_tasks = DebugHasher::default();
    of_tasks.add(&(set.tasks(), set.problems(), set.circles()));
    // Only the front matter was parsed: add the files' stamps to detect changes of their text.
    for path in set.tasks().iter().filter_map(|task| task.path.as_ref()) {
        of_tasks.add(&FileStamp::of(&manifest.root.join(path)).ok());
    }
    let of_tasks = of_tasks.finish();
    let mut of_plan = DebugHasher::default();
    of_plan.add(&(of_tasks, manifest, &stamp));
    for mode in manifest.modes.values() {
        let (PromptSource::Template(path) | PromptSource::Command { path, .. }) = &mode.prompt else { continue };
        of_plan.add(&FileStamp::of(path).ok());
        let Some(folder) = path.parent() else { continue };
        folders.insert(folder.to_owned());
        // Included templates are in this folder. The project's own folder changes for other reasons, so skip it.
        if folder != manifest.root {
            of_plan.add(&FileStamp::of(folder).ok());
        }
    }
    folders.extend(tasks::folders(&manifest.root, &manifest.tasks));
    ProjectPrint { tasks: of_tasks, plan: of_plan.finish(), folders }
}

/// Hashes debug output without building its text.
#[derive(Default)]
struct DebugHasher(DefaultHasher);

impl DebugHasher {
    fn of(what: &impl Debug) -> u64 {
        let mut print = Self::default();
        print.add(what);
        print.finish()
    }

    fn add(&mut self, what: &impl Debug) {
        let _ = write!(self, "{what:?}");
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl fmt::Write for DebugHasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn each_part_of_a_project_shows_in_its_print() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let write = |path: &str, text: &str| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        };
        let manifest = "version: 1\ntasks:\n  - files: \"tasks/**/*.md\"\nmodes:\n  job: { template: parts/job.md }\n";
        write("dispatch.yaml", manifest);
        write("tasks/T-1.md", "---\ntitle: One\n---\n\nbody\n");
        write("parts/job.md", "{{ task.title }}");
        let location = ManifestLocation { file: Some(root.join("dispatch.yaml")), folder: root.clone() };
        let mut last = find(&location);
        assert_eq!(find(&location), last, "nothing changed");
        for folder in ["", "tasks", "parts"] {
            assert!(last.folders.contains(&root.join(folder).components().collect::<PathBuf>()), "{folder}");
        }
        let mut differs = |what: &str, tasks: bool, plan: bool| {
            let now = find(&location);
            assert_eq!((now.tasks != last.tasks, now.plan != last.plan), (tasks, plan), "{what}");
            last = now;
        };
        write("other.txt", "noise");
        differs("another file", false, false);
        write("tasks/T-1.md", "---\ntitle: One\n---\n\nanother body\n");
        differs("a body", true, true);
        write("tasks/deep/T-2.md", "# Two\n");
        differs("a task", true, true);
        write("parts/job.md", "{{ task.title }}!");
        differs("a template", false, true);
        write("parts/macro.md", "what it includes");
        differs("an include", false, true);
        write("dispatch.yaml", &format!("{manifest}  other: {{ interactive: true, prompt: x }}\n"));
        differs("a mode", false, true);
        fs::copy(root.join("dispatch.yaml"), root.join("equal.yaml")).unwrap();
        fs::rename(root.join("equal.yaml"), root.join("dispatch.yaml")).unwrap();
        differs("an equal manifest in its place", false, true);
        write("dispatch.yaml", "version: [\n");
        differs("a mistake", true, true);
        fs::remove_file(root.join("dispatch.yaml")).unwrap();
        differs("no manifest", true, true);
        assert!(find(&location).folders.contains(&root));
    }
}
