//! The order of runs that are started together: which run waits for which. Pure.
//!
//! `needs` adds modes of the same task to the set; `depends_on` and `NN_` only order its members. A parent is
//! neither before nor after its own subtasks. Linear in pairs and edges: tasks with one number below one parent
//! form a group, and a later number waits for the group.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::manifest::Mode;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::task_status::TaskStatus;
use crate::tasks::{Task, TaskSet};

/// Runs that are started together, in an order without cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<GraphNode>,
    /// Siblings with one number and mode, including everything below them.
    groups: Vec<Vec<usize>>,
    order: Vec<(usize, usize)>,
}

/// Between which runs `depends_on` and `NN_` apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Runs of one mode.
    WithinMode,
    /// All runs: each task is in the set once, in its own mode.
    AcrossModes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphNode {
    pub pair: Pair,
    pub why: NodeWhy,
    /// Nodes of the modes that it needs. If the state of one is unknown, this one cannot start.
    pub needs: Vec<usize>,
    /// Nodes of the tasks that its task depends on.
    pub(in crate::plan) depends_on: Vec<usize>,
    pub(in crate::plan) groups: Vec<usize>,
}

/// Why a pair is in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeWhy {
    Requested,
    /// This mode needs it.
    NeededBy(ModeName),
    /// It is active already: it waits for nothing, and others may wait for it.
    OnItsWay,
}

impl GraphNode {
    fn new(pair: Pair, why: NodeWhy) -> Self {
        Self { pair, why, needs: Vec::new(), depends_on: Vec::new(), groups: Vec::new() }
    }
}

impl Graph {
    /// Orders `pairs` and what they need. `met` returns whether a needed pair outside `pairs` has succeeded already.
    /// Fails with a cycle: a path from a pair back to itself, each waiting for the next.
    pub fn build(
        pairs: &[Pair],
        modes: &BTreeMap<ModeName, Mode>,
        tasks: &TaskSet,
        ordering: Ordering,
        met: impl FnMut(&Pair) -> bool,
    ) -> Result<Self, Vec<Pair>> {
        Self::build_beside(&[], pairs, modes, tasks, ordering, met)
    }

    /// As [`Self::build`], where `pairs` also wait for the active runs `on_their_way`, as if all were started now.
    pub fn build_beside(
        on_their_way: &[Pair],
        pairs: &[Pair],
        modes: &BTreeMap<ModeName, Mode>,
        tasks: &TaskSet,
        ordering: Ordering,
        met: impl FnMut(&Pair) -> bool,
    ) -> Result<Self, Vec<Pair>> {
        if let Some(circle) = circle_of_tasks(pairs, tasks) {
            return Err(circle);
        }
        let mut graph = Self::default();
        let mut index = graph.gather(pairs, modes, met);
        for pair in on_their_way {
            if let Entry::Vacant(place) = index.entry(pair.clone()) {
                place.insert(graph.nodes.len());
                graph.nodes.push(GraphNode::new(pair.clone(), NodeWhy::OnItsWay));
            }
        }
        let node_of_task: HashMap<&TaskId, usize> = match ordering {
            Ordering::WithinMode => HashMap::new(),
            Ordering::AcrossModes => pairs.iter().filter_map(|pair| Some((&pair.task, *index.get(pair)?))).collect(),
        };
        for node in graph.nodes.iter_mut().filter(|node| node.why != NodeWhy::OnItsWay) {
            let need = |need: &ModeName| Pair { mode: need.clone(), task: node.pair.task.clone() };
            let mode = modes.get(&node.pair.mode);
            node.needs =
                mode.iter().flat_map(|mode| &mode.needs).filter_map(|name| index.get(&need(name)).copied()).collect();
            let Some(task) = tasks.get(&node.pair.task) else { continue };
            let open = task.depends_on.iter().filter(|on| tasks.get(on).is_some_and(|on| !is_over(on)));
            let pair = |on: &TaskId| Pair { mode: node.pair.mode.clone(), task: on.clone() };
            let node_of = |on: &TaskId| index.get(&pair(on)).or_else(|| node_of_task.get(on)).copied();
            node.depends_on = open.filter_map(node_of).collect();
        }
        graph.sequence(tasks, ordering);
        graph.sort()?;
        Ok(graph)
    }

