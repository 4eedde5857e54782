//! Compresses what a browser loads (`src/serve/assets`) into the program, once and not for each request; each file has
//! an `ETag` of its bytes. Also selects the plain POSIX forms if `DISPATCH_POSIX` is set.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

const ASSETS: &str = "src/serve/assets";
/// Where it is set, the plain POSIX forms are compiled on Linux too (`--cfg dispatch_posix`).
const POSIX: &str = "DISPATCH_POSIX";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ASSETS}");
    println!("cargo::rerun-if-env-changed={POSIX}");
    println!("cargo::rustc-check-cfg=cfg(dispatch_posix)");
    if env::var_os(POSIX).is_some() {
        println!("cargo::rustc-cfg=dispatch_posix");
    }
    let (root, out) =
        (PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(ASSETS), PathBuf::from(env::var("OUT_DIR")?));
    let mut names = Vec::new();
    list(&root, "", &mut names)?;
    names.sort();
    let mut table = String::from("&[\n");
    for (at, (name, kind)) in names.iter().enumerate() {
        let bytes = fs::read(root.join(name))?;
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&bytes)?;
        let packed = out.join(format!("asset-{at}.gz"));
        fs::write(&packed, packer.finish()?)?;
        let mut sum = Crc::new();
        sum.update(&bytes);
        let tag = format!("W/\"{:08x}-{:x}\"", sum.sum(), bytes.len());
        writeln!(
            table,
            "Asset {{ name: {name:?}, kind: {kind:?}, tag: {tag:?}, packed: include_bytes!({packed:?}) }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// The files that a browser can load, by their path below the folder.
fn list(folder: &Path, below: &str, names: &mut Vec<(String, &'static str)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            list(&path, &format!("{below}{name}/"), names)?;
        } else if let Some(kind) = kind(name) {
            names.push((format!("{below}{name}"), kind));
        }
    }
    Ok(())
}

fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ if name.starts_with("LICENSE") => "text/plain; charset=utf-8",
        _ => return None,
    })
}
