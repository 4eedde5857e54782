//! The list of `/now`: which runs it has, and in which group.

use jiff::{SignedDuration, Timestamp};

use crate::past::PastRun;
use crate::world::World;

#[test]
fn failed_runs_beyond_those_that_need_the_user_are_listed_as_ended() {
    let world = World::new();
    world.task("A", "%exit 0\n");
    let like = world.ended_run("A");
    let failed: Vec<PastRun> = (0..33)
        .map(|number| {
            // The later one was started, the earlier it ended.
            let ended = Timestamp::now() - SignedDuration::from_secs(60 + number);
            PastRun::new("job", &format!("T-{number}"), &ended.to_string()).failed("exit code 3")
        })
        .collect();
    world.make_past(&like, &failed);
    let server = world.serve();
    let page = server.get("/ui/now").text();
    for number in 0..33 {
        // Thirty are listed as needing the user, those that were started last.
        let group = if number < 3 { "ended" } else { "needs" };
        let task = format!("data-task=\"T-{number}\"");
        let items: Vec<&str> = page.split("<li ").filter(|item| item.contains(&task)).collect();
        assert!(items.len() == 1 && items[0].contains(&format!("data-group=\"{group}\"")), "{task} {items:?}");
    }
}
