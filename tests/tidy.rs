//! Style and layering are a test: it reads the sources and names what to write instead.
//!
//! Every rule is a function from a [`tree::Tree`] to sentences. Each is also run on small bad trees
//! (`tidy/samples.rs`), so that none can stop noticing.

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/samples.rs"]
mod samples;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;

use tree::Tree;

fn expect_none(rule: fn(&Tree) -> Vec<String>) {
    let found = rule(&Tree::read());
    assert!(found.is_empty(), "{} found:\n{}\n", found.len(), found.join("\n"));
}

#[test]
fn the_whole_tree_is_read() {
    let tree = Tree::read();
    for path in [
        "src/lib.rs",
        "src/main.rs",
        "src/base/time.rs",
        "tests/tidy.rs",
        "tests/tidy/tree.rs",
    ] {
        assert!(tree.files.iter().any(|f| f.path == path), "{path} was not read");
    }
    assert!(
        tree.data
            .iter()
            .any(|path| path == "data/profiles/default/profile.toml")
    );
}

#[test]
fn imports_go_only_to_the_right_and_siblings_never_name_each_other() {
    expect_none(layers::imports);
}

#[test]
fn lib_rs_only_declares() {
    expect_none(layers::declarations);
}

#[test]
fn files_functions_and_lines_are_short() {
    expect_none(shape::lengths);
}

#[test]
fn banned_calls_stand_nowhere() {
    expect_none(shape::bans);
}

#[test]
fn every_source_file_is_reached_by_a_mod_declaration() {
    expect_none(files::dead_sources);
}

#[test]
fn every_data_file_is_embedded() {
    expect_none(files::dead_data);
}

#[test]
fn every_dependency_has_a_reason_and_a_use() {
    expect_none(dependencies::reasons);
    expect_none(dependencies::uses);
}

#[test]
fn unmaintained_crates_come_only_through_the_parents_deny_toml_names() {
    expect_none(dependencies::unmaintained);
}

#[test]
fn every_line_of_the_checklists_has_a_test_with_its_code() {
    expect_none(promises::lines);
}

#[test]
fn every_fact_of_the_contract_has_a_test_and_every_test_of_installations_a_fact() {
    expect_none(promises::contract);
}

#[test]
fn every_past_failure_in_the_threat_model_has_a_test_and_the_other_way_round() {
    expect_none(promises::failures_elsewhere);
}
