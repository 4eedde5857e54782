//! The content and the order of the board.

use jiff::Timestamp;
use serde_json::json;

use crate::model::run_form::RunForm;
use crate::serve::ui::board::{BoardLine, board};
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::filter::{Filter, Grouping, Sorting};
use crate::serve::ui::row::{BoardRow, RowAction, TaskShown, by_task, by_task_unseen, row as row_of};
use crate::view::run_view::RunView;

fn catalog(tasks: &serde_json::Value) -> Catalog {
    let modes = json!([
        { "name": "review", "interactive": false }, { "name": "talk", "interactive": true },
        { "name": "none", "interactive": true },
    ]);
    Catalog::new(
        serde_json::from_value(json!({
            "project": { "name": "shop" }, "tasks": tasks, "modes": modes, "problems": [], "broken": null,
            "fresh": [["review", "B"]], "tracks": false, "wanted": [["review", "A"]],
        }))
        .unwrap(),
    )
}

/// Three tasks in two phases, one of them with two subtasks.
fn shop() -> Catalog {
    catalog(&json!([
        { "id": "A", "title": "Alone", "phase": "later", "status": "todo", "tags": ["Ünder"] },
        { "id": "P", "title": "Parent", "phase": "now", "subtasks": ["P1", "P2"] },
        { "id": "P1", "title": "First", "phase": "now", "parent": "P", "status": "done" },
        { "id": "P2", "title": "Second", "phase": "now", "parent": "P" },
        { "id": "B", "title": "Beside", "phase": "now" },
    ]))
}

fn run(mode: &str, task: &str, state: &'static str, at: i64) -> RunView {
    let at = Timestamp::from_second(1_700_000_000 + at).unwrap();
    let active = ["queued", "running"].contains(&state);
    RunView {
        run_id: format!("{mode}-{task}"),
        mode: mode.to_owned(),
        task: task.to_owned(),
        label: format!("{task}-{mode}"),
        form: RunForm::of_interactive(mode != "review"),
        state,
        running: state == "running",
        waiting_for: (state == "queued").then_some("gate"),
        activity: None,
        activity_reason: None,
        activity_source: None,
        activity_at: None,
        exit_code: None,
        signal: None,
        reason: None,
        session: None,
        window: String::new(),
        pid: None,
        cwd: "/".into(),
        created_at: at,
        since: at,
        position: None,
        started_at: Some(at),
        ended_at: (!active).then_some(at),
        answered_at: None,
        answer: None,
        outcome_source: None,
        duration_ms: None,
        attempt: None,
        parent_run: None,
        agent: None,
        executor: "local".to_owned(),
        node: None,
        started_by: None,
        cost_usd: None,
        tokens: None,
        session_id: None,
        denials: Vec::new(),
        hint: None,
        go_on: None,
        log_bytes: 0,
        limits: None,
        held: None,
    }
}

fn all() -> Filter {
    Filter { count: 100, ..Filter::default() }
}

/// The lines as text: `# phase`, and tasks indented.
fn shown(catalog: &Catalog, runs: &[RunView], filter: &Filter) -> Vec<String> {
    let runs = by_task(runs);
    let board = board(catalog, &runs, filter);
    let words = |line: &BoardLine<'_>| match line {
        BoardLine::Phase { name, tasks, .. } => format!("# {name} {tasks}"),
        BoardLine::Task(row) => {
            let id = match &row.task {
                TaskShown::Known(task) => task.id.as_str(),
                TaskShown::Gone { id, .. } => id,
            };
            format!("{}{id}{}", " ".repeat(row.depth), if row.context { "…" } else { "" })
        }
    };
    board.lines.iter().map(words).collect()
}

