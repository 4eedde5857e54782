//! The parsed source files, without their unit tests.

use std::fs;
use std::path::{Path, PathBuf};

use syn::visit_mut::VisitMut;

/// One file below `src/`.
pub(crate) struct Parsed {
    /// Relative to `src/`, with `/`.
    pub(crate) path: String,
    /// Its lines without the unit tests at its end.
    pub(crate) lines: usize,
    pub(crate) file: syn::File,
}

impl Parsed {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut file = syn::parse_file(text).unwrap_or_else(|error| panic!("src/{path}: {error}"));
        DropTests.visit_file_mut(&mut file);
        Self { path: path.to_owned(), lines: without_tests(text).lines().count(), file }
    }

    /// The folder or file directly below `src/`.
    pub(crate) fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// Every file of the program. Files `…tests.rs` and folders `tests` hold unit tests alone and are left out.
pub(crate) fn all() -> Vec<Parsed> {
    let root = root();
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "the sources were found");
    let parse = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        Parsed::new(&name, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(parse).collect()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                files(&path, found);
            }
        } else if path.extension().is_some_and(|end| end == "rs") && !path.to_string_lossy().ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The text up to the unit tests at its end.
pub(crate) fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// Removes what only tests compile.
struct DropTests;

impl VisitMut for DropTests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !is_test(item));
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !is_test(item));
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, block: &mut syn::ItemImpl) {
        block.items.retain(|item| match item {
            syn::ImplItem::Fn(function) => !has_cfg_test(&function.attrs),
            _ => true,
        });
    }
}

fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return false,
    };
    has_cfg_test(attributes)
}

fn has_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}
