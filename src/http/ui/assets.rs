//! What the shell loads: our modules, our style, and what others wrote (`assets/vendor`).
//!
//! All of `src/http/assets`, packed by `build.rs`: a file that is laid there is served.

use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::http::head::Head;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;

/// An embedded file.
#[derive(Debug)]
struct Asset {
    /// Its path below `/assets/`.
    name: &'static str,
    kind: &'static str,
    tag: &'static str,
    /// By gzip.
    packed: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page itself holds no data: its script asks for it, with the token.
const SHELL: &str = "index.html";

pub(in crate::http) fn shell(head: &Head) -> Result<Reply, Refusal> {
    asset(head, SHELL)
}

/// `name` is the path below `/assets/`.
pub(in crate::http) fn asset(head: &Head, name: &str) -> Result<Reply, Refusal> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Refusal::new(Why::NoRoute))?;
    let is_known = |known: &str| known.split(',').any(|known| known.trim() == asset.tag);
    let reply = if head.header("if-none-match").is_some_and(is_known) {
        Reply::asset(asset.kind, b"").with_status(304)
    } else if head.takes_gzip() {
        Reply::asset(asset.kind, asset.packed).header("Content-Encoding", "gzip")
    } else {
        let mut bytes = Vec::new();
        GzDecoder::new(asset.packed).read_to_end(&mut bytes).map_err(Refusal::broken)?;
        Reply::owned(asset.kind, bytes)
    };
    Ok(reply.header("ETag", asset.tag).header("Vary", "Accept-Encoding").revalidated())
}
