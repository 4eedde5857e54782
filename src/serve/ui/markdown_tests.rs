//! The HTML that Markdown becomes, and what must not become HTML.

use crate::serve::ui::markdown::{DEEPEST, html};

/// Runs `does` on a stack as small as that of a connection's thread.
fn on_a_small_stack<T: Send + 'static>(does: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(crate::serve::limits::STACK).spawn(does).unwrap();
    thread.join().unwrap()
}

/// The tags in `html` as a browser finds them, with their attributes.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag is closed").0).collect()
}

#[test]
fn what_people_write_is_laid_out() {
    for (text, expected) in [
        ("# A *b*\n\n# A b", "<h2 id=\"md-a-b\">A <em>b</em></h2>\n<h2 id=\"md-a-b-1\">A b</h2>\n"),
        ("###### x", "<h6 id=\"md-x\">x</h6>\n"),
        ("a\\\nb ~~c~~ `<d>`", "<p>a<br>\nb <del>c</del> <code>&lt;d&gt;</code></p>\n"),
        ("3. x\n", "<ol start=\"3\">\n<li>x</li>\n</ol>\n"),
        ("- [x] y", "<ul>\n<li><span class=\"box\" role=\"img\" aria-label=\"done\">☑</span> y</li>\n</ul>\n"),
        ("```sh x\nls <a>\n```", "<pre tabindex=\"0\" data-language=\"sh\"><code>ls &lt;a&gt;\n</code></pre>\n"),
    ] {
        assert_eq!(html(text), expected);
    }
    let table = html("| a | b |\n|---|--:|\n| 1 | `2` |\n");
    assert!(table.contains("<th>a</th><th class=\"right\">b</th>"), "{table}");
    assert!(table.contains("<tr><td>1</td><td class=\"right\"><code>2</code></td></tr>"), "{table}");
    let noted = html("one[^n] two[^n]\n\n[^n]: said\n");
    assert_eq!(noted.matches("<a href=\"#mdfn-1\">1</a>").count(), 2, "{noted}");
    assert!(noted.contains("<div class=\"note\" id=\"mdfn-1\"><sup>1</sup> <p>said</p>"), "{noted}");
}

#[test]
fn only_plain_addresses_are_links() {
    let outside = "rel=\"noreferrer noopener\" target=\"_blank\"";
    for address in ["https://a.b/?c=1&d", "HTTP://a.b/", "mailto:a@b.c"] {
        let escaped = address.replace('&', "&amp;");
        assert_eq!(html(&format!("[x]({address})")), format!("<p><a href=\"{escaped}\" {outside}>x</a></p>\n"));
    }
    assert_eq!(html("[x](#what-is)"), "<p><a href=\"#md-what-is\">x</a></p>\n");
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#9;script:alert(1)",
        "&#1;javascript:alert(1)",
        "javascript&colon;alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:x",
        "//evil.test/",
        "/stop/job/A",
        "\\\\evil.test",
        "http:evil",
        "../x.md",
        "x.md",
    ] {
        for form in [format!("[x]({address})"), format!("[x]: {address}\n\n[x]"), format!("![x]({address})")] {
            let html = html(&form);
            assert!(tags(&html).iter().all(|tag| ["p", "/p", "code", "/code"].contains(tag)), "{form}: {html}");
            assert!(html.contains("x (<code>") || html.contains("x] (<code>"), "{form}: {html}");
        }
    }
}

#[test]
fn a_picture_is_told_and_not_loaded() {
    assert_eq!(html("![a <b>](x.png)"), "<p>[image: a &lt;b&gt;] (<code>x.png</code>)</p>\n");
    assert!(html("![a](https://b.c/d.png)").starts_with("<p><a href=\"https://b.c/d.png\" "));
    let both = html("[![a](https://b.c/d.png)](https://e.f/)");
    assert_eq!(both.matches("<a ").count(), 1, "no link within a link: {both}");
    let within = html("![x [y](https://a.b/) z](https://c.d/)");
    assert_eq!(within.matches("<a ").count(), 1, "{within}");
}

