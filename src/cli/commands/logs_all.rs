//! `dispatch logs -f --all`: the output of all active runs, each line with its pair.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::agents::{LineRenderer, Sanitizer};
use crate::cli::args::LogsArgs;
use crate::cli::commands::open;
use crate::cli::commands::run::protocol_of;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::log_lines::LogLines;
use crate::cli::{output, progress};
use crate::lifecycle::project::{Depth, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::interrupts::Interrupts;
use crate::os::watch::{self, ChangeWatch};
use crate::store::logs::reader::{LogStream, LogStreams, ReadFrom, RunLogReader};

/// The interval between observations of new runs; output of known runs wakes at once.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The output of one run.
struct RunOutput {
    run: Run,
    reader: RunLogReader,
    renderer: Option<LineRenderer>,
    sanitizer: Sanitizer,
    pending: Vec<u8>,
    /// With `--json`.
    events: Option<LogLines>,
}

pub(super) fn run(context: &CommandContext, args: &LogsArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let Some(store) = project_store::find(&project)? else {
        output::stderr(context).note("nothing runs");
        return Ok(ExitCode::SUCCESS);
    };
    let both = !args.stdout && !args.stderr;
    let streams = LogStreams { stdout: both || args.stdout, stderr: both || args.stderr };
    let mut interrupts = Interrupts::new()?;
    let watch = ChangeWatch::new()?;
    let mut outputs: BTreeMap<RunId, RunOutput> = BTreeMap::new();
    let mut first = true;
    let mut looked: Option<(Instant, Vec<Run>)> = None;
    loop {
        // Each line wakes this loop; runs are observed once a second.
        let runs = match looked.take().filter(|(at, _)| at.elapsed() < POLL_INTERVAL) {
            Some((at, runs)) => looked.insert((at, runs)),
            None => looked.insert((Instant::now(), refresh::all(&store)?.runs)),
        };
        let live: Vec<&Run> = runs.1.iter().filter(|run| run.is_active() && run.facts.form.is_job()).collect();
        for run in &live {
            if !outputs.contains_key(run.id()) {
                // Runs that were active before are shown from their last lines on, later ones from the start.
                let from = if first { ReadFrom::Tail(args.tail.unwrap_or(10)) } else { ReadFrom::Start };
                outputs.insert(run.id().clone(), RunOutput::open(context, &store, run, (streams, from), &watch)?);
            }
        }
        first = false;
        watch.clear();
        let mut ended = Vec::new();
        for (id, lane) in &mut outputs {
            lane.pump()?;
            if !live.iter().any(|run| run.id() == id) {
                ended.push(id.clone());
            }
        }
        for id in ended {
            if let Some(mut lane) = outputs.remove(&id) {
                lane.pump()?;
                let run = refresh::one(&store, &id)?;
                lane.finish(run.as_ref())?;
                if let Some(run) = run {
                    output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(&run)));
                }
            }
        }
        if outputs.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let ready =
            watch::wait_readable(&[watch.as_fd(), interrupts.as_fd()], Some(watch.tick().unwrap_or(POLL_INTERVAL)))?;
        if ready.get(1) == Some(&true) && interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    }
}

impl RunOutput {
    fn open(
        context: &CommandContext,
        store: &Store,
        run: &Run,
        (streams, from): (LogStreams, ReadFrom),
        watch: &ChangeWatch,
    ) -> Result<Self, CliError> {
        let folder = store.folder(run.id());
        watch.watch_folder(folder.path())?;
        Ok(Self {
            run: run.clone(),
            reader: RunLogReader::open(&folder, streams, from)?,
            renderer: LineRenderer::for_protocol(protocol_of(store, run)),
            sanitizer: Sanitizer::new(),
            pending: Vec::new(),
            events: context.json.then(|| LogLines::new(run)),
        })
    }

    fn pump(&mut self) -> std::io::Result<()> {
        if let Some(events) = &mut self.events {
            return self.reader.read(&mut |piece| events.show(&piece)).map(drop);
        }
        let (renderer, sanitizer, pending) = (&mut self.renderer, &mut self.sanitizer, &mut self.pending);
        self.reader.read(&mut |piece| {
            let mut text = Vec::new();
            match (piece.stream, &mut *renderer) {
                (LogStream::Stdout, Some(renderer)) => renderer.feed(piece.bytes, &mut text),
                (LogStream::Stdout | LogStream::Stderr, _) => text.extend_from_slice(piece.bytes),
            }
            sanitizer.feed(&text, pending);
            Ok(())
        })?;
        self.put_lines(false)
    }

    /// `run`: as it ended; `None` if its record is gone.
    fn finish(&mut self, run: Option<&Run>) -> std::io::Result<()> {
        if let Some(events) = &mut self.events {
            return events.finish(run.unwrap_or(&self.run));
        }
        let mut text = Vec::new();
        if let Some(renderer) = &mut self.renderer {
            renderer.finish(&mut text);
        }
        self.sanitizer.feed(&text, &mut self.pending);
        self.sanitizer.finish(&mut self.pending);
        self.put_lines(true)
    }

    /// Prints complete lines with the pair's name.
    fn put_lines(&mut self, rest_too: bool) -> std::io::Result<()> {
        let end = match memchr::memrchr(b'\n', &self.pending) {
            _ if rest_too => self.pending.len(),
            Some(at) => at + 1,
            // A line without an end is split, to bound memory.
            None if self.pending.len() > 64 * 1024 => self.pending.len(),
            None => 0,
        };
        let lines: Vec<u8> = self.pending.drain(..end).collect();
        let mut out = Vec::with_capacity(lines.len() + 64);
        for line in lines.split_inclusive(|b| *b == b'\n') {
            write!(out, "{} | ", self.run.pair())?;
            out.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                out.push(b'\n');
            }
        }
        output::write(&out)
    }
}
