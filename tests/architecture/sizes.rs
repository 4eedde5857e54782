//! Files of at most 400 lines, functions of at most 80 lines and 6 parameters, and `impl` blocks of the
//! central types in one file each.

use std::collections::BTreeMap;

use syn::spanned::Spanned;
use syn::visit::Visit;

use crate::sources::{self, Parsed};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 80;
const PARAMETERS: usize = 6;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer or take more, and why.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Types that much of the program holds: their methods stand in one file, and are few.
const CENTRAL: &[(&str, usize)] = &[("Store", 25), ("Project", 25)];

/// What is too large in one file.
#[derive(Default)]
struct Functions {
    path: String,
    wrong: Vec<String>,
    methods: BTreeMap<String, usize>,
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.judge(&function.sig, function.block.span());
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.judge(&function.sig, function.block.span());
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if let (None, syn::Type::Path(path)) = (&block.trait_, &*block.self_ty) {
            let name = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            let methods = block.items.iter().filter(|item| matches!(item, syn::ImplItem::Fn(_))).count();
            *self.methods.entry(name).or_default() += methods;
        }
        syn::visit::visit_item_impl(self, block);
    }
}

impl Functions {
    fn of(source: &Parsed) -> Self {
        let mut functions = Self { path: source.path.clone(), ..Self::default() };
        functions.visit_file(&source.file);
        functions
    }

    fn judge(&mut self, signature: &syn::Signature, body: proc_macro2::Span) {
        let name = signature.ident.to_string();
        if LONG_FUNCTIONS.iter().any(|(path, function, _)| *path == self.path && *function == name) {
            return;
        }
        let lines = body.end().line - signature.fn_token.span.start().line + 1;
        let parameters = signature.inputs.len();
        if lines > FUNCTION_LINES {
            self.wrong.push(format!("src/{}: `{name}` has {lines} lines", self.path));
        }
        if parameters > PARAMETERS {
            self.wrong.push(format!("src/{}: `{name}` has {parameters} parameters", self.path));
        }
    }
}

fn too_large(all: &[Parsed]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut homes: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for source in all {
        let allowed = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if source.lines > FILE_LINES && !allowed {
            wrong.push(format!("src/{} has {} lines", source.path, source.lines));
        }
        let functions = Functions::of(source);
        wrong.extend(functions.wrong);
        for (name, _) in CENTRAL {
            if let Some(methods) = functions.methods.get(*name) {
                homes.entry(name).or_default().push((source.path.as_str(), *methods));
            }
        }
    }
    for (name, most) in CENTRAL {
        match homes.get(name).map(Vec::as_slice) {
            Some([(path, methods)]) if methods > most => {
                wrong.push(format!("src/{path}: `{name}` has {methods} methods, more than {most}"));
            }
            Some(homes @ [_, _, ..]) => {
                let paths: Vec<&str> = homes.iter().map(|(path, _)| *path).collect();
                wrong.push(format!("`impl {name}` stands in {}", paths.join(", ")));
            }
            _ => {}
        }
    }
    wrong
}

#[test]
fn files_and_functions_are_small() {
    let wrong = too_large(&sources::all());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn what_is_too_large_is_found() {
    let lines = "    call();\n".repeat(80);
    for (text, fault) in [
        (format!("fn long() {{\n{lines}}}\n"), "`long` has 82 lines"),
        (format!("impl X {{ fn long(&self) {{\n{lines}}} }}\n"), "`long` has 82 lines"),
        ("fn wide(a: A, b: A, c: A, d: A, e: A, f: A, g: A) {}\n".to_owned(), "`wide` has 7 parameters"),
        ("fn f() {}\n".repeat(401), "has 401 lines"),
        (format!("impl Store {{ {} }}", "fn f(&self) {} ".repeat(26)), "`Store` has 26 methods"),
    ] {
        let wrong = too_large(&[Parsed::new("model/x.rs", &text)]);
        assert!(wrong.len() == 1 && wrong[0].contains(fault), "{fault}: {wrong:?}");
    }
    let twice = [Parsed::new("store/a.rs", "impl Store {}"), Parsed::new("store/b.rs", "impl Store {}")];
    assert_eq!(too_large(&twice), ["`impl Store` stands in store/a.rs, store/b.rs"]);
}