#[test]
fn hostile_text_stays_text() {
    let known = [
        "p",
        "br",
        "hr",
        "em",
        "strong",
        "del",
        "code",
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "sup",
        "a",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "div",
        "span",
    ];
    for text in [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<svg/onload=alert(1)>\n\n<iframe src=//x>",
        "<!-- --!><script>alert(1)</script> -->",
        "<details open ontoggle=alert(1)>",
        "</section></main><h1>x</h1>",
        "[\"><script>alert(1)</script>](https://a.b/\"onmouseover=alert(1))",
        "[x](https://a.b/\"onmouseover='alert(1)')",
        "[x](<https://a.b/\"><script>alert(1)</script>>)",
        "[x](https://a.b 'title\" onload=\"alert(1)')",
        "![\" onerror=\"alert(1)](https://a.b/x)",
        "```\"><script>alert(1)</script>\nx\n```",
        "# \"><script>alert(1)</script>",
        "[^\"><script>]\n\n[^\"><script>]: x",
        "| <script>alert(1)</script> |\n|---|\n| \"onload=x |",
        "`</code><script>alert(1)</script>`",
        "<https://a.b/\"onload=alert(1)>",
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;",
        "<a href=javascript:alert(1)>x</a>",
        "<![CDATA[<script>]]> <?php x ?> <!DOCTYPE x>",
    ] {
        let html = html(text);
        for tag in tags(&html) {
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            assert!(known.contains(&name), "{text}: {tag}");
            // All quotes of the text are entities, so the text outside quotes is ours.
            let own: String = tag.split('"').step_by(2).collect();
            assert!(!own.contains(" on") && !own.contains("src") && !own.contains("style"), "{text}: {tag}");
        }
    }
    assert_eq!(html("<b>x</b>"), "<p>&lt;b&gt;x&lt;/b&gt;</p>\n");
    assert_eq!(html("<div>\nx"), "<p class=\"raw\">&lt;div&gt;\nx</p>\n");
    // A heading's anchor cannot equal an anchor of the page.
    assert!(html("# page\n\n# toString\n").contains("id=\"md-page\""));
}

#[test]
fn depth_takes_no_stack_and_no_deep_tree() {
    on_a_small_stack(|| {
        for (piece, count) in [
            ("> ", 100_000),
            ("- ", 20_000),
            ("1. ", 20_000),
            ("*a ", 100_000),
            ("**a _b ", 50_000),
            ("[", 100_000),
            ("![", 50_000),
            ("[a](", 50_000),
            ("<a ", 50_000),
            ("`", 100_000),
        ] {
            for tail in ["x", &"] ".repeat(1000), &"*".repeat(1000)] {
                let html = html(&(piece.repeat(count) + tail));
                let (mut depth, mut deepest) = (0_usize, 0);
                for tag in tags(&html) {
                    match tag {
                        "br" | "hr" => {}
                        tag if tag.starts_with('/') => {
                            depth = depth.checked_sub(1).expect("what is closed is open");
                        }
                        _ => depth += 1,
                    }
                    deepest = deepest.max(depth);
                }
                assert_eq!(depth, 0, "{piece}: all is closed");
                assert!(deepest < 3 * DEEPEST, "{piece}: {deepest}");
            }
        }
    });
}

#[test]
fn a_large_text_makes_no_page_out_of_proportion() {
    on_a_small_stack(|| {
        for piece in [
            "\"",
            "- [ ] a\n",
            "|",
            "|a|b|\n|-|-|\n",
            "a|\n",
            "# a\n",
            "[a](#b)",
            "<http://a>",
            "[^a]",
            "[^a]: b\n",
            "- a\n",
            "[a]: <http://b>\n",
            "![a](b)",
            "**a**",
            "> a\n\n",
            "```\n",
            "<b>",
            "&amp;",
            "\\\n",
            "a\n===\n",
        ] {
            let text = piece.repeat((1 << 20) / piece.len());
            let html = html(&text);
            assert!(html.len() < 16 * text.len(), "{piece:?}: {} of {}", html.len(), text.len());
        }
        let wide = format!("{}\n{}\n{}", "|a".repeat(2000), "|-".repeat(2000), "|\n".repeat(100_000));
        assert!(html(&wide).len() < 64 * wide.len(), "cells that nobody wrote are bounded");
        let referred = format!("[a]: http://b/{}\n\n{}", "c".repeat(1 << 16), "[a]".repeat(1 << 16));
        assert!(html(&referred).len() < 64 * referred.len(), "an address that is used often is bounded");
    });
}
