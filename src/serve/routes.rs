//! Method and path → route. Pure. Names in the path are parsed here, so that handlers get valid ones.

use crate::lifecycle::follow::tail::LogStream;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_id::RunId;
use crate::serve::head::{Head, Method};
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::ui::{self, Fragment};
use crate::worker::WorkerRequest;

/// Everything the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one for each request, never in a list")]
pub(super) enum Route {
    /// The shell of every page.
    Page,
    Asset(String),
    Ui(Fragment),
    Health,
    Metrics,
    Ticket,
    Dispatch(Pair),
    Status(Pair),
    /// `by_get`: the deprecated form with GET.
    Stop {
        pair: Pair,
        by_get: bool,
    },
    Restart(Pair),
    Attach(Pair),
    Approve(Pair),
    Send(Pair),
    Render(Pair),
    Capacity,
    /// Checks unsaved texts.
    Check,
    Schema,
    Runs,
    Run(RunId),
    Log(RunId, LogStream),
    /// When its logs had which lengths.
    Marks(RunId),
    /// What the run was started with.
    Prompt(RunId),
    /// Opens a file in the user's editor.
    Open,
    /// A person has looked at the ended run.
    Seen(RunId),
    /// Answered by the worker's response as it is.
    Worker(WorkerRequest),
    History,
    HistoryCsv,
    Results(String),
    Up,
    Clean(String),
    ReadFile(String),
    WriteFile(String),
    Socket(SocketRoute),
}

/// The WebSockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SocketRoute {
    Logs(Pair),
    Events,
    Terminal(Pair),
}

/// What a path requires of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteAccess {
    /// A page: it holds no data, needs no token, and may be opened by a link from another site.
    Page,
    /// Holds no data and needs no token.
    Open,
    Guarded,
}

pub(super) fn access(path: &[String]) -> RouteAccess {
    match path {
        [] => RouteAccess::Page,
        [only] if only == "now" || only == "plan" || only == "history" => RouteAccess::Page,
        [first, ..] if first == "edit" => RouteAccess::Page,
        [first, _] if first == "tasks" || first == "runs" || first == "now" => RouteAccess::Page,
        [first, ..] if first == "assets" => RouteAccess::Open,
        [only] if only == "healthz" => RouteAccess::Open,
        _ => RouteAccess::Guarded,
    }
}

/// The page that a path with a slash at its end means: `/now/` is `/now`. Its names need no encoding.
pub(super) fn without_last_slash(path: &[String]) -> Option<String> {
    let (last, page) = path.split_last()?;
    let is_plain =
        |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let is_page = last.is_empty() && !page.is_empty() && access(page) == RouteAccess::Page && page.iter().all(is_plain);
    is_page.then(|| format!("/{}", page.join("/")))
}

const GET: &str = "GET, HEAD";

/// HEAD finds the route of GET.
pub(super) fn find(head: &Head) -> Result<Route, Refusal> {
    let path: Vec<&str> = head.path.iter().map(String::as_str).collect();
    let reads = matches!(head.method, Method::Get | Method::Head);
    let get = |route: Route| if reads { Ok(route) } else { Err(Refusal::new(RefusalKind::Method(GET))) };
    let post = |route: Route| match head.method {
        Method::Post => Ok(route),
        _ => Err(Refusal::new(RefusalKind::Method("POST"))),
    };
    match path.as_slice() {
        [] | ["now" | "plan" | "history"] | ["tasks" | "runs" | "now", _] => get(Route::Page),
        ["edit", file @ ..] if file.is_empty() || is_file_name(file) => get(Route::Page),
        ["assets", name] => get(Route::Asset((*name).to_owned())),
        ["assets", folder, name] => get(Route::Asset(format!("{folder}/{name}"))),
        ["ui", rest @ ..] => {
            ui::find(rest).ok_or_else(|| Refusal::new(RefusalKind::NoRoute)).and_then(|it| get(Route::Ui(it)))
        }
        ["healthz"] => get(Route::Health),
        ["metrics"] => get(Route::Metrics),
        ["dispatch", mode, task] => pair(mode, task).and_then(|pair| post(Route::Dispatch(pair))),
        ["status", mode, task] => pair(mode, task).and_then(|pair| get(Route::Status(pair))),
        ["stop", mode, task] => {
            let pair = pair(mode, task)?;
            match head.method {
                Method::Post => Ok(Route::Stop { pair, by_get: false }),
                Method::Get => Ok(Route::Stop { pair, by_get: true }),
                // HEAD must have no effect.
                _ => Err(Refusal::new(RefusalKind::Method("GET, POST"))),
            }
        }
        ["logs", mode, task] => pair(mode, task).and_then(|pair| get(Route::Socket(SocketRoute::Logs(pair)))),
        ["api", rest @ ..] => api(rest, head, &get, &post),
        _ => Err(Refusal::new(RefusalKind::NoRoute)),
    }
}

