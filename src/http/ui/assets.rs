//! What the shell loads: our modules, our style, and what others wrote (`assets/vendor`).

use std::sync::OnceLock;

use crate::http::head::Head;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page itself holds no data: its script asks for it, with the token.
const SHELL: Asset = Asset { kind: "text/html; charset=utf-8", bytes: include_bytes!("../assets/index.html") };

/// An embedded file.
#[derive(Clone, Copy, Debug)]
struct Asset {
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($kind:ident: $($name:literal)+;)+) => {
        &[$($(($name, Asset { kind: $kind, bytes: include_bytes!(concat!("../assets/", $name)) }),)+)+]
    };
}

const ASSETS: &[(&str, Asset)] = assets! {
    JS: "app.js" "actions.js" "board.js" "dialog.js" "keys.js" "live.js" "morph.js" "net.js" "notice.js" "now.js" "past.js"
        "run.js" "run/ansi.js" "run/chunk.js" "run/claude.js" "run/doc.js" "run/feed.js" "run/log.js"
        "run/save.js" "run/search.js" "run/terminal.js" "task.js" "time.js"
        "vendor/addon-fit.mjs" "vendor/addon-search.mjs" "vendor/addon-unicode11.mjs" "vendor/addon-web-links.mjs"
        "vendor/addon-webgl.mjs" "vendor/xterm.mjs";
    CSS: "run.css" "style.css" "task.css" "vendor/xterm.css";
    SVG: "icon.svg";
};

pub(in crate::http) fn shell(head: &Head) -> Reply {
    SHELL.reply(head, "shell")
}

/// `name` is the path below `/assets/`.
pub(in crate::http) fn asset(head: &Head, name: &str) -> Result<Reply, Refusal> {
    let found = ASSETS.iter().find(|(known, _)| *known == name);
    found.map(|(name, asset)| asset.reply(head, name)).ok_or_else(|| Refusal::new(Why::NoRoute))
}

impl Asset {
    fn reply(self, head: &Head, name: &'static str) -> Reply {
        let etag = format!("W/{}", etag(name, self.bytes));
        if head.header("if-none-match").is_some_and(|known| known.split(',').any(|known| known.trim() == etag)) {
            return Reply::asset(self.kind, b"").with_status(304).header("ETag", etag).revalidated();
        }
        Reply::asset(self.kind, self.bytes).header("ETag", etag).revalidated().compressed_for(head)
    }
}

/// Another version of the program has other bytes; reading them all for a hash would touch them all.
fn etag(name: &str, bytes: &[u8]) -> String {
    static BUILD: OnceLock<u32> = OnceLock::new();
    let build = BUILD.get_or_init(|| {
        let mut sum = flate2::Crc::new();
        ASSETS.iter().filter(|(name, _)| !name.starts_with("vendor/")).for_each(|(_, asset)| sum.update(asset.bytes));
        sum.sum()
    });
    format!("\"{}-{build:08x}-{}-{name}\"", env!("CARGO_PKG_VERSION"), bytes.len())
}