#[test]
fn what_happened_last_comes_first_and_subtasks_stay_in_their_order() {
    let shop = shop();
    assert_eq!(shown(&shop, &[], &all()), ["# later 1", "A", "# now 4", "P", " P1", " P2", "B"]);
    let runs =
        [run("review", "A", "failed", 10), run("review", "B", "succeeded", 30), run("talk", "P2", "running", 20)];
    assert_eq!(shown(&shop, &runs, &all()), ["# now 4", "B", "P", " P1", " P2", "# later 1", "A"]);
    let by_task = Filter { sort: Sorting::Task, ..all() };
    assert_eq!(shown(&shop, &runs, &by_task), ["# later 1", "A", "# now 4", "P", " P1", " P2", "B"]);
}

#[test]
fn a_piece_ends_and_the_next_goes_on_there() {
    let shop = shop();
    let piece = |from| shown(&shop, &[], &Filter { from, count: 2, ..all() });
    assert_eq!(piece(0), ["# later 1", "A", "# now 4", "P"]);
    assert_eq!(piece(2), ["# now 4", " P1", " P2"]);
    assert_eq!(piece(4), ["# now 4", "B"]);
    assert!(piece(5).is_empty());
    let runs = by_task(&[]);
    let next = |from| board(&shop, &runs, &Filter { from, count: 2, ..all() }).next;
    assert_eq!([next(0), next(2), next(4)], [Some(2), Some(4), None]);
}

#[test]
fn a_filter_takes_tasks_and_shows_what_is_above_them() {
    let shop = shop();
    let runs = [run("review", "P2", "queued", 1), run("talk", "A", "failed", 2)];
    let with = |change: &dyn Fn(&mut Filter)| {
        let mut filter = all();
        change(&mut filter);
        shown(&shop, &runs, &filter)
    };
    assert_eq!(with(&|f| f.needs = true), ["# now 1", "P…", " P2"]);
    assert_eq!(with(&|f| f.text = "ünder".to_owned()), ["# later 1", "A"]);
    assert_eq!(with(&|f| f.text = "now sec".to_owned()), ["# now 1", "P…", " P2"]);
    assert_eq!(with(&|f| f.status = "done".to_owned()), ["# now 1", "P…", " P1"]);
    assert_eq!(with(&|f| f.tag = "Ünder".to_owned()), ["# later 1", "A"]);
    assert_eq!(with(&|f| f.mode = "talk".to_owned()), ["# later 1", "A"]);
    assert_eq!(with(&|f| f.state = "failed".to_owned()), ["# later 1", "A"]);
    assert!(with(&|f| f.text = "nothing".to_owned()).is_empty());
}

#[test]
fn a_row_has_a_badge_for_what_ran_or_is_next_and_a_button_for_its_state() {
    let shop = shop();
    let views = [run("review", "B", "succeeded", 9), run("talk", "B", "running", 1), run("gone", "B", "failed", 12)];
    let runs = by_task(&views);
    let row: BoardRow<'_> = row_of(&shop, &runs, "B", 0);
    let keys: Vec<_> = row.badges.iter().map(|badge| (badge.mode.as_str(), badge.key)).collect();
    assert_eq!(keys, [("talk", "running"), ("review", "fresh"), ("gone", "failed")], "what is live comes first");
    assert_eq!((row.chief, row.main), (Some(0), RowAction::Log), "what runs is more than what ended later");
    assert_eq!(row.failure, "failed");
    let row = row_of(&shop, &runs, "A", 0);
    let keys: Vec<_> = row.badges.iter().map(|badge| (badge.mode.as_str(), badge.key)).collect();
    assert_eq!((keys, row.chief), (vec![("review", "never")], None), "the plan has it");
    assert_eq!((row.rest, row.main), (vec!["talk".to_owned()], RowAction::Run));
    let gate = [run("review", "A", "queued", 1)];
    assert_eq!(row_of(&shop, &by_task(&gate), "A", 0).main, RowAction::Approve);
}