fn api(
    path: &[&str],
    head: &Head,
    get: &dyn Fn(Route) -> Result<Route, Refusal>,
    post: &dyn Fn(Route) -> Result<Route, Refusal>,
) -> Result<Route, Refusal> {
    match path {
        ["ticket"] => post(Route::Ticket),
        ["restart", mode, task] => pair(mode, task).and_then(|pair| post(Route::Restart(pair))),
        ["attach", mode, task] => pair(mode, task).and_then(|pair| post(Route::Attach(pair))),
        ["approve", mode, task] => pair(mode, task).and_then(|pair| post(Route::Approve(pair))),
        ["send", mode, task] => pair(mode, task).and_then(|pair| post(Route::Send(pair))),
        ["render", mode, task] => pair(mode, task).and_then(|pair| post(Route::Render(pair))),
        ["capacity"] => get(Route::Capacity),
        ["runs"] => get(Route::Runs),
        ["runs", id] => run_id(id).and_then(|id| get(Route::Run(id))),
        ["runs", id, "stdout"] => run_id(id).and_then(|id| get(Route::Log(id, LogStream::Stdout))),
        ["runs", id, "stderr"] => run_id(id).and_then(|id| get(Route::Log(id, LogStream::Stderr))),
        ["runs", id, "marks"] => run_id(id).and_then(|id| get(Route::Marks(id))),
        ["runs", id, "prompt"] => run_id(id).and_then(|id| get(Route::Prompt(id))),
        ["seen", id] => run_id(id).and_then(|id| post(Route::Seen(id))),
        ["open"] => post(Route::Open),
        ["tasks"] => get(Route::Worker(WorkerRequest::Tasks)),
        ["tasks", id] => task(id).and_then(|id| get(Route::Worker(WorkerRequest::Task { id }))),
        ["diff", id] => task(id).and_then(|id| get(Route::Worker(WorkerRequest::Diff { id }))),
        ["results", id] => task(id).and_then(|id| get(Route::Results(id))),
        ["clean", id] => task(id).and_then(|id| post(Route::Clean(id))),
        ["modes"] => get(Route::Worker(WorkerRequest::Modes)),
        ["plan"] => get(Route::Worker(WorkerRequest::Plan)),
        ["history"] => get(Route::History),
        ["history.csv"] => get(Route::HistoryCsv),
        ["up"] => post(Route::Up),
        ["check"] => post(Route::Check),
        ["schema"] => get(Route::Schema),
        ["files"] => get(Route::Worker(WorkerRequest::ListFiles)),
        ["files", name @ ..] => file(name, head.method),
        ["events"] => get(Route::Socket(SocketRoute::Events)),
        ["terminal", mode, task] => pair(mode, task).and_then(|pair| get(Route::Socket(SocketRoute::Terminal(pair)))),
        _ => Err(Refusal::new(RefusalKind::NoRoute)),
    }
}

fn pair(mode: &str, task: &str) -> Result<Pair, Refusal> {
    let mode = ModeName::parse(mode).map_err(|error| bad_name("mode name", &error))?;
    let task = TaskId::parse(task).map_err(|error| bad_name("task id", &error))?;
    Ok(Pair { mode, task })
}

fn task(id: &str) -> Result<String, Refusal> {
    TaskId::parse(id).map(|id| id.to_string()).map_err(|error| bad_name("task id", &error))
}

fn bad_name(what: &str, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::with(RefusalKind::BadValue, format!("invalid {what}: {error}"))
}

fn run_id(text: &str) -> Result<RunId, Refusal> {
    RunId::parse(text).ok_or_else(|| Refusal::with(RefusalKind::BadValue, "a run id is a ULID"))
}

/// A path below the manifest's folder. `lifecycle` decides whether it may be read or written.
fn file(parts: &[&str], method: Method) -> Result<Route, Refusal> {
    if !is_file_name(parts) {
        return Err(Refusal::new(RefusalKind::NoRoute));
    }
    let name = parts.join("/");
    match method {
        Method::Get | Method::Head => Ok(Route::ReadFile(name)),
        Method::Put => Ok(Route::WriteFile(name)),
        _ => Err(Refusal::new(RefusalKind::Method("GET, HEAD, PUT"))),
    }
}

