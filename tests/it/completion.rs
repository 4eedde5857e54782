//! Completion in a real bash: of `dispatch`, and of everything else once it is installed.

use std::fs;

use crate::shell::{Shell, completes_all, world};

#[test]
fn bash_completes_dispatch_and_all_else() {
    let world = world();
    let rc = "PS1='% '\nbind 'set enable-bracketed-paste off'\nsource <(dispatch completions bash)\n";
    let path = world.root().join("home/rc");
    fs::write(&path, rc).unwrap();
    let shell = Shell::start(&world, "bash", &format!("bash --noprofile --rcfile {} -i", path.display()));
    completes_all(&shell);
}
