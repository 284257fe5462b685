//! Small bad trees: every rule has to notice each of them, and nothing in the good ones.

use crate::tree::Tree;
use crate::{dependencies, files, layers, promises, shape};

type Rule = fn(&Tree) -> Vec<String>;

/// One sentence for each of `expected`, in any order, and no other.
fn assert_found(rule: Rule, tree: &[(&str, &str)], expected: &[&str]) {
    let found = rule(&Tree::of(tree));
    for part in expected {
        assert!(
            found.iter().any(|f| f.contains(part)),
            "{part:?} is missing in {found:#?}\nof {tree:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}\nof {tree:#?}");
}

#[test]
fn imports_to_the_left_are_found_however_they_are_written() {
    let left = "stands to its left";
    for text in [
        "use crate::api::Row;",
        "use crate::{base::time, oauth::{scope}, store};",
        "fn f() { crate::context::new() }",
        "fn f() { super::super::oauth::new() }",
        "pub use super::\n    super::cli as c;",
        "pub struct S(grantd::app::App);",
        "#[cfg(test)] mod tests { use crate::app; }",
    ] {
        assert_found(layers::imports, &[("src/model/app.rs", text)], &[left]);
    }
    assert_found(
        layers::imports,
        &[("src/api/token.rs", "use crate::portal::page;")],
        &["siblings"],
    );
    for text in ["use crate as root;", "use crate::{self as root};", "use crate::*;"] {
        assert_found(layers::imports, &[("src/api/token.rs", text)], &["whole crate"]);
    }
    assert_found(layers::imports, &[("src/helpers.rs", "")], &["no place in LAYERS"]);
}

#[test]
fn imports_to_the_right_and_words_in_text_are_fine() {
    let text = r####"
        use crate::{base::time::Timestamp, store::{Batch, Store}};
        use super::scope::{self as s, *};
        // use crate::app;
        /* crate::app /* nested */ crate::app */
        const D: [char; 2] = ['\\','"'];
        const A: &str = "crate::app \" crate::app";
        const B: &str = r#"crate::app " crate::app"#;
        const C: (char, char, u8) = ('"', '\'', b'"');
        fn f<'a>(x: &'a str) -> impl Fn() + use<'a> { move || drop(x) }
        pub(in crate::model) fn g() { self::f("") }
    "####;
    assert_found(
        layers::imports,
        &[("src/model/app.rs", text), ("src/lib.rs", "pub mod app;")],
        &[],
    );
}

#[test]
fn lib_rs_with_more_than_declarations_is_found() {
    let good = "//! Map.\n#![forbid(unsafe_code)]\npub mod app;\n#[cfg(test)]\nmod tests;";
    assert_found(layers::declarations, &[("src/lib.rs", good)], &[]);
    for text in [
        "pub mod app;\nfn f() {}\n",
        "pub use app::App;",
        "mod inner { const A: u8 = 1; }",
    ] {
        assert_found(layers::declarations, &[("src/lib.rs", text)], &["only declares"]);
    }
}

#[test]
fn long_files_functions_and_lines_are_found() {
    let function = |lines: usize| {
        format!(
            "fn f<'a>(s: [u8; 2]) {{\n{}}}\n",
            "    g('}', \"}\"); // }\n".repeat(lines - 2)
        )
    };
    assert_found(shape::lengths, &[("src/a.rs", &function(70))], &[]);
    assert_found(shape::lengths, &[("tests/a.rs", &function(71))], &["`f` has 71 lines"]);
    assert_found(shape::lengths, &[("src/a.rs", &"// x\n".repeat(400))], &[]);
    assert_found(shape::lengths, &[("src/a.rs", &"// x\n".repeat(401))], &["401 lines"]);
    assert_found(shape::lengths, &[("src/a.rs", &format!("// {}", "ä".repeat(117)))], &[]);
    assert_found(
        shape::lengths,
        &[("benches/a.rs", &format!("// {}", "ä".repeat(118)))],
        &["121 columns"],
    );
    let pointer = format!("type F = fn(u8);\nstruct S;\n{}", "// x\n".repeat(80));
    assert_found(shape::lengths, &[("src/a.rs", &pointer)], &[]);
}

