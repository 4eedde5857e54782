//! Registers the server of a project: at most one serves a state folder, and other processes find it.

use std::io;
use std::path::PathBuf;

use crate::lifecycle::store::Store;
use crate::model::server_record::{SERVER_VERSION, ServerRecord};
use crate::model::token::Token;
use crate::os::{clock, environment, process};
use crate::store::record_file::RecordError;
use crate::store::server_file::ServerClaim;

/// Why this process is not the server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{}", taken(.0.as_ref()))]
    Taken(Option<ServerRecord>),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the server cannot start")]
    Io(#[from] io::Error),
}

fn taken(by: Option<&ServerRecord>) -> String {
    match by {
        Some(server) => format!("this project is served already, at {} by process {}", server.address, server.pid),
        None => "this project is served already, by a server that is just starting".to_owned(),
    }
}

/// A random token of 256 bits, for the server or a ticket. Fails if the kernel gives no random bytes.
pub fn new_token() -> io::Result<Token> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Token::from_random(bytes))
}

/// Claims the right to serve; call before listening. Fails if another server has it.
pub fn claim_server(store: &Store) -> Result<ServerClaim, ServeError> {
    match store.state().claim_server()? {
        Some(claim) => Ok(claim),
        None => Err(ServeError::Taken(store.state().server()?)),
    }
}

/// The live server and its token.
pub fn server(store: &Store) -> Result<Option<ServerRecord>, RecordError> {
    store.state().server()
}

/// Records the address on which the server listens.
pub fn announce(claim: &ServerClaim, address: String, token: &Token) -> io::Result<()> {
    claim.announce(&ServerRecord {
        version: SERVER_VERSION,
        pid: process::own_pid(),
        address,
        token: token.reveal().to_owned(),
        started_at: clock::now(),
    })
}

/// Opens the page in the user's browser, with the token in the address. Other users can read the browser's command
/// line, so it contains only the path of a private redirect page. Fails if no browser is found.
pub fn open_page(store: &Store, address: &str, token: &str) -> io::Result<()> {
    let redirect_page = store.state().write_door(&format!("{address}#token={token}"))?;
    let browser = environment::var("BROWSER").map(PathBuf::from);
    let known = ["xdg-open", "open", "wslview"].map(PathBuf::from);
    for program in browser.into_iter().chain(known) {
        match process::program::start_detached(&program, &[redirect_page.as_os_str()]) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "no browser was found (`BROWSER`, xdg-open, open, wslview)"))
}
