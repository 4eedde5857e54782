//! Scripts, styles and the shell page: all files of `src/serve/assets`, compressed into the program by `build.rs`.
//! `assets/vendor` contains those of other authors.

use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::serve::head::Head;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;

#[derive(Debug)]
struct Asset {
    /// Its path below `/assets/`.
    name: &'static str,
    kind: &'static str,
    tag: &'static str,
    /// Compressed with gzip.
    packed: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page itself holds no data: its script fetches fragments with the token.
const SHELL: &str = "index.html";
/// Holds no data and runs no script.
const NO_PAGE: &str = "404.html";

pub(in crate::serve) fn shell(head: &Head) -> Result<Response, Refusal> {
    asset(head, SHELL)
}

/// The page for people who follow a link to a page that does not exist.
pub(in crate::serve) fn no_page(head: &Head) -> Result<Response, Refusal> {
    Ok(asset(head, NO_PAGE)?.with_status(404))
}

/// `name` is the path below `/assets/`.
pub(in crate::serve) fn asset(head: &Head, name: &str) -> Result<Response, Refusal> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Refusal::new(RefusalKind::NoRoute))?;
    let response = if head.knows_tag(asset.tag) {
        Response::asset(asset.kind, b"").with_status(304)
    } else if head.takes_gzip() {
        Response::asset(asset.kind, asset.packed).header("Content-Encoding", "gzip")
    } else {
        let mut bytes = Vec::new();
        GzDecoder::new(asset.packed).read_to_end(&mut bytes).map_err(Refusal::internal)?;
        Response::owned(asset.kind, bytes)
    };
    Ok(response.header("ETag", asset.tag).header("Vary", "Accept-Encoding").revalidated())
}