#[test]
fn banned_calls_are_found_and_the_replacement_is_named() {
    let cases = [
        ("fn f() { SystemTime::now(); }", "Clock"),
        ("fn f() { std::time::Instant\n::now(); }", "Clock"),
        ("use rand::{rngs::StdRng};", "&dyn Random"),
        ("fn f() { aws_lc_rs::rand::fill(&mut b); }", "&dyn Random"),
        ("use getrandom::fill;", "&dyn Random"),
        ("fn f() { OsRng; }", "&dyn Random"),
        ("fn f() { SysRng; }", "&dyn Random"),
        ("fn f() { serde_cbor::to_vec(); }", "codec.rs"),
        ("use sled::Db;", "`Store` trait"),
        ("fn f() { x.unwrap(); }", "`expect`"),
        ("fn f() { todo!() }", "finish it"),
        ("fn f() { unimplemented!() }", "finish it"),
        ("fn f() { dbg!(1); }", "`log`"),
        ("fn f() { println!(); }", "`log`"),
        ("#[ignore] fn f() {}", "full run"),
        ("fn f() { tokio::time::sleep(d).await; }", "push the clock"),
        ("fn f() { sleep(d); } // allowed:  ", "push the clock"),
    ];
    for (text, instead) in cases {
        assert_found(shape::bans, &[("src/oauth/x.rs", text)], &[instead]);
    }
    assert_found(
        shape::bans,
        &[("tests/x.rs", "#[ignore = \"slow\"] fn f() { sleep(d) }")],
        &["full run", "push"],
    );
    // Time and randomness are banned in tests of src too.
    let test = "#[cfg(test)] mod tests { fn f() { Instant::now(); } }";
    assert_found(shape::bans, &[("src/oauth/x.rs", test)], &["Clock"]);
    let after = "#[cfg(test)]\n#[path = \"x\"]\nmod tests { fn f() { x.unwrap() } }\nfn g() { x.unwrap() }";
    assert_found(shape::bans, &[("src/oauth/x.rs", after)], &["x.rs:4"]);
}

#[test]
fn what_is_allowed_where_it_stands_is_not_found() {
    for (path, text) in [
        ("src/base/time.rs", "fn f() { SystemTime::now(); Instant::now(); }"),
        ("src/base/random.rs", "use rand::rngs::SysRng;"),
        ("src/store/codec.rs", "fn f() { serde_cbor::to_vec(); }"),
        ("src/store/sled/writer.rs", "use sled::Db;"),
        ("src/store/mod.rs", "pub mod sled; use crate::store::{sled::SledStore};"),
        ("src/cli/mod.rs", "fn f() { println!(); }"),
        (
            "src/oauth/x.rs",
            "fn f() { x.unwrap_or_default(); operand::now(); // dbg!(x.unwrap()) \n }",
        ),
        ("src/oauth/x.rs", "#[cfg(test)] mod tests { fn f() { x.unwrap() } }"),
        (
            "src/jobs/sweep.rs",
            "fn f() { sleep(d); } // allowed: the pause between two sweeps, decides nothing",
        ),
        ("tests/x.rs", "fn f() { x.unwrap(); println!(); Instant::now(); }"),
    ] {
        assert_found(shape::bans, &[(path, text)], &[]);
    }
    let apart = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "#[cfg(test)] mod t;"),
        ("src/a/t.rs", "fn f() { x.unwrap() }"),
    ];
    assert_found(shape::bans, &apart, &[]);
}

#[test]
fn files_nothing_reaches_are_found() {
    let tree = [
        ("src/lib.rs", "pub mod a; // mod b;"),
        ("src/main.rs", "mod cli;"),
        ("src/cli.rs", ""),
        ("src/a/mod.rs", "#[path = \"other.rs\"] pub mod c; mod d;"),
        ("src/a/other.rs", ""),
        ("src/a/d.rs", "mod e;"),
        ("src/a/d/e.rs", ""),
        ("src/a/c.rs", ""),
        ("src/b.rs", ""),
        ("tests/one.rs", "mod common;"),
        ("tests/common/mod.rs", ""),
        ("tests/common/lost.rs", ""),
    ];
    assert_found(
        files::dead_sources,
        &tree,
        &["src/b.rs", "src/a/c.rs", "tests/common/lost.rs"],
    );
    let manifest =
        "[package]\nautotests = false\n[[test]]\nname = \"main\"\n[[bench]]\nname = \"b\"\npath = \"benches/b/x.rs\"";
    let tree = [
        ("Cargo.toml", manifest),
        ("tests/main.rs", "mod rfc1;"),
        ("tests/rfc1.rs", ""),
        ("tests/rfc2.rs", ""),
        ("benches/b/x.rs", ""),
    ];
    assert_found(files::dead_sources, &tree, &["tests/rfc2.rs"]);
    let tree = [
        ("src/a.rs", "include_str!(\"../data/used.json\")"),
        ("data/used.json", ""),
        ("data/lost.json", ""),
    ];
    assert_found(files::dead_data, &tree, &["data/lost.json"]);
}

