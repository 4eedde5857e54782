//! The walks of ARCHITECTURE.md: each function exists, calls the next one, and the numbers in the titles are right.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use crate::sources::{self, Parsed};

/// A function of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stop {
    file: String,
    /// As written: `name`, `module::name` or `Type::name`.
    written: String,
    /// The function that must call it; `None` for the first one and after `⟶`.
    caller: Option<usize>,
}

impl Stop {
    fn name(&self) -> &str {
        self.written.rsplit("::").next().unwrap_or_default()
    }

    fn qualifier(&self) -> Option<&str> {
        self.written.rsplit_once("::").map(|(qualifier, _)| qualifier)
    }
}

#[derive(Debug)]
struct Walk {
    title: String,
    stops: Vec<Stop>,
}

/// The walks of a section: a title in bold, then lines such as `` - `a/b.rs`: `f`, `g` ↩ `f`, `h` ⟶ a file ``.
fn walks(section: &str) -> Vec<Walk> {
    let mut walks: Vec<Walk> = Vec::new();
    for line in section.lines() {
        if line.starts_with("**") {
            walks.push(Walk { title: line.to_owned(), stops: Vec::new() });
        } else if let (Some(rest), Some(walk)) = (line.strip_prefix("- `"), walks.last_mut())
            && let Some((file, rest)) = rest.split_once("`: ")
        {
            step(walk, file, rest);
        }
    }
    walks
}

fn step(walk: &mut Walk, file: &str, rest: &str) {
    for (at, part) in rest.split('⟶').enumerate() {
        // The text after an arrow names no calls.
        let calls = at == 0;
        let mut returns = false;
        for (at, piece) in part.split('`').enumerate() {
            if at % 2 == 0 {
                returns = piece.contains('↩');
            } else if returns {
                let to = walk.stops.iter().rposition(|stop| stop.written == piece && stop.file.ends_with(".rs"));
                walk.stops.push(Stop { file: "↩".to_owned(), written: piece.to_owned(), caller: to });
            } else if calls {
                let caller = match walk.stops.last() {
                    Some(last) if last.file == "↩" => last.caller,
                    Some(last) if last.file == "⟶" => None,
                    Some(_) => Some(walk.stops.len() - 1),
                    None => None,
                };
                walk.stops.push(Stop { file: file.to_owned(), written: piece.to_owned(), caller });
            }
        }
    }
    if rest.contains('⟶') && walk.stops.last().is_some_and(|last| last.file != "↩") {
        walk.stops.push(Stop { file: "⟶".to_owned(), written: String::new(), caller: None });
    }
}

/// The functions of a file, with the type of their `impl` block.
#[derive(Default)]
struct Functions<'ast> {
    owner: Option<String>,
    found: Vec<(Option<String>, String, &'ast syn::Block)>,
}

impl<'ast> Visit<'ast> for Functions<'ast> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.found.push((None, function.sig.ident.to_string(), &function.block));
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*block.self_ty {
            self.owner = path.path.segments.last().map(|segment| segment.ident.to_string());
        }
        syn::visit::visit_item_impl(self, block);
        self.owner = None;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.found.push((self.owner.clone(), function.sig.ident.to_string(), &function.block));
    }
}

/// What a block calls: the qualifier, where there is one, and the name.
#[derive(Default)]
struct Calls {
    found: BTreeSet<(Option<String>, String)>,
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.found.insert((None, call.method.to_string()));
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some((name, before)) = names.split_last() {
            self.found.insert((before.last().cloned(), name.clone()));
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.names_in(call.tokens.clone());
    }
}

