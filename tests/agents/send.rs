//! `send`: a text arrives in a window unchanged, whatever the agent is doing; where that is uncertain, `send` says so.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::random::Random;
use crate::waiting::{is, rounds, wait_until};
use crate::world::World;

fn stand_in() -> PathBuf {
    crate::programs::repository().join("tests/agents/stand_in.mjs")
}

/// A world with the stand-in as `claude`, and with `read`, a program that asks for bracketed pastes.
fn world() -> World {
    let reader = format!(
        "agents:\n  reader: {{ interactive: [node, {}, reader, said], prompt: none, protocol: text }}\n",
        stand_in().display()
    );
    let world = World::with(
        "  read: { interactive: true, agent: reader, prompt: x }\n  open: { interactive: true, prompt: \"{{ task.body }}\" }\n",
    );
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replacen("agents:\n", &reader, 1));
    world.shadow("claude", &format!("#!/bin/sh\nexec node {} \"$@\"\n", stand_in().display()));
    world
}

/// The texts that the agent received, in order.
fn said(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.project().join("said")).unwrap_or_default();
    // The last line may still be being written.
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Several lines of all sorts of characters; none that ends in a blank.
fn text(random: &mut Random) -> String {
    let pieces = [
        "word",
        " ",
        "  ",
        "\n",
        "\n\n",
        "é",
        "日本",
        "😀",
        "'",
        "\"",
        "$(id)",
        "`x`",
        "\\",
        ";",
        "#{pane_id}",
        "%s",
        "{end}",
        "!",
        "/x",
        "@file",
        "~",
        "-t",
        "[Pasted text #1]",
        "C-c",
        "Enter",
        "❯",
        "<b>",
    ];
    let most = if random.below(5) == 0 { 600 } else { 30 };
    let count = 1 + random.below(most);
    let mut text: String = (0..count).map(|_| pieces[random.below(pieces.len())]).collect();
    text.insert_str(0, "t ");
    text.push_str(if random.below(4) == 0 { "\\" } else { "." });
    text
}

#[test]
fn every_text_arrives_exactly_while_it_starts_and_while_it_works() {
    let world = world();
    let mut random = Random::new();
    println!("SEED={}", random.seed);
    world.task("T", &format!("seed={} start=700 busy=600 file=said", random.next() >> 33));
    world.dispatch("run -q --attach none open T").notes().succeeds();
    let mut sent = Vec::new();
    for _ in 0..rounds(200) {
        let text = text(&mut random);
        let answer = world.dispatch("send open T -").stdin(format!("{text}\n")).json();
        let reported = (&answer["sent"], &answer["confirmed"], &answer["exact"]);
        assert_eq!(reported, (&true.into(), &true.into(), &true.into()), "{answer} {text:?}");
        sent.push(text);
    }
    assert_eq!(said(&world), sent);
}

#[test]
fn to_a_program_that_takes_pastes_every_text_is_one() {
    let world = world();
    world.task("T", "");
    world.dispatch("run -q --attach none read T").notes().succeeds();
    wait_until("it reads", || is(world.project().join("said").exists(), "not yet"));
    let mut random = Random::new();
    println!("SEED={}", random.seed);
    let mut sent = vec!["tabs\tand\n\n".to_owned(), String::new(), "-x".to_owned(), "--no-such-flag".to_owned()];
    for text in &sent {
        world.dispatch("send read T").arg(text).stdout_is("").notes().succeeds();
    }
    for _ in 0..rounds(200) {
        let text = text(&mut random);
        // Without a word for the text, stdin is meant.
        world.dispatch("send -q read T").stdin(text.clone()).stdout_is("").succeeds();
        sent.push(text);
    }
    // 1 MiB is the most.
    let large = format!("{}\n", "0123456789abcde".repeat(4)).repeat(17_200);
    let large = &large[..1 << 20];
    world.dispatch("send -q read T -").stdin(format!("{large}\n")).stdout_is("").succeeds();
    sent.push(large.to_owned());
    wait_until("all has arrived", || is(said(&world).len() == sent.len(), said(&world).len().to_string()));
    assert!(said(&world) == sent);
    // The pane is in copy mode: the text arrives all the same.
    let pane = world.panes("#{pane_id}").pop().unwrap();
    world.tmux(&["copy-mode", "-t", &pane]);
    world.dispatch("send -q read T").arg("two\nlines").stdout_is("").succeeds();
    wait_until("it arrived", || is(said(&world).last().unwrap() == "two\nlines", format!("{:?}", said(&world).last())));
    assert_eq!(world.tmux(&["list-buffers"]), "");
}