#[test]
fn dependencies_without_a_reason_or_a_use_are_found() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# Why.\na-b = \"1\"\nc = \"1\"\n\nd = \"1\"\n\n\
                    [dev-dependencies]\ne = \"1\"";
    assert_found(dependencies::reasons, &[("Cargo.toml", manifest)], &["d = ", "e = "]);
    let code = "use a_b::X; fn f(c: u8) {} // e::f\n #[cfg(test)] mod tests { use d::Y; }";
    let tree = [("Cargo.toml", manifest), ("src/lib.rs", "mod a;"), ("src/a.rs", code)];
    let expected = ["names `c`", "only tests name `d`", "names `e`"];
    assert_found(dependencies::uses, &tree, &expected);
}

#[test]
fn unmaintained_crates_without_reason_or_by_another_way_are_found() {
    let lock = "[[package]]\nname = \"old\"\n[[package]]\nname = \"sled\"\ndependencies = [\"old 1.0.0\"]\n";
    let deny = "[bans]\ndeny = [{ crate = \"old\", wrappers = [\"sled\"], reason = \"r\" }]\n\
                [advisories]\nignore = [{ id = \"RUSTSEC-1\", reason = \"old: r\" }]\n";
    let check = |lock: &str, deny: &str, expected: &[&str]| {
        assert_found(
            dependencies::unmaintained,
            &[("Cargo.lock", lock), ("deny.toml", deny)],
            expected,
        );
    };
    check(lock, deny, &[]);
    let by_another = format!("{lock}[[package]]\nname = \"new\"\ndependencies = [\"old\"]\n");
    check(&by_another, deny, &["`new` brings in `old`"]);
    check("", deny, &["no longer in Cargo.lock"]);
    check(lock, &deny.replace("reason = \"r\"", "x = 1"), &["no reason"]);
    check(lock, &deny.replace("old: r", "r"), &["does not begin with"]);
}

#[test]
fn failures_elsewhere_without_a_test_and_tests_without_one_are_found() {
    let names = "fn past_cve_2026_1_2026_2_x() {} mod a { async fn o1_past_workers_76_y() {} }";
    let row = |codes: &str, tests: &str| format!("| {codes} | what was wrong | {tests} |\n");
    let both =
        row("CVE-2026-1, CVE-2026-2", "`past_cve_2026_1_2026_2_x`") + &row("workers#76", "`o1_past_workers_76_y`");
    let check = |table: &str, names: &str, expected: &[&str]| {
        let tree = [("docs/threat-model.md", table), ("tests/x.rs", names)];
        assert_found(promises::failures_elsewhere, &tree, expected);
    };
    check(&both, names, &[]);
    check("", "", &["is gone"]);
    check(
        &both,
        "fn past_cve_2026_1_2026_2_x() {}",
        &["no test `o1_past_workers_76_y`"],
    );
    check(
        &both,
        &format!("{names} fn past_cve_2026_3_z() {{}}"),
        &["`past_cve_2026_3_z` is missing"],
    );
    check(
        &both.replace("CVE-2026-2", "CVE-2026-22"),
        names,
        &["no test of CVE-2026-22"],
    );
}

#[test]
fn facts_of_the_contract_without_a_test_are_found() {
    let table = "| 0.1 | a fact | `native_0_1_x`, `gone` |\n";
    let names = "fn native_0_1_x() {} fn d7_native_2_y() {} fn other() {}";
    let tree = [("docs/contract-makecrypto.md", table), ("tests/x.rs", names)];
    let expected = ["its facts are", "no test `gone`", "`d7_native_2_y` is missing"];
    assert_found(promises::contract, &tree, &expected);
}

#[test]
fn lines_of_the_checklist_without_a_test_are_found() {
    let missing = promises::lines(&Tree::of(&[("tests/x.rs", "fn o1_m6_x() {} fn x_o2() {}")]));
    assert!(missing.iter().any(|found| found.contains("line o2 ")), "{missing:?}");
    assert!(
        missing
            .iter()
            .any(|found| found.contains("line m6 of the checklist has a test"))
    );
    assert!(!missing.iter().any(|found| found.contains("line o1 ")));
}
