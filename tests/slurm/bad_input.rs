//! Manifests and clusters that do not fit get words, and leave nothing behind.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::{BASE, World};

#[test]
fn an_executor_that_cannot_be_is_refused_at_its_place() {
    let world = World::bare();
    let check = |modes: &str, words: &str| {
        world.write("dispatch.yaml", format!("{BASE}{modes}"));
        let answer = world.dispatch("check").any_stderr().fails_with(1);
        let all = format!("{}{}", answer.text(), answer.stderr);
        assert!(all.contains(words), "{modes}: {words:?} is missing in\n{all}");
    };
    let far = |mode: &str, executor: &str| {
        format!("  far: {{ agent: fake, prompt: x, {mode} }}\nexecutors:\n  cluster: {{ {executor} }}\n")
    };
    check(&far("executor: clster", "engine: slurm"), "there is no executor `clster`");
    check(&far("executor: clster", "engine: slurm"), "did you mean `cluster`?");
    check(&far("executor: cluster", "engine: pbs"), "engine");
    check(&far("executor: cluster", "max_jobs: 3"), "executor `cluster` names no `engine`");
    check(&far("executor: cluster", "engine: slurm, max_jobs: 0"), "max_jobs");
    check(&far("executor: cluster", "engine: slurm, lease: 10ms"), "`lease` must be at least 1s");
    check(&far("executor: cluster", "engine: slurm, program: dispatch"), "`program` must be an absolute path");
    check(
        &far("executor: cluster, interactive: true", "engine: slurm"),
        "an interactive mode cannot honour `executor`",
    );
    check(&far("executor: cluster, limits: { processes: 5 }", "engine: slurm"), "cannot limit `processes`");
    for option in ["-J", "-o", "--export", "--requeue", "--array", "--wait"] {
        let line = format!("engine: slurm, options: [--partition=main, \"{option}=x\"]");
        check(&far("executor: cluster", &line), &format!("executor `cluster` cannot be given `{option}`"));
    }
    let two_words = far("executor: cluster", "engine: slurm, options: [--partition, main]");
    check(&two_words, "cannot be given `main`");
    check(&two_words, "an option and its value are one word: `--name=value`");
    check("executors:\n  local: { engine: slurm }\n", "`local` is this machine");
}

#[test]
fn what_the_engine_refuses_is_told_in_its_words_and_leaves_nothing() {
    let mut world = World::with(&MODES.replace("--partition=main", "--partition=none"));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    let invalid = "invalid partition specified: none";
    world.dispatch("run far T").stderr_has(invalid).fails_with(125);
    let ended = world.status("far", "T");
    assert_eq!(ended["state"], "failed", "{ended}");
    assert!(ended["reason"].as_str().unwrap().contains(invalid), "{ended}");
    let memory = MODES.replace("stop_grace: 2s", "stop_grace: 2s, limits: { memory: 400GiB }");
    world.write("dispatch.yaml", format!("{BASE}{memory}"));
    world.dispatch("run -d far T").stderr_has("Memory specification can not be satisfied").fails_with(125);
    assert!(cluster.jobs().is_empty() && world.starts().is_empty());
    let left = fs::read_dir(world.state().join("runs")).unwrap().flatten();
    assert!(left.into_iter().all(|run| !run.path().join("env").exists()), "an environment stays");
}

#[test]
fn without_sbatch_it_is_named() {
    let world = World::with(MODES);
    world.task("T", "%exit 0");
    world.dispatch("run far T").stderr_has("`sbatch` was not found").fails_with(125);
    assert_eq!(world.status("far", "T")["state"], "failed");
}

#[test]
fn a_working_directory_that_the_node_does_not_see_is_named() {
    // The folder is gone by the time the node looks at it.
    let modes = MODES.replace("stop_grace: 2s", "stop_grace: 2s, cwd: elsewhere");
    let mut world = World::with(&modes);
    let _cluster = Cluster::start(&mut world);
    fs::create_dir(world.project().join("elsewhere")).unwrap();
    world.task("T", "%exit 0");
    let mover = world.root().join("mover");
    let folder = world.project().join("elsewhere");
    let script = format!(
        "#!/bin/sh\nmv {0} {0}.away\nexec {1} \"$@\"\n",
        folder.display(),
        crate::cluster::program("dispatch").display()
    );
    fs::write(&mover, script).unwrap();
    fs::set_permissions(&mover, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = format!("lease: 3s, program: {}", mover.display());
    world.write("dispatch.yaml", format!("{BASE}{}", modes.replace("lease: 3s", &program)));
    world.dispatch("run far T").stderr_has("does not exist on the node").fails_with(1);
    assert!(world.starts().is_empty());
}

#[test]
fn a_record_of_a_newer_version_is_unknown_and_left_alone() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    let run = world.detach("far", "T");
    world.wait_state("far", "T", "queued");
    let path = world.run_folder(&run).join("submitted.json");
    let newer = r#"{"version":99,"phase":"entrusted"}"#;
    fs::write(&path, newer).unwrap();
    assert_eq!(world.status("far", "T")["state"], "queued", "the engine has it");
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    world.dispatch("stop far T").any_stderr().succeeds();
    cluster.wait_no_jobs();
}
