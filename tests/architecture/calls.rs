//! No cycle of more than three files by method calls.
//!
//! A call `.name(…)` needs no `use`, so the imports do not show it. It leads to each file that declares a
//! method of that name on a type of ours, in a module that the caller may reach. What says nothing is not
//! counted: names that more than three files declare, and names that types of std have too.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::Visit;

use crate::imports::MAY_IMPORT;
use crate::sources::{self, Parsed};

/// A method that more files declare is not followed: its name says nothing.
const FILES_OF_A_NAME: usize = 3;
/// The largest cycle that is allowed.
const CYCLE: usize = 3;

/// Names that types of std have too: nothing tells which of them a call means.
const STD_NAMES: &[&str] = &[
    "accept",
    "all",
    "and_then",
    "any",
    "as_bytes",
    "as_fd",
    "as_mut",
    "as_ref",
    "as_str",
    "bytes",
    "chars",
    "clear",
    "clone",
    "cmp",
    "contains",
    "count",
    "deref",
    "display",
    "drain",
    "drop",
    "elapsed",
    "ends_with",
    "entry",
    "eq",
    "exists",
    "extend",
    "file_name",
    "fill",
    "filter",
    "find",
    "finish",
    "first",
    "flush",
    "fmt",
    "from",
    "get",
    "get_mut",
    "hash",
    "id",
    "index",
    "insert",
    "into_iter",
    "is_dir",
    "is_empty",
    "is_file",
    "iter",
    "join",
    "keys",
    "kill",
    "kind",
    "last",
    "len",
    "lines",
    "lock",
    "map",
    "max",
    "min",
    "name",
    "next",
    "open",
    "parent",
    "parse",
    "path",
    "pop",
    "position",
    "push",
    "read",
    "read_line",
    "recv",
    "remove",
    "replace",
    "retain",
    "rev",
    "rsplit",
    "send",
    "set",
    "skip",
    "sort",
    "source",
    "split",
    "start",
    "starts_with",
    "step_by",
    "stop",
    "sum",
    "sync",
    "take",
    "text",
    "trim",
    "try_lock",
    "unlock",
    "values",
    "wait",
    "write",
    "write_all",
];

/// Which files call which: by the place of each file in `all`.
struct Graph<'a> {
    all: &'a [Parsed],
    leads_to: Vec<BTreeSet<usize>>,
}

#[derive(Default)]
struct Methods {
    declared: BTreeSet<String>,
    called: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Methods {
    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.declare(&function.sig);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.declare(&function.sig);
        syn::visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.called.insert(call.method.to_string());
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.calls_in(call.tokens.clone());
    }
}

impl Methods {
    fn declare(&mut self, signature: &syn::Signature) {
        if signature.receiver().is_some() {
            self.declared.insert(signature.ident.to_string());
        }
    }

    /// `. name (` among the words of a macro, which are not parsed.
    fn calls_in(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match (token, tokens.get(at + 1), tokens.get(at + 2)) {
                (TokenTree::Punct(dot), Some(TokenTree::Ident(name)), Some(TokenTree::Group(group)))
                    if dot.as_char() == '.' && group.delimiter() == Delimiter::Parenthesis =>
                {
                    self.called.insert(name.to_string());
                }
                (TokenTree::Group(group), ..) => self.calls_in(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'a> Graph<'a> {
    fn new(all: &'a [Parsed]) -> Self {
        let methods: Vec<Methods> = all.iter().map(methods).collect();
        let mut declared_in: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (at, methods) in methods.iter().enumerate() {
            for name in &methods.declared {
                declared_in.entry(name).or_default().insert(at);
            }
        }
        declared_in.retain(|name, files| files.len() <= FILES_OF_A_NAME && !STD_NAMES.contains(name));
        let leads_to = methods.iter().enumerate().map(|(at, methods)| {
            let reachable = reachable(all[at].module());
            let targets = methods.called.iter().filter_map(|name| declared_in.get(name.as_str())).flatten();
            let others = targets.filter(|to| **to != at && reachable.contains(all[**to].module()));
            others.copied().collect()
        });
        Self { all, leads_to: leads_to.collect() }
    }

    fn from(&self, start: usize) -> BTreeSet<usize> {
        let (mut found, mut todo) = (BTreeSet::new(), vec![start]);
        while let Some(at) = todo.pop() {
            todo.extend(self.leads_to[at].iter().filter(|to| found.insert(**to)));
        }
        found
    }

    /// The cycles, as groups of files that all lead to one another, the largest first.
    fn cycles(&self) -> Vec<Vec<&str>> {
        let from: Vec<BTreeSet<usize>> = (0..self.all.len()).map(|at| self.from(at)).collect();
        let mut groups: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
        for at in 0..self.all.len() {
            groups.insert(from[at].iter().copied().filter(|to| from[*to].contains(&at)).collect());
        }
        let name = |at: &usize| self.all[*at].path.as_str();
        let mut cycles: Vec<Vec<&str>> = groups.iter().map(|group| group.iter().map(name).collect()).collect();
        cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
        cycles
    }
}

fn methods(source: &Parsed) -> Methods {
    let mut methods = Methods::default();
    methods.visit_file(&source.file);
    methods
}

/// The modules whose types a module can have in its hands.
fn reachable(module: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::from([module]);
    let mut todo = vec![module];
    while let Some(module) = todo.pop() {
        let imports = MAY_IMPORT.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, imports)| *imports);
        todo.extend(imports.iter().filter(|name| found.insert(name)));
    }
    found
}

#[test]
fn no_cycle_of_more_than_three_files() {
    let all = sources::all();
    let graph = Graph::new(&all);
    let large: Vec<String> =
        graph.cycles().iter().filter(|cycle| cycle.len() > CYCLE).map(|cycle| cycle.join("\n  ")).collect();
    assert!(large.is_empty(), "files that call one another:\n  {}\n", large.join("\n\n  "));
}

#[test]
fn a_cycle_through_method_calls_and_macros_is_found() {
    let file = |path: &str, own: &str, other: &str| {
        let text = format!("impl {own} {{ fn {own}(&self) {{ println!(\"{{}}\", (self.x).{other}()) }} }}");
        Parsed::new(path, &text)
    };
    let mut all = vec![
        file("lifecycle/a.rs", "alpha", "beta"),
        file("lifecycle/b.rs", "beta", "gamma"),
        file("lifecycle/c.rs", "gamma", "delta"),
        file("lifecycle/d.rs", "delta", "alpha"),
        // A lower module cannot hold a type of a higher one, whatever its method is called.
        file("model/e.rs", "epsilon", "alpha"),
    ];
    assert_eq!(Graph::new(&all).cycles()[0], ["lifecycle/a.rs", "lifecycle/b.rs", "lifecycle/c.rs", "lifecycle/d.rs"]);
    all[3] = file("lifecycle/d.rs", "delta", "len");
    assert!(Graph::new(&all).cycles()[0].is_empty());
}
