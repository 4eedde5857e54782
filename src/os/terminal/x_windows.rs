//! Windows of an X screen, listed and raised by `xdotool` or `wmctrl`, whichever is installed.

use std::path::PathBuf;

use crate::os::terminal::raise::ToolRunner;

/// A window with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct XWindow {
    id: u64,
    pid: u32,
    title: String,
}

/// The properties of the wanted window that are known.
#[derive(Clone, Debug)]
pub(super) struct WindowQuery<'a> {
    /// A process in the window and its ancestors, nearest first.
    pub(super) ancestry: &'a [u32],
    /// `WINDOWID` of the process, which an outer terminal may have set.
    pub(super) id: Option<u64>,
    pub(super) title: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowMatch {
    One(u64),
    /// Several windows belong to the process; a change of title may identify one.
    Several,
    None,
}

/// `wmctrl` lists windows better; window managers honour `xdotool`, which acts as a pager, more often.
#[derive(Clone, Debug)]
pub(super) struct WindowTools {
    pub(super) wmctrl: Option<PathBuf>,
    pub(super) xdotool: Option<PathBuf>,
}

impl WindowTools {
    pub(super) fn are_there(&self) -> bool {
        self.wmctrl.is_some() || self.xdotool.is_some()
    }

    pub(super) fn list(&self, tools: &ToolRunner<'_>, ancestry: &[u32]) -> Vec<XWindow> {
        if let Some(wmctrl) = &self.wmctrl {
            let listed = tools.run(wmctrl, &["-l", "-p"]).unwrap_or_default();
            return listed.lines().filter_map(XWindow::parse).collect();
        }
        let Some(xdotool) = &self.xdotool else { return Vec::new() };
        let mut windows = Vec::new();
        for pid in ancestry {
            let ids = tools.run(xdotool, &["search", "--onlyvisible", "--pid", &pid.to_string()]);
            for id in ids.unwrap_or_default().lines().filter_map(|id| id.parse().ok()) {
                let title = tools.run(xdotool, &["getwindowname", &format!("{id}")]).unwrap_or_default();
                windows.push(XWindow { id, pid: *pid, title: title.trim_end_matches('\n').to_owned() });
            }
            if !windows.is_empty() {
                break;
            }
        }
        windows
    }

    pub(super) fn activate(&self, tools: &ToolRunner<'_>, id: u64) -> bool {
        let by_xdotool = |tool: &PathBuf| tools.run(tool, &["windowactivate", &id.to_string()]).is_some();
        let by_wmctrl = |tool: &PathBuf| tools.run(tool, &["-i", "-a", &format!("{id:#x}")]).is_some();
        self.xdotool.as_ref().is_some_and(by_xdotool) || self.wmctrl.as_ref().is_some_and(by_wmctrl)
    }
}

impl XWindow {
    /// `0x0040000c  0 17317  host title`, where desktop, pid and host may be padded.
    fn parse(line: &str) -> Option<Self> {
        let (id, rest) = line.split_once(' ')?;
        let (_desktop, rest) = rest.trim_start().split_once(' ')?;
        let (pid, rest) = rest.trim_start().split_once(' ')?;
        let title = rest.trim_start().split_once(' ').map_or("", |(_host, title)| title);
        let id = u64::from_str_radix(id.strip_prefix("0x")?, 16).ok()?;
        Some(Self { id, pid: pid.parse().ok()?, title: title.to_owned() })
    }
}

/// The window of the process: that of its nearest ancestor with a window.
pub(super) fn choose(windows: &[XWindow], wanted: &WindowQuery<'_>) -> WindowMatch {
    let of = |pid: &u32| windows.iter().filter(move |window| window.pid == *pid).collect::<Vec<_>>();
    let Some(of_it) = wanted.ancestry.iter().map(of).find(|of_it| !of_it.is_empty()) else { return WindowMatch::None };
    if let [window] = of_it.as_slice() {
        return WindowMatch::One(window.id);
    }
    if let Some(window) = of_it.iter().find(|window| Some(window.id) == wanted.id) {
        return WindowMatch::One(window.id);
    }
    let titled = |window: &&&XWindow| wanted.title.is_some_and(|title| is_title(&window.title, title));
    match of_it.iter().filter(titled).collect::<Vec<_>>().as_slice() {
        [window] => WindowMatch::One(window.id),
        _ => WindowMatch::Several,
    }
}

/// Whether a window shows `title`; some terminals append their own name.
fn is_title(shown: &str, title: &str) -> bool {
    shown == title || shown.strip_prefix(title).is_some_and(|rest| rest.starts_with(" \u{2014} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_wmctrl_is_a_window() {
        let line = "0x0060000c  0 17316  my-host It's; \"a\"  title";
        let window = XWindow { id: 0x60_000c, pid: 17316, title: "It's; \"a\"  title".to_owned() };
        assert_eq!(XWindow::parse(line), Some(window));
        let line = "0x02200003 -1 0      N/A panel";
        assert_eq!(XWindow::parse(line).map(|window| (window.pid, window.title)), Some((0, "panel".to_owned())));
        assert_eq!(XWindow::parse("0x1  0 5 host").map(|window| window.title), Some(String::new()));
        for line in ["", "Cannot open display.", "0x1 0", "12 0 1 h t"] {
            assert_eq!(XWindow::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_window_is_that_of_the_nearest_ancestor() {
        let window = |id, pid, title: &str| XWindow { id, pid, title: title.to_owned() };
        let windows = [
            window(1, 10, "shell"),
            window(2, 20, "A - p"),
            window(3, 20, "B - p"),
            window(4, 20, "B - p \u{2014} Konsole"),
            window(5, 30, "A - p"),
        ];
        let of = |ancestry: &[u32], id, title| choose(&windows, &WindowQuery { ancestry, id, title });
        assert_eq!(of(&[99, 30, 10], None, None), WindowMatch::One(5));
        // `WINDOWID`, set by an outer terminal, is ignored.
        assert_eq!(of(&[99, 30, 10], Some(1), None), WindowMatch::One(5));
        assert_eq!(of(&[99, 98], Some(1), Some("A - p")), WindowMatch::None);
        assert_eq!(of(&[20], Some(3), None), WindowMatch::One(3));
        assert_eq!(of(&[20], Some(1), None), WindowMatch::Several);
        assert_eq!(of(&[20], None, Some("A - p")), WindowMatch::One(2));
        assert_eq!(of(&[20], None, Some("B - p")), WindowMatch::Several);
        assert_eq!(of(&[20], None, Some("C - p")), WindowMatch::Several);
    }
}
