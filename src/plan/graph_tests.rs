//! Graphs drawn as text: what `needs` adds, what orders the set, and what fails.

use proptest::prelude::*;

use std::collections::{BTreeMap, HashMap};

use crate::model::names::Pair;
use crate::model::task_source::ListedTask;
use crate::plan::for_tests::{listed, mode, modes, pair, task_files, tasks};
use crate::plan::graph::{Graph, NodeWhy, Ordering};
use crate::plan::order::order_problem;

fn pairs(texts: &[&str]) -> Vec<Pair> {
    texts.iter().map(|text| pair(text)).collect()
}

/// The tree as text: two blanks for each level, `< …` lists what a node waits for.
fn drawn(graph: &Graph) -> Vec<String> {
    let line = |(depth, node): &(usize, usize)| {
        let mut after: Vec<String> = graph.after(*node).map(|on| graph.nodes[on].pair.to_string()).collect();
        after.sort();
        let after = if after.is_empty() { String::new() } else { format!(" < {}", after.join(", ")) };
        format!("{}{}{after}", "  ".repeat(*depth), graph.nodes[*node].pair)
    };
    graph.tree().iter().map(line).collect()
}

fn circle(result: Result<Graph, Vec<Pair>>) -> String {
    result.unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

#[test]
fn needs_pull_what_is_not_met_and_order_what_is_there() {
    let modes = modes(&["ship: review lint", "review: lint", "lint: build", "build", "docs"]);
    let set = tasks(vec![listed("A", None, &[]), listed("B", None, &[])]);
    let requested = pairs(&["ship A", "docs B", "review B"]);
    let mut questions = Vec::new();
    let graph = Graph::build(&requested, &modes, &set, Ordering::WithinMode, |pair| {
        questions.push(pair.to_string());
        pair.to_string() == "lint B" || pair.mode == mode("build")
    })
    .unwrap();
    assert_eq!(drawn(&graph), ["lint A", "  review A < lint A", "    ship A < lint A, review A", "docs B", "review B"]);
    let why = |i: usize| graph.nodes[i].why.clone();
    assert_eq!((why(0), why(1)), (NodeWhy::NeededBy(mode("review")), NodeWhy::NeededBy(mode("ship"))));
    assert_eq!(why(2), NodeWhy::Requested);
    questions.sort();
    assert_eq!(questions, ["build A", "lint A", "lint B", "review A"], "each is queried once");
}

#[test]
fn a_need_that_was_asked_for_is_not_asked_about() {
    let modes = modes(&["review: lint", "lint"]);
    let set = tasks(vec![listed("A", None, &[])]);
    let graph =
        Graph::build(&pairs(&["review A", "lint A"]), &modes, &set, Ordering::WithinMode, |_| panic!("requested"))
            .unwrap();
    assert_eq!(drawn(&graph), ["lint A", "  review A < lint A"]);
}

#[test]
fn dependencies_order_the_same_mode_within_the_set_only() {
    let done = ListedTask { status: "done".into(), ..listed("D", None, &[]) };
    let set = tasks(vec![listed("A", None, &["B", "C", "D"]), listed("B", None, &[]), listed("C", None, &["B"]), done]);
    let requested = pairs(&["job A", "job B", "talk C", "job D"]);
    let graph = Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(drawn(&graph), ["job B", "  job A < job B", "talk C", "job D"]);
}

#[test]
fn numbers_are_a_sequence_and_equal_ones_run_side_by_side() {
    let set = task_files(&[
        ("P/_overview.md", ""),
        ("P/01_a.md", ""),
        ("P/02_b.md", ""),
        ("P/02_c.md", ""),
        ("P/03_d.md", ""),
        ("P/free.md", ""),
    ]);
    let requested = pairs(&["job P", "job a", "job b", "job c", "job d", "job free"]);
    let graph = Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(
        drawn(&graph),
        ["job P", "job a", "  job b < job a", "  job c < job a", "    job d < job b, job c", "job free"]
    );
    let without = pairs(&["job d", "job a", "talk c"]);
    let graph = Graph::build(&without, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(drawn(&graph), ["job a", "  job d < job a", "talk c"]);
}

#[test]
fn a_numbered_folder_is_over_when_all_in_it_is() {
    let set = task_files(&[
        ("P/_overview.md", ""),
        ("P/01_A/_overview.md", "status: done"),
        ("P/01_A/01_x.md", ""),
        ("P/01_A/02_y.md", ""),
        ("P/02_z.md", ""),
    ]);
    let requested = pairs(&["job A", "job x", "job y", "job z"]);
    let graph = Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(drawn(&graph), ["job A", "job x", "  job y < job x", "    job z < job x, job y"]);
}

#[test]
fn circles_are_shown_as_a_path() {
    let set = task_files(&[("P/_overview.md", ""), ("P/01_a.md", "depends_on: b"), ("P/02_b.md", "")]);
    let requested = pairs(&["job P", "job b", "job a"]);
    assert_eq!(
        circle(Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true)),
        "job b → job a → job b"
    );
    let problem = order_problem(&set).unwrap();
    assert_eq!(problem.message, "`depends_on` and `NN_` run in a circle: a → b → a");
    assert!(problem.place.is_some());
    assert_eq!(order_problem(&tasks(vec![listed("A", None, &["B"]), listed("B", None, &[])])), None);

    let mut looped = modes(&["a: b", "b"]);
    looped.get_mut(&mode("b")).unwrap().needs.push(mode("a"));
    let one = tasks(vec![listed("T", None, &[])]);
    assert_eq!(
        circle(Graph::build(&pairs(&["a T"]), &looped, &one, Ordering::WithinMode, |_| false)),
        "b T → a T → b T"
    );
}

#[test]
fn long_chains_and_wide_numbers_need_neither_stack_nor_squares() {
    let n = 5000;
    let chain: Vec<ListedTask> =
        (0..n)
            .map(|i| {
                if i == 0 { listed("T0", None, &[]) } else { listed(&format!("T{i}"), None, &[&format!("T{}", i - 1)]) }
            })
            .collect();
    let set = tasks(chain);
    let requested: Vec<Pair> = (0..n).rev().map(|i| pair(&format!("job T{i}"))).collect();
    let graph = Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(graph.tree().last().map(|(depth, _)| *depth), Some(n - 1));
    let edges: usize = graph.nodes.iter().map(|node| node.depends_on.len() + node.groups.len()).sum();
    assert_eq!(edges, n - 1);

    let names: Vec<String> = (0..200).map(|i| format!("P/0{}_t{i}.md", i % 2)).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let set = task_files(&[&[("P/_overview.md", "")], &files[..]].concat());
    let requested: Vec<Pair> = (0..200).map(|i| pair(&format!("job t{i}"))).collect();
    let graph = Graph::build(&requested, &BTreeMap::new(), &set, Ordering::WithinMode, |_| true).unwrap();
    assert_eq!(graph.nodes.iter().map(|node| node.groups.len()).sum::<usize>(), 100);
    assert_eq!((0..200).map(|i| graph.after(i).count()).sum::<usize>(), 100 * 100);
}

proptest! {
    #[test]
    fn the_tree_holds_each_node_once_below_all_it_waits_for(
        edges in proptest::collection::vec((0usize..12, 0usize..12), 0..30),
        requested in proptest::collection::vec(0usize..12, 0..14),
    ) {
        let depends = |i: usize| -> Vec<String> {
            edges.iter().filter(|(from, to)| *from == i && to < from).map(|(_, to)| format!("T{to}")).collect()
        };
        let list = (0..12).map(|i| {
            let on = depends(i);
            listed(&format!("T{i}"), None, &on.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let set = tasks(list.collect());
        let modes = modes(&["a: b", "b"]);
        let requested: Vec<Pair> =
            requested.iter().map(|i| pair(&format!("{} T{i}", if i % 2 == 0 { "a" } else { "b" }))).collect();
        let graph = Graph::build(&requested, &modes, &set, Ordering::WithinMode, |pair| pair.task.as_str().ends_with('4')).unwrap();
        let place: HashMap<usize, usize> =
            graph.tree().iter().enumerate().map(|(at, (_, node))| (*node, at)).collect();
        prop_assert_eq!(place.len(), graph.nodes.len());
        for (depth, node) in graph.tree() {
            prop_assert_eq!(*depth == 0, graph.after(*node).next().is_none());
            for on in graph.after(*node) {
                prop_assert!(place[&on] < place[node]);
            }
        }
    }
}

#[test]
fn what_is_on_its_way_is_waited_for_and_waits_for_nothing() {
    let set = tasks(vec![listed("A", None, &["B"]), listed("B", None, &["C"]), listed("C", None, &[])]);
    let modes = modes(&["review: lint", "lint"]);
    let going = pairs(&["review B", "review C"]);
    let graph =
        Graph::build_beside(&going, &pairs(&["review A"]), &modes, &set, Ordering::WithinMode, |_| false).unwrap();
    // B did not wait for C and needs no `lint`: it is active already.
    assert_eq!(drawn(&graph), ["lint A", "review B", "  review A < lint A, review B", "review C"]);
}
