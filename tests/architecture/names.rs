//! One name, one type: type names are unique within the crate.
//!
//! A private module of fewer than 60 lines may use a name again: there it cannot be taken for another.

use std::collections::BTreeMap;

use syn::visit::Visit;

use crate::sources::{self, Parsed};

const SMALL_MODULE: usize = 60;

/// A pair of files that declare one type for two kinds of systems: one of them is compiled.
const SYSTEMS: &[&str] = &["linux", "posix"];

/// Types that may share a name, and why.
const SHARED: &[(&str, &str)] = &[];

#[derive(Default)]
struct Types(Vec<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.push(item.ident.to_string());
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.push(item.ident.to_string());
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.0.push(item.ident.to_string());
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.0.push(item.ident.to_string());
    }

    // A type within a function is seen there alone.
    fn visit_block(&mut self, _: &'ast syn::Block) {}
}

fn clashes(all: &[Parsed]) -> Vec<String> {
    let mut declared: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in all.iter().filter(|source| source.lines >= SMALL_MODULE || is_public(all, source)) {
        let mut types = Types::default();
        types.visit_file(&source.file);
        for name in types.0 {
            let paths = declared.entry(name).or_default();
            if !paths.iter().any(|path| is_other_system(path, &source.path)) {
                paths.push(&source.path);
            }
        }
    }
    let shared = |name: &str| SHARED.iter().any(|(known, _)| *known == name);
    let clashes = declared.iter().filter(|(name, paths)| paths.len() > 1 && !shared(name));
    clashes.map(|(name, paths)| format!("`{name}`: {}", paths.join(", "))).collect()
}

/// Whether the file that declares this module declares it `pub`.
fn is_public(all: &[Parsed], source: &Parsed) -> bool {
    let path = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let (folder, name) = path.rsplit_once('/').unwrap_or(("lib", path));
    let parents = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
    let parent = all.iter().find(|other| parents.contains(&other.path));
    parent.is_some_and(|parent| {
        parent.file.items.iter().any(|item| {
            matches!(item, syn::Item::Mod(item) if item.ident == name && !matches!(item.vis, syn::Visibility::Inherited))
        })
    })
}

fn is_other_system(one: &str, other: &str) -> bool {
    let split = |path: &str| {
        let (folder, name) = path.trim_end_matches(".rs").rsplit_once('/').unwrap_or_default();
        (folder.to_owned(), name.to_owned())
    };
    let ((one, first), (other, second)) = (split(one), split(other));
    one == other && SYSTEMS.contains(&first.as_str()) && SYSTEMS.contains(&second.as_str())
}

#[test]
fn type_names_are_unique() {
    let clashes = clashes(&sources::all());
    assert!(clashes.is_empty(), "{} names stand for several types:\n{}\n", clashes.len(), clashes.join("\n"));
}

#[test]
fn a_name_that_is_used_again_is_found() {
    let long = |path: &str, text: &str| Parsed::new(path, &format!("{text}\n{}", "fn f() {}\n".repeat(60)));
    let all = [
        Parsed::new("lib.rs", "pub mod model;"),
        Parsed::new("model/mod.rs", "mod a; mod b; mod c; pub mod d; mod linux; mod posix;"),
        long("model/a.rs", "struct Place; struct Once; fn f() { struct Place; }"),
        long("model/b.rs", "enum Place {}"),
        Parsed::new("model/c.rs", "struct Once;"),
        Parsed::new("model/d.rs", "trait Place {}"),
        long("model/linux.rs", "struct Watch;"),
        long("model/posix.rs", "struct Watch;"),
    ];
    assert_eq!(clashes(&all), ["`Place`: model/a.rs, model/b.rs, model/d.rs"]);
}
