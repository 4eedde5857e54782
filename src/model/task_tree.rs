//! The tasks below a task in run order. Pure; the caller looks tasks up.
//!
//! Siblings keep their order, except that a task comes after the siblings that it, or a task below it, depends on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the order depends on.
#[derive(Clone, Debug, Default)]
pub struct TreeTask<'a> {
    pub subtasks: Vec<&'a str>,
    pub depends_on: Vec<&'a str>,
    /// Siblings with a lower number run first; those with the same number may run in parallel.
    pub order: Option<u32>,
}

/// A task below another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeStep<'a> {
    pub id: &'a str,
    /// 0 for a direct subtask.
    pub depth: usize,
    /// The number of tasks that may run in parallel, on the first of them; else 0.
    pub parallel: usize,
    /// No task is below it: it is what a run of the tree starts.
    pub leaf: bool,
}

/// All tasks below `top`, each once, also in a cycle. `look` returns `None` for an unknown task.
pub fn below<'a>(top: &'a str, look: &impl Fn(&str) -> Option<TreeTask<'a>>) -> Vec<TreeStep<'a>> {
    let mut steps = Vec::new();
    let mut seen: HashSet<&str> = HashSet::from([top]);
    let mut open = siblings(look(top).unwrap_or_default().subtasks, 0, look);
    open.reverse();
    while let Some(step) = open.pop() {
        if !seen.insert(step.id) {
            continue;
        }
        steps.push(step);
        let subtasks = look(step.id).unwrap_or_default().subtasks;
        open.extend(siblings(subtasks, step.depth + 1, look).into_iter().rev());
    }
    steps
}

/// A sibling with everything below it.
struct Branch<'a> {
    id: &'a str,
    order: Option<u32>,
    leaf: bool,
    ids: HashSet<&'a str>,
    needs: HashSet<&'a str>,
}

impl<'a> Branch<'a> {
    fn new(id: &'a str, look: &impl Fn(&str) -> Option<TreeTask<'a>>) -> Self {
        let task = look(id).unwrap_or_default();
        let (order, leaf) = (task.order, task.subtasks.is_empty());
        let mut branch = Self { id, order, leaf, ids: HashSet::new(), needs: HashSet::new() };
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            if branch.ids.insert(id) {
                let task = look(id).unwrap_or_default();
                branch.needs.extend(task.depends_on);
                left.extend(task.subtasks);
            }
        }
        branch
    }

    fn is_after(&self, other: &Self) -> bool {
        let by_number = self.order.zip(other.order).is_some_and(|(own, other)| other < own);
        by_number || self.needs.iter().any(|need| other.ids.contains(need) && !self.ids.contains(need))
    }
}

/// The tasks directly below one, in run order. Consecutive tasks of equal order that do not wait for one another may
/// run in parallel.
fn siblings<'a>(ids: Vec<&'a str>, depth: usize, look: &impl Fn(&str) -> Option<TreeTask<'a>>) -> Vec<TreeStep<'a>> {
    let sorted = sort(ids.into_iter().map(|id| Branch::new(id, look)).collect());
    let alike = |a: &Branch<'_>, b: &Branch<'_>| a.order.is_some() && a.order == b.order && !b.is_after(a);
    let mut steps = Vec::with_capacity(sorted.len());
    for group in sorted.chunk_by(alike) {
        for (at, branch) in group.iter().enumerate() {
            let parallel = if at == 0 && group.len() > 1 { group.len() } else { 0 };
            steps.push(TreeStep { id: branch.id, depth, parallel, leaf: branch.leaf });
        }
    }
    steps
}

/// Each branch after those that it waits for, else in the given order. Of a cycle the first branch goes on.
fn sort(branches: Vec<Branch<'_>>) -> Vec<Branch<'_>> {
    let owner: HashMap<&str, usize> =
        branches.iter().enumerate().flat_map(|(at, branch)| branch.ids.iter().map(move |id| (*id, at))).collect();
    let mut numbers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, branch) in branches.iter().enumerate() {
        if let Some(order) = branch.order {
            numbers.entry(order).or_default().push(at);
        }
    }
    let mut then: Vec<Vec<usize>> = vec![Vec::new(); branches.len()];
    let mut waiting = vec![0_usize; branches.len()];
    for (at, branch) in branches.iter().enumerate() {
        let lower = branch.order.and_then(|order| numbers.range(..order).next_back());
        let mut before: BTreeSet<usize> = branch.needs.iter().filter_map(|need| owner.get(need).copied()).collect();
        before.extend(lower.into_iter().flat_map(|(_, group)| group).copied());
        before.remove(&at);
        waiting[at] = before.len();
        before.into_iter().for_each(|before| then[before].push(at));
    }
    let mut ready: BTreeSet<usize> = (0..branches.len()).filter(|at| waiting[*at] == 0).collect();
    let mut left: BTreeSet<usize> = (0..branches.len()).collect();
    let mut order = Vec::with_capacity(branches.len());
    while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&next);
        order.push(next);
        for after in &then[next] {
            waiting[*after] -= 1;
            if waiting[*after] == 0 && left.contains(after) {
                ready.insert(*after);
            }
        }
    }
    let mut branches: Vec<Option<Branch<'_>>> = branches.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| branches[at].take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(id: &str) -> Option<TreeTask<'static>> {
        let task = |order: u32, subtasks: &[&'static str], depends_on: &[&'static str]| {
            let order = (order > 0).then_some(order);
            Some(TreeTask { subtasks: subtasks.to_vec(), depends_on: depends_on.to_vec(), order })
        };
        match id {
            "P" => task(0, &["A", "B", "C", "D"], &[]),
            // Its number and its dependency contradict each other.
            "A" => task(1, &[], &["D"]),
            "B" => task(2, &["B1", "B2"], &[]),
            "C" => task(2, &["P"], &["A"]),
            "D" => task(3, &[], &[]),
            "B1" => task(1, &[], &[]),
            "B2" => task(1, &["gone"], &[]),
            "Q" => task(0, &["X", "Y", "Z"], &[]),
            // Without numbers the dependencies decide, also those of a task further below.
            "X" => task(0, &["X1"], &[]),
            "X1" => task(0, &[], &["Z"]),
            "Y" => task(0, &[], &["Y"]),
            "Z" => task(0, &[], &[]),
            _ => None,
        }
    }

    #[test]
    fn what_is_below_comes_in_run_order_and_once() {
        let steps: Vec<_> = below("P", &look).iter().map(|step| (step.id, step.depth, step.parallel)).collect();
        let expected = [("A", 0, 0), ("B", 0, 2), ("B1", 1, 2), ("B2", 1, 0), ("gone", 2, 0), ("C", 0, 0), ("D", 0, 0)];
        assert_eq!(steps, expected);
        let steps: Vec<_> = below("Q", &look).iter().map(|step| (step.id, step.depth, step.leaf)).collect();
        assert_eq!(steps, [("Y", 0, true), ("Z", 0, true), ("X", 0, false), ("X1", 1, true)]);
        assert_eq!(below("nothing", &look), []);
    }
}