    /// The nodes that node `index` waits for, possibly with duplicates.
    pub fn after(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let node = &self.nodes[index];
        let groups = node.groups.iter().flat_map(|group| &self.groups[*group]);
        node.needs.iter().chain(&node.depends_on).chain(groups).copied()
    }

    /// Depth and node: each node once, after everything it waits for, and below the last of those. A valid start order.
    pub fn tree(&self) -> &[(usize, usize)] {
        &self.order
    }

    /// Adds the nodes, each after its needs. Not recursive: a chain may be long.
    fn gather(
        &mut self,
        pairs: &[Pair],
        modes: &BTreeMap<ModeName, Mode>,
        mut met: impl FnMut(&Pair) -> bool,
    ) -> HashMap<Pair, usize> {
        // Why a pair is in the set; `None` if it is met. Cached, so that `met` is called once for each pair.
        let mut known: HashMap<Pair, Option<NodeWhy>> =
            pairs.iter().map(|pair| (pair.clone(), Some(NodeWhy::Requested))).collect();
        let mut index = HashMap::new();
        let mut entered = std::collections::HashSet::new();
        for pair in pairs {
            let mut path = vec![(pair.clone(), 0)];
            entered.insert(pair.clone());
            while let Some((at, followed)) = path.last_mut() {
                let needs = modes.get(&at.mode).map(|mode| mode.needs.as_slice()).unwrap_or_default();
                if let Some(name) = needs.get(*followed) {
                    *followed += 1;
                    let need = Pair { mode: name.clone(), task: at.task.clone() };
                    let by = at.mode.clone();
                    let why =
                        known.entry(need.clone()).or_insert_with(|| (!met(&need)).then_some(NodeWhy::NeededBy(by)));
                    if why.is_some() && entered.insert(need.clone()) {
                        path.push((need, 0));
                    }
                    continue;
                }
                let Some((done, _)) = path.pop() else { break };
                if !index.contains_key(&done) {
                    let why = known.get(&done).cloned().flatten().unwrap_or(NodeWhy::Requested);
                    index.insert(done.clone(), self.nodes.len());
                    self.nodes.push(GraphNode::new(done, why));
                }
            }
        }
        index
    }

