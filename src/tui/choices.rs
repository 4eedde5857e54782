//! The lists to pick from before a start. Pure.

use crate::agents::sanitize_line;
use crate::tui::picker::Picker;
use crate::view::catalog_view::CatalogView;

pub(super) fn tasks(catalog: &CatalogView) -> Picker {
    let row = |task: &crate::view::task_view::TaskView| {
        vec![task.id.clone(), sanitize_line(&task.status), sanitize_line(&task.title)]
    };
    let rows = catalog.tasks.iter().map(row).collect();
    Picker::new("Run which task?".to_owned(), vec!["TASK", "STATUS", "TITLE"], rows).searched()
}

/// The modes, then the row that leads to another task. `preferred` is chosen first.
pub(super) fn modes(catalog: &CatalogView, task: &str, preferred: Option<&str>) -> Picker {
    let kind = |interactive| if interactive { "window" } else { "job" };
    let modes = &catalog.modes;
    let mut rows: Vec<Vec<String>> = modes
        .iter()
        .map(|mode| vec![mode.name.clone(), kind(mode.interactive).to_owned(), sanitize_line(&mode.description)])
        .collect();
    rows.push(vec!["another task…".to_owned(), String::new(), String::new()]);
    let own = catalog.tasks.iter().find(|known| known.id == task).and_then(|task| task.mode.clone());
    let wanted = preferred.map(str::to_owned).or(own);
    let at = wanted.and_then(|wanted| modes.iter().position(|mode| mode.name == wanted)).unwrap_or(0);
    Picker::new(format!("Run {task} in which mode?"), vec!["MODE", "KIND", "DESCRIPTION"], rows).at(at)
}

/// Whether `row` of [`modes`] leads to another task.
pub(super) fn is_other_task(modes: &Picker, row: usize) -> bool {
    row + 1 == modes.rows.len()
}
