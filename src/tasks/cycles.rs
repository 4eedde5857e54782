//! Finds circles among tasks, and takes them apart so that what is left is a graph without any.

/// Removes every edge that closes a circle, and returns those circles: each a path of nodes
/// from one node back to it. Without recursion, since a chain may be thousands long.
pub(in crate::tasks) fn break_cycles(edges: &mut [Vec<usize>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut cycles = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::OnPath;
        // A node, and how many of its edges were followed.
        let mut path = vec![(start, 0)];
        while let Some((node, followed)) = path.last_mut() {
            let Some(&next) = edges[*node].get(*followed) else {
                marks[*node] = Mark::Done;
                path.pop();
                continue;
            };
            match marks[next] {
                Mark::Done => *followed += 1,
                Mark::New => {
                    *followed += 1;
                    marks[next] = Mark::OnPath;
                    path.push((next, 0));
                }
                Mark::OnPath => {
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
    fn shows_each_circle_and_leaves_none() {
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