#[test]
fn texts_that_are_sent_at_once_do_not_mix() {
    let world = world();
    world.task("T", "");
    world.dispatch("run -q --attach none read T").notes().succeeds();
    wait_until("it reads", || is(world.project().join("said").exists(), "not yet"));
    let texts: Vec<String> = (0..6).map(|n| format!("{n} first\n{}\nlast {n}", n.to_string().repeat(20_000))).collect();
    let calls: Vec<_> =
        texts.iter().map(|text| world.dispatch("send -q read T -").stdin(text.clone()).start()).collect();
    for call in calls {
        call.ends_with(0);
    }
    wait_until("all have arrived", || is(said(&world).len() == 6, format!("{}", said(&world).len())));
    let mut arrived = said(&world);
    arrived.sort();
    assert!(arrived == texts, "{:?}", arrived.iter().map(String::len).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_typed_as_it_is_is_refused_before_anything_is() {
    let world = world();
    world.task("T", "seed=1 file=said");
    world.dispatch("send open T x").stderr_has("`open T` has never run").fails_with(1);
    world.dispatch("run -q --attach none open T").notes().succeeds();
    let refuses = |text: &[u8], why: &str| {
        world.dispatch("send open T -").stdin(text).stdout_is("").stderr_has(why).fails_with(2);
    };
    refuses(b"a\x1b[201~b", "an escape (0x1b) at offset 1");
    refuses(b"a\r\nb", "a carriage return (0x0d) at offset 1");
    refuses(b"a\0", "a NUL (0x00)");
    refuses(b"ab\xff", "byte 0xff at offset 2");
    refuses(b"", "there is no text");
    refuses(b" \n\n ", "is empty");
    refuses(&vec![b'x'; (1 << 20) + 1], "longer than 1048576 bytes");
    world.dispatch("send open").any_stderr().fails_with(2);
    world.task("J", "%hang\n");
    world.detach("job", "J");
    world.dispatch("send job J x").stderr_has("headless").fails_with(2);
    // This agent's editor does not take tabs as text: `send` refuses them.
    let reported = world.dispatch("send open T").arg("a\tb").stderr_has("not byte for byte").fails_with(0);
    assert_eq!(reported.text(), "");
    let json = world.dispatch("send open T").arg("c\td").json();
    assert_eq!((&json["confirmed"], &json["exact"]), (&true.into(), &false.into()), "{json}");
    world.dispatch("send open T plain").stderr_has("open T: arrived\n").fails_with(0);
    assert_eq!(said(&world), ["a    b", "c    d", "plain"]);
    // What its user has begun is not added to.
    let pane = world.panes("#{pane_id} #{pane_current_command}").into_iter().find(|row| row.contains("node")).unwrap();
    let pane = pane.split(' ').next().unwrap().to_owned();
    world.tmux(&["send-keys", "-t", &pane, "-l", "a draft"]);
    wait_until("it shows the draft", || {
        is(world.tmux(&["capture-pane", "-p", "-t", &pane]).contains("a draft"), "not yet")
    });
    world
        .dispatch("send open T more")
        .stderr_has("something stands in the input line")
        .stderr_has("hint: dispatch attach open T")
        .fails_with(1);
    world.dispatch("stop open T").notes().succeeds();
    world.dispatch("send open T x").stderr_has("`open T` is not running").fails_with(1);
    assert_eq!(said(&world).len(), 3);
}

#[test]
fn nothing_is_typed_into_what_asks() {
    let world = world();
    world.task("T", "seed=1 file=said");
    // It registers, and shows a dialog in place of its input line.
    world.shadow(
        "claude",
        "#!/bin/sh\nwhile [ \"$1\" != --settings ]; do shift; done\nprintf '%s' '{\"session_id\":\"S\",\"hook_event_name\":\"PermissionRequest\",\"tool_name\":\"Bash\"}' | dispatch event \"${2%/*}\"\nprintf 'Do you want to proceed?\\n ❯ 1. Yes\\n   2. No\\n'\nexec cat > typed\n",
    );
    world.dispatch("run -q --attach none open T").notes().succeeds();
    let ended = world.dispatch("send open T yes").stderr_has("hint: dispatch attach open T").fails_with(1);
    assert!(ended.stderr.contains("nothing was typed"), "{}", ended.stderr);
    assert_eq!(fs::read(world.project().join("typed")).unwrap(), b"");
    let server = world.serve();
    let answer = server.post("/api/send/open/T", r#"{"text":"yes"}"#);
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (409, Value::from("conflict")));
    assert_eq!(server.post("/api/send/open/T", r#"{"text":"a\u001bb"}"#).status, 422);
    assert_eq!(fs::read(world.project().join("typed")).unwrap(), b"");
}

#[test]
fn input_that_is_switched_off_is_reported_and_nothing_counts_as_sent() {
    let world = world();
    world.task("A", "%ask\n%hang\n").task("C", "x");
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let panes = world.panes("#{pane_start_command} #{pane_id}");
    let pane = panes.iter().find(|row| row.contains(&run)).and_then(|row| row.rsplit(' ').next()).unwrap().to_owned();
    world.tmux(&["select-pane", "-d", "-t", &pane]);
    let call = world.dispatch("send talk A hello").stderr_has("input to the pane of `talk A` is off");
    let ended = call.stderr_has("select-pane -e").fails_with(1);
    assert!(ended.stdout.is_empty(), "{ended:?}");
    let server = world.serve();
    let refused = server.post("/api/send/talk/A", r#"{"text":"hello"}"#);
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"), "{refused:?}");
    world.tmux(&["select-pane", "-e", "-t", &pane]);
    world.dispatch("send talk A now").notes().succeeds();
    assert_eq!(world.answer(&run), "now\n");
    // An agent that confirms what it reads is not typed into either.
    world.dispatch("run -q --attach none open C").notes().succeeds();
    let run = world.status("open", "C")["runId"].as_str().unwrap().to_owned();
    let panes = world.panes("#{pane_start_command} #{pane_id}");
    let pane = panes.iter().find(|row| row.contains(&run)).and_then(|row| row.rsplit(' ').next()).unwrap().to_owned();
    world.tmux(&["select-pane", "-d", "-t", &pane]);
    world.dispatch("send open C hello").stderr_has("input to the pane of `open C` is off").fails_with(1);
}
