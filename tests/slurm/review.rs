//! A run on a cluster is what a local run is: it streams, ends with its agent's exit code, saves its answer and is in
//! the history.

use crate::cluster::Cluster;
use crate::world::World;

#[test]
fn a_cluster_of_two_nodes_starts_and_ends() {
    let mut world = World::new();
    let cluster = Cluster::start(&mut world);
    assert!(cluster.jobs().is_empty());
}