    /// Applies `NN_`: everything below a numbered task waits for everything below its siblings with the next lower
    /// number in the set.
    fn sequence(&mut self, tasks: &TaskSet, ordering: Ordering) {
        let key = |pair: &Pair| (ordering == Ordering::WithinMode).then(|| pair.mode.clone());
        // For each mode and parent: number → group.
        let mut numbers: HashMap<(Option<ModeName>, &TaskId), BTreeMap<u32, usize>> = HashMap::new();
        let places: Vec<Vec<(&TaskId, u32)>> = self.nodes.iter().map(|node| numbered(tasks, &node.pair.task)).collect();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            if tasks.get(&node.pair.task).is_none_or(is_over) {
                continue;
            }
            for (parent, number) in &places[i] {
                let group =
                    numbers.entry((key(&node.pair), *parent)).or_default().entry(*number).or_insert_with(|| {
                        members.push(Vec::new());
                        members.len() - 1
                    });
                members[*group].push(i);
            }
        }
        let waits: Vec<Vec<usize>> = self
            .nodes
            .iter()
            .zip(&places)
            .map(|(node, places)| {
                let lower = |(parent, number): &(&TaskId, u32)| {
                    let groups = numbers.get(&(key(&node.pair), *parent))?;
                    groups.range(..*number).next_back().map(|(_, group)| *group)
                };
                let is_active = node.why == NodeWhy::OnItsWay;
                if is_active { Vec::new() } else { places.iter().filter_map(lower).collect() }
            })
            .collect();
        for (node, groups) in self.nodes.iter_mut().zip(waits) {
            node.groups = groups;
        }
        self.groups = members;
    }

    /// Computes the order, or fails with a cycle. Vertices are the nodes followed by the groups.
    fn sort(&mut self) -> Result<(), Vec<Pair>> {
        let count = self.nodes.len();
        let mut waiting = vec![0usize; count + self.groups.len()];
        let mut then: Vec<Vec<usize>> = vec![Vec::new(); waiting.len()];
        for (vertex, waits) in waiting.iter_mut().enumerate() {
            for before in self.before(vertex) {
                then[before].push(vertex);
                *waits += 1;
            }
        }
        let mut stack: Vec<(usize, usize)> =
            (0..count).rev().filter(|node| waiting[*node] == 0).map(|node| (0, node)).collect();
        while let Some((depth, node)) = stack.pop() {
            self.order.push((depth, node));
            let mut freed = Vec::new();
            let mut done = vec![node];
            while let Some(vertex) = done.pop() {
                for next in &then[vertex] {
                    waiting[*next] -= 1;
                    match waiting[*next] {
                        0 if *next < count => freed.push(*next),
                        0 => done.push(*next),
                        _ => {}
                    }
                }
            }
            freed.sort_unstable_by(|a, b| b.cmp(a));
            stack.extend(freed.into_iter().map(|next| (depth + 1, next)));
        }
        if self.order.len() == count { Ok(()) } else { Err(self.circle(&waiting)) }
    }

    fn before(&self, vertex: usize) -> Vec<usize> {
        let count = self.nodes.len();
        match self.nodes.get(vertex) {
            Some(node) => {
                let groups = node.groups.iter().map(|group| count + group);
                node.needs.iter().chain(&node.depends_on).copied().chain(groups).collect()
            }
            None => self.groups.get(vertex - count).cloned().unwrap_or_default(),
        }
    }

    /// A cycle among the waiting vertices. Each has a waiting predecessor, so following predecessors must repeat one.
    fn circle(&self, waiting: &[usize]) -> Vec<Pair> {
        let mut path: Vec<usize> = Vec::new();
        let mut seen: HashMap<usize, usize> = HashMap::new();
        let mut at = waiting.iter().position(|count| *count > 0);
        while let Some(vertex) = at {
            if let Some(start) = seen.get(&vertex) {
                let circle = path[*start..].iter().filter_map(|vertex| self.nodes.get(*vertex));
                let mut pairs: Vec<Pair> = circle.map(|node| node.pair.clone()).collect();
                pairs.extend(pairs.first().cloned());
                return pairs;
            }
            seen.insert(vertex, path.len());
            path.push(vertex);
            at = self.before(vertex).into_iter().find(|before| waiting[*before] > 0);
        }
        Vec::new()
    }
}

/// A cycle of `depends_on` that contains at least two of `pairs`. The task scan removes its last edge; without this
/// error the runs would start in an order that no file states.
fn circle_of_tasks(pairs: &[Pair], tasks: &TaskSet) -> Option<Vec<Pair>> {
    tasks.circles().iter().find_map(|circle| {
        let mode_of = |task: &TaskId| pairs.iter().find(|pair| pair.task == *task).map(|pair| &pair.mode);
        let requested: BTreeSet<&TaskId> = circle.iter().filter(|task| mode_of(task).is_some()).collect();
        let is_cut = circle.iter().any(|task| tasks.get(task).is_none_or(is_over));
        let some = circle.iter().find_map(mode_of).filter(|_| requested.len() > 1 && !is_cut)?;
        let pair = |task: &TaskId| Pair { mode: mode_of(task).unwrap_or(some).clone(), task: task.clone() };
        Some(circle.iter().map(pair).collect())
    })
}

/// A finished task waits for nothing, and nothing waits for it.
fn is_over(task: &Task) -> bool {
    matches!(task.status, Some(TaskStatus::Done | TaskStatus::Archived))
}

/// The numbers of `task` and its ancestors, each with its parent.
fn numbered<'t>(tasks: &'t TaskSet, task: &TaskId) -> Vec<(&'t TaskId, u32)> {
    let mut places = Vec::new();
    let mut at = tasks.get(task);
    // Terminates: the task scan removes cycles of parents.
    while let Some(task) = at {
        places.extend(task.parent.as_ref().zip(task.order));
        at = task.parent.as_ref().and_then(|parent| tasks.get(parent));
    }
    places
}
