//! Records of ended runs, written as the program writes them: many at once, of any time and end.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::World;

/// An ended run.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub mode: String,
    pub task: String,
    pub state: &'static str,
    pub reason: Option<String>,
    /// In milliseconds since 1970.
    pub ended_ms: i64,
    /// `None`: its agent was never started.
    pub millis: Option<u64>,
    pub cost: Option<f64>,
    pub agent: &'static str,
    pub started_by: &'static str,
}

impl PastRun {
    pub fn new(mode: &str, task: &str, ended: &str) -> Self {
        Self {
            mode: mode.to_owned(),
            task: task.to_owned(),
            state: "succeeded",
            reason: None,
            ended_ms: ended.parse::<Timestamp>().unwrap().as_millisecond(),
            millis: Some(500),
            cost: None,
            agent: "fake",
            started_by: "cli",
        }
    }

    #[must_use]
    pub fn failed(self, reason: &str) -> Self {
        Self { state: "failed", reason: Some(reason.to_owned()), ..self }
    }

    #[must_use]
    pub fn cost(self, usd: f64) -> Self {
        Self { cost: Some(usd), ..self }
    }
}

impl World {
    /// Writes the records of these runs like those of the ended run `like`, and returns their ids, which grow. The
    /// index is made anew from the folders.
    #[track_caller]
    pub fn make_past(&self, like: &str, runs: &[PastRun]) -> Vec<String> {
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(self.run_folder(like).join(name)).unwrap()).unwrap()
        };
        let (spec, exit) = (read("spec.json"), read("exit.json"));
        let time = |ms: i64| json!(Timestamp::from_millisecond(ms).unwrap().to_string());
        let write = |(at, run): (usize, &PastRun)| {
            let id = format!("01A{at:023}");
            let folder = self.run_folder(&id);
            fs::create_dir(&folder).unwrap();
            let started = run.ended_ms - run.millis.unwrap_or(0) as i64;
            let mut spec = spec.clone();
            for (key, value) in [
                ("runId", json!(id)),
                ("mode", json!(run.mode)),
                ("task", json!(run.task)),
                ("createdAt", time(started)),
                ("agent", json!(run.agent)),
                ("startedBy", json!(run.started_by)),
            ] {
                spec[key] = value;
            }
            let mut exit = exit.clone();
            let fields = exit.as_object_mut().unwrap();
            for key in ["reason", "cause", "exitCode", "startedAt"] {
                fields.remove(key);
            }
            for (key, value) in [
                ("runId", json!(id)),
                ("state", json!(run.state)),
                ("endedAt", time(run.ended_ms)),
                ("durationMs", json!(run.millis.unwrap_or(0))),
                ("usage", run.cost.map_or(json!({}), |usd| json!({ "costUsd": usd }))),
            ] {
                fields.insert(key.to_owned(), value);
            }
            fields.extend(run.reason.as_ref().map(|reason| ("reason".to_owned(), json!(reason))));
            fields.extend(run.millis.map(|_| ("startedAt".to_owned(), time(started))));
            fs::write(folder.join("spec.json"), spec.to_string()).unwrap();
            fs::write(folder.join("exit.json"), exit.to_string()).unwrap();
            id
        };
        let ids = runs.iter().enumerate().map(write).collect();
        for file in fs::read_dir(self.state()).unwrap().flatten() {
            if file.file_name().to_string_lossy().starts_with("dispatch.db") {
                fs::remove_file(file.path()).unwrap();
            }
        }
        ids
    }

    /// A real run of `job`, to make others like it.
    #[track_caller]
    pub fn ended_run(&self, task: &str) -> String {
        let run = self.detach("job", task);
        self.wait_state("job", task, "succeeded");
        run
    }
}