/// Whether the parts of a path name a file below the manifest's folder.
pub(super) fn is_file_name(parts: &[&str]) -> bool {
    let is_valid = |part: &&str| !(part.is_empty() || *part == "." || *part == ".." || part.contains(['/', '\0']));
    parts.iter().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, target: &str) -> Result<Route, u16> {
        let text = format!("{method} {target} HTTP/1.1\r\n\r\n");
        let head = Head::parse(text.as_bytes()).map_err(|refusal| refusal.status())?.unwrap().0;
        find(&head).map_err(|refusal| refusal.status())
    }

    fn pair() -> Pair {
        super::pair("code-review", "TASK-42").unwrap()
    }

    #[test]
    fn every_route_has_its_methods() {
        let rows: &[(&str, &str, Route)] = &[
            ("GET", "/", Route::Page),
            ("GET", "/tasks/TASK-42", Route::Page),
            ("GET", "/history", Route::Page),
            ("GET", "/now/01ARZ3NDEKTSV4RRFFQ69G5FAV", Route::Page),
            ("GET", "/api/capacity", Route::Capacity),
            ("GET", "/edit", Route::Page),
            ("GET", "/edit/.claude/subtask.yml", Route::Page),
            ("POST", "/api/check", Route::Check),
            ("POST", "/api/open", Route::Open),
            ("GET", "/api/schema", Route::Schema),
            ("GET", "/api/files", Route::Worker(WorkerRequest::ListFiles)),
            ("GET", "/plan", Route::Page),
            ("GET", "/assets/vendor/xterm.mjs", Route::Asset("vendor/xterm.mjs".to_owned())),
            ("GET", "/ui/board", Route::Ui(Fragment::Board)),
            ("POST", "/dispatch/code-review/TASK-42", Route::Dispatch(pair())),
            ("GET", "/status/code-review/TASK%2d42", Route::Status(pair())),
            ("HEAD", "/status/code-review/TASK-42", Route::Status(pair())),
            ("GET", "/api/tasks/TASK-1.2", Route::Worker(WorkerRequest::Task { id: "TASK-1.2".to_owned() })),
            ("POST", "/stop/code-review/TASK-42", Route::Stop { pair: pair(), by_get: false }),
            ("GET", "/stop/code-review/TASK-42", Route::Stop { pair: pair(), by_get: true }),
            ("GET", "/logs/code-review/TASK-42", Route::Socket(SocketRoute::Logs(pair()))),
            ("POST", "/api/restart/code-review/TASK-42", Route::Restart(pair())),
            ("GET", "/api/history.csv", Route::HistoryCsv),
            ("GET", "/api/diff/TASK-42", Route::Worker(WorkerRequest::Diff { id: "TASK-42".to_owned() })),
            ("POST", "/api/clean/TASK-42", Route::Clean("TASK-42".to_owned())),
            ("GET", "/api/results/TASK-42", Route::Results("TASK-42".to_owned())),
            ("GET", "/api/files/.claude/subtask.yml", Route::ReadFile(".claude/subtask.yml".to_owned())),
            ("PUT", "/api/files/dispatch.yaml", Route::WriteFile("dispatch.yaml".to_owned())),
        ];
        for (method, target, expected) in rows {
            assert_eq!(route(method, target).as_ref(), Ok(expected), "{method} {target}");
        }
        for (method, target) in [
            ("GET", "/dispatch/code-review/TASK-42"),
            ("PUT", "/dispatch/code-review/TASK-42"),
            ("FOO", "/status/code-review/TASK-42"),
            ("HEAD", "/stop/code-review/TASK-42"),
            ("OPTIONS", "/stop/code-review/TASK-42"),
            ("POST", "/api/runs"),
            ("GET", "/api/restart/code-review/TASK-42"),
            ("GET", "/api/open"),
            ("GET", "/api/clean/TASK-42"),
            ("POST", "/api/diff/TASK-42"),
            ("POST", "/api/results/TASK-42"),
            ("POST", "/"),
        ] {
            assert_eq!(route(method, target), Err(405), "{method} {target}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_page_is_one_too_many() {
        let meant = |target: &str| {
            let text = format!("GET {target} HTTP/1.1\r\n\r\n");
            without_last_slash(&Head::parse(text.as_bytes()).unwrap().unwrap().0.path)
        };
        assert_eq!(meant("/now/").as_deref(), Some("/now"));
        assert_eq!(meant("/tasks/T-1.2/").as_deref(), Some("/tasks/T-1.2"));
        for target in
            ["/", "/now", "//", "/nowhere/", "/api/runs/", "/tasks/a%2fb/", "/tasks/%0d%0aX/", "/tasks//", "/now//"]
        {
            assert_eq!(meant(target), None, "{target}");
        }
    }

    #[test]
    fn names_are_decoded_once_and_checked() {
        for id in
            ["%2e%2e", "A%2FB", "A%252e", "A%00", "A%0a", "-X", "a%20b", "%EF%BC%A1", "A..B", "A.", ".A", "A:B", ""]
        {
            assert_eq!(route("GET", &format!("/status/code-review/{id}")), Err(400), "{id}");
        }
        assert_eq!(route("GET", &format!("/status/code-review/{}", "A".repeat(65))), Err(400));
        for path in [
            "//status/code-review/A",
            "/status//code-review/A",
            "/status/code-review/A/",
            "/status/./code-review/A",
            "/status/code-review/A/b",
            "/assets/a/b/c",
            "/tasks",
            "/runs/a/b",
            "/ui",
            "/ui/x",
            "/ui/tasks/..",
            "/assets",
            "/api",
            "/api/files/../x",
            "/api/files/a//b",
            "/api/files/%2e%2e/x",
            "/api/files/a%2fb",
            "/edit/",
            "/edit/%2e%2e/x",
            "/edit/a%2fb",
            "/x",
        ] {
            assert_eq!(route("GET", path), Err(404), "{path}");
        }
        assert_eq!(route("GET", &"/a".repeat(10_000)), Err(431));
    }
}
