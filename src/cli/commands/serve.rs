//! `dispatch serve`: HTTP, WebSockets and the page, until a signal ends it.

use core::net::{IpAddr, Ipv4Addr};
use std::io;
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use crate::cli::args::ServeArgs;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, USAGE};
use crate::cli::output;
use crate::lifecycle::project::served::ServedProject;
use crate::lifecycle::reconcile::up::refuse_inside;
use crate::lifecycle::server_registry;
use crate::model::problem::summary;
use crate::os::interrupts::Interrupts;
use crate::os::listen::{self, ListenError};
use crate::os::watch::file_watcher::FileWatcher;
use crate::serve::{self, Listener, ServerParts, Times};
use crate::snapshot::Live;
use crate::worker::WorkerPool;

pub(super) fn run(context: &CommandContext, args: &ServeArgs) -> CommandResult {
    refuse_inside("serve")?;
    let address = loopback(args)?;
    let mut times = Times::default();
    for (name, time) in &args.times {
        times.set(name, *time).ok_or_else(|| CliError::new(USAGE, format!("there is no time `{name}`")))?;
    }
    times.apply();
    let project = ServedProject::open(&context.location)?;
    print_problems(context, &project);
    let store = project.create_store()?;
    let claim = server_registry::claim_server(&store)?;
    // Before listening: from here on, a signal leads to an orderly shutdown.
    let mut ends = Interrupts::of_termination()?;
    listen::raise_file_limit();
    let (listener, at) = listen(args, address)?;
    let token = server_registry::new_token()?;
    let live = Live::start(store.clone().to_show(), FileWatcher::start()?, context.location.clone())?;
    server_registry::announce(&claim, at.clone(), &token)?;
    let err = output::stderr(context);
    if context.json {
        output::json(&serde_json::json!({ "address": at, "pid": std::process::id() }))?;
    } else {
        output::line(&format!("serving {} at {at}", project.root().display()))?;
        err.note("`dispatch token` prints the token; Ctrl-C ends the server, and no run");
    }
    if args.open
        && let Err(error) = server_registry::open_page(&store, &at, token.reveal())
    {
        err.warning(&format!("the page could not be opened: {error}"));
    }
    let workers = WorkerPool::new(project.manifest().to_owned());
    let parts = ServerParts { token, live, workers };
    serve::serve(&listener, parts, ends.as_fd())?;
    ends.take();
    if let Some(path) = &args.socket {
        let _ = listen::remove(path);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the manifest's warnings, or its errors and that the server runs in spite of them.
fn print_problems(context: &CommandContext, project: &ServedProject) {
    let err = output::stderr(context);
    match project {
        ServedProject::Usable(_) if context.quiet => {}
        ServedProject::Usable(_) => err.problems(project.problems()),
        ServedProject::Broken(_) => {
            err.problems(project.problems());
            let count = summary(project.problems());
            err.warning(&format!("nothing can be started while the manifest has errors ({count})"));
            err.hint("repair them, for example at the page `/edit`; the server then continues by itself");
        }
    }
}

/// Only loopback addresses are served; other machines use a tunnel.
fn loopback(args: &ServeArgs) -> Result<IpAddr, CliError> {
    let address = match args.bind.as_deref() {
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(text) => text.parse().map_err(|_| CliError::new(USAGE, format!("`{text}` is no address")))?,
    };
    if address.is_loopback() { Ok(address) } else { Err(not_loopback(address, args.port)) }
}

fn not_loopback(address: IpAddr, port: u16) -> CliError {
    CliError::new(USAGE, format!("{address} is not this machine's own address; only 127.0.0.1 and ::1 are served"))
        .hint(format!("from another machine: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"))
}

fn listen(args: &ServeArgs, address: IpAddr) -> Result<(Listener, String), CliError> {
    if let Some(path) = &args.socket {
        let path = std::path::absolute(path)?;
        let listener = listen::unix(&path).map_err(|error| refused(error, args))?;
        return Ok((Listener::Unix(listener), format!("unix:{}", path.display())));
    }
    let listener = listen::tcp(address, args.port).map_err(|error| refused(error, args))?;
    let at = format!("http://{}/", listener.local_addr()?);
    Ok((Listener::Tcp(listener), at))
}

fn refused(error: ListenError, args: &ServeArgs) -> CliError {
    let message = error.to_string();
    match error {
        ListenError::NotLoopback(address) => not_loopback(address, args.port),
        ListenError::PortTaken(_) => CliError::new(USAGE, message).hint("`--port 0` takes a free one"),
        ListenError::PathTaken(_) | ListenError::OpenFolder(_) => {
            CliError::new(USAGE, message).hint("choose a path in a folder of your own")
        }
        ListenError::Io(source) => {
            let place = match &args.socket {
                Some(path) => format!("at `{}`", path.display()),
                None => format!("on port {}", args.port),
            };
            io::Error::new(source.kind(), format!("{message} {place}: {source}")).into()
        }
    }
}