impl Calls {
    /// Every name in a macro, whose words are not parsed.
    fn names_in(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => drop(self.found.insert((None, name.to_string()))),
                TokenTree::Group(group) => self.names_in(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// The bodies of the functions that `stop` names.
fn bodies<'a>(all: &'a [Parsed], stop: &Stop) -> Vec<&'a syn::Block> {
    let Some(source) = all.iter().find(|source| source.path == stop.file) else { return Vec::new() };
    let mut functions = Functions::default();
    functions.visit_file(&source.file);
    let is_named = |owner: &Option<String>| match stop.qualifier() {
        Some(qualifier) if is_type(qualifier) => owner.as_deref() == Some(qualifier),
        qualifier => can_mean(qualifier, &stop.file),
    };
    let named = functions.found.into_iter().filter(|(owner, name, _)| name == stop.name() && is_named(owner));
    named.map(|(_, _, block)| block).collect()
}

/// Whether a call by `qualifier` can mean a function of `file`: it is one of its modules, or a type.
fn can_mean(qualifier: Option<&str>, file: &str) -> bool {
    qualifier.is_none_or(|qualifier| {
        let path = file.trim_end_matches(".rs");
        path.split('/').any(|part| part == qualifier) || is_type(qualifier)
    })
}

/// What is wrong with a walk.
fn faults(all: &[Parsed], walk: &Walk) -> Vec<String> {
    let mut faults = Vec::new();
    let stops: Vec<&Stop> = walk.stops.iter().filter(|stop| stop.file.ends_with(".rs")).collect();
    for stop in &walk.stops {
        let Stop { file, written, caller } = stop;
        match (file.as_str(), caller.map(|at| &walk.stops[at])) {
            ("⟶", _) => {}
            ("↩", None) => faults.push(format!("`{written}` is returned to and was not named before")),
            ("↩", Some(_)) => {}
            _ if bodies(all, stop).is_empty() => faults.push(format!("src/{file}: no `{written}`")),
            (_, Some(caller)) => {
                let mut calls = Calls::default();
                bodies(all, caller).into_iter().for_each(|block| calls.visit_block(block));
                let is_called =
                    calls.found.iter().any(|(by, name)| name == stop.name() && can_mean(by.as_deref(), file));
                if !is_called {
                    faults.push(format!("`{}` does not call `{written}`", caller.written));
                }
            }
            (_, None) => {}
        }
    }
    let files: BTreeSet<&str> = stops.iter().map(|stop| stop.file.as_str()).collect();
    let functions: BTreeSet<(&str, &str)> = stops.iter().map(|stop| (stop.file.as_str(), stop.name())).collect();
    let numbers = format!("({} functions, {} files", functions.len(), files.len());
    if !walk.title.contains(&numbers) {
        faults.push(format!("{}: it has {numbers})", walk.title));
    }
    faults
}

#[test]
fn each_function_of_a_walk_calls_the_next() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("## Walks\n").unwrap();
    let walks = walks(section.split("\n## ").next().unwrap());
    assert!(walks.len() >= 6 && walks.iter().all(|walk| walk.stops.len() > 10), "the walks were found");
    let all = sources::all();
    let faults: Vec<String> = walks.iter().flat_map(|walk| faults(&all, walk)).collect();
    assert!(faults.is_empty(), "ARCHITECTURE.md:\n{}", faults.join("\n"));
}

#[test]
fn a_wrong_walk_is_found() {
    let all = [
        Parsed::new("a.rs", "fn one() { two(); b::four(); five() } fn two() { x.three() } impl T { fn three() {} }"),
        Parsed::new("c/b.rs", "fn four() {} fn five() {}"),
    ];
    let faults = |text: &str| -> Vec<String> { walks(text).iter().flat_map(|walk| faults(&all, walk)).collect() };
    let right = "**W** (5 functions, 2 files)\n\n- `a.rs`: `one`, `two`, `T::three` ↩ `one`\n- `c/b.rs`: `four` ⟶ `x`\n\
                 - `c/b.rs`: `b::five` ↩ `one`\n- `c/b.rs`: `c::five`\n";
    assert_eq!(faults(right), Vec::<String>::new());
    assert_eq!(faults(&right.replace("5 functions", "4 functions")).len(), 1);
    assert_eq!(faults(&right.replace(" ⟶ `x`", "")), ["`four` does not call `b::five`"]);
    assert_eq!(faults(&right.replacen(" ↩ `one`", "", 1)), ["`T::three` does not call `four`"]);
    assert_eq!(faults(&right.replace("↩ `one`", "↩ `six`"))[0], "`six` is returned to and was not named before");
    assert_eq!(faults(&right.replace("`T::three`", "`S::three`")), ["src/a.rs: no `S::three`"]);
    assert_eq!(faults(&right.replace("c/b.rs`: `four`", "d.rs`: `four`"))[0], "src/d.rs: no `four`");
}
