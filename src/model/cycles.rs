//! Finds the cycles of a graph. Pure; nodes are indices of a list.

/// A longer cycle is abbreviated.
const SHOWN_MAX: usize = 12;

/// A cycle for a message: `a → b → a`.
pub fn shown(mut names: Vec<&str>) -> String {
    if names.len() > SHOWN_MAX {
        names.splice(SHOWN_MAX - 1..names.len() - 1, ["…"]);
    }
    names.join(" → ")
}

/// Removes every edge that closes a cycle and returns the cycles, each as a path from a node back to itself. Not
/// recursive: a chain may have thousands of nodes.
pub fn break_cycles(edges: &mut [Vec<usize>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        New,
        OnPath,
        Done,
    }
    let mut marks = vec![Visit::New; edges.len()];
    let mut cycles = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Visit::New {
            continue;
        }
        marks[start] = Visit::OnPath;
        // Nodes, each with the number of its edges that were followed.
        let mut path = vec![(start, 0)];
        while let Some((node, followed)) = path.last_mut() {
            let Some(&next) = edges[*node].get(*followed) else {
                marks[*node] = Visit::Done;
                path.pop();
                continue;
            };
            match marks[next] {
                Visit::Done => *followed += 1,
                Visit::New => {
                    *followed += 1;
                    marks[next] = Visit::OnPath;
                    path.push((next, 0));
                }
                Visit::OnPath => {
                    edges[*node].remove(*followed);
                    let from = path.iter().position(|(on_path, _)| *on_path == next).unwrap_or(0);
                    let mut cycle: Vec<usize> = path[from..].iter().map(|(on_path, _)| *on_path).collect();
                    cycle.push(next);
                    cycles.push(cycle);
                }
            }
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_cycle_and_leaves_none() {
        let mut edges = vec![vec![1], vec![2, 3], vec![0], vec![3], vec![0]];
        assert_eq!(break_cycles(&mut edges), [vec![0, 1, 2, 0], vec![3, 3]]);
        assert_eq!(edges, [vec![1], vec![2, 3], vec![], vec![], vec![0]]);
        assert!(break_cycles(&mut edges).is_empty());
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let n = 100_000;
        let mut edges: Vec<Vec<usize>> = (0..n).map(|i| vec![(i + 1) % n]).collect();
        assert_eq!(break_cycles(&mut edges)[0].len(), n + 1);
    }
}