#[test]
fn what_failed_needs_its_user_until_it_was_seen() {
    let shop = shop();
    let mut views = [run("review", "A", "failed", 5), run("talk", "B", "lost", 9), run("review", "B", "succeeded", 10)];
    views[1].reason = Some("its exit was not seen".to_owned());
    let unseen = |ids: &[&str]| std::sync::Arc::new(ids.iter().map(|id| (*id).to_owned()).collect());
    let runs = by_task_unseen(&views, unseen(&["talk-B"]));
    let row = row_of(&shop, &runs, "B", 0);
    assert_eq!((row.badges[0].key, row.main, row.failure.as_str()), ("lost", RowAction::Log, "its exit was not seen"));
    assert_eq!(row_of(&shop, &runs, "A", 0).main, RowAction::Run, "it was seen");
    let needs = |ids: &[&str]| {
        let filter = Filter { needs: true, ..all() };
        let runs = by_task_unseen(&views, unseen(ids));
        board(&shop, &runs, &filter).found
    };
    assert_eq!((needs(&["talk-B", "review-A"]), needs(&["talk-B"]), needs(&[])), (2, 1, 0));
}

#[test]
fn more_badges_than_fit_are_counted_with_the_rest() {
    let shop = shop();
    let views: Vec<RunView> = ["a", "b", "c", "d", "e"].map(|mode| run(mode, "A", "succeeded", 1)).into();
    let row = row_of(&shop, &by_task(&views), "A", 0);
    assert_eq!((row.badges.len(), row.shown, row.rest), (6, 4, vec!["e".into(), "review".into(), "talk".into()]));
}

#[test]
fn tasks_are_grouped_and_sorted() {
    let shop = shop();
    let mut runs = [run("review", "A", "failed", 10), run("talk", "P2", "running", 20)];
    runs[0].agent = Some("claude".to_owned());
    let by = |group, sort| shown(&shop, &runs, &Filter { group, sort, ..all() });
    assert_eq!(by(Grouping::Parent, Sorting::Task), ["# No parent 3", "A", "P", "B", "# Parent 2", "P1", "P2"]);
    assert_eq!(
        by(Grouping::Status, Sorting::Title),
        ["# todo 1", "A", "# done 1", "P1", "# No status 3", "B", "P", "P2"]
    );
    assert_eq!(
        by(Grouping::Mode, Sorting::Newest),
        ["# talk 1", "P2", "# review 1", "A", "# Never ran 3", "P", "P1", "B"]
    );
    let agents = by(Grouping::Agent, Sorting::Needs);
    assert_eq!(agents[..4], ["# Agent not recorded 1", "P2", "# claude 1", "A"]);
    assert_eq!(by(Grouping::Phase, Sorting::Needs)[..4], ["# now 4", "P", " P1", " P2"]);
    let sorted = by(Grouping::Phase, Sorting::Title);
    assert_eq!(sorted[2..5], ["# now 4", "B", "P"]);
}

#[test]
fn what_is_found_by_title_comes_before_what_is_found_elsewhere() {
    let shop = catalog(&json!([
        { "id": "A", "title": "One", "area": "parser" }, { "id": "B", "title": "The parser" },
        { "id": "C", "title": "Other", "tags": ["parser"] }, { "id": "D", "title": "None" },
    ]));
    let runs = [run("review", "A", "failed", 10)];
    let find = |text: &str| shown(&shop, &runs, &Filter { text: text.to_owned(), ..all() });
    assert_eq!(find("parser"), ["B", "C", "A"]);
    assert_eq!(find("one"), ["A", "D"]);
    assert!(find("parser none").is_empty());
}

#[test]
fn runs_of_tasks_that_are_gone_stay_in_sight_while_they_run() {
    let runs = [run("talk", "Z", "running", 1), run("talk", "Y", "failed", 1)];
    let shown = shown(&shop(), &runs, &all());
    assert_eq!(shown[..2], ["# No longer among the tasks 1", "Z"]);
    assert!(!shown.contains(&"Y".to_owned()));
}

#[test]
fn a_circle_of_parents_ends() {
    let circle = catalog(&json!([
        { "id": "A", "title": "a", "parent": "B", "subtasks": ["B"] },
        { "id": "B", "title": "b", "parent": "A", "subtasks": ["A"] },
        { "id": "C", "title": "c", "subtasks": ["C"] },
    ]));
    assert_eq!(shown(&circle, &[], &all()), ["C"]);
}
