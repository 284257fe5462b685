//! Every parser of bytes from outside, with its corpus in `fuzz/corpus` and mutations of it, the same at every run:
//! none panics, none hangs. `tests/campaign.sh fuzz` lets libFuzzer search for longer.

#[path = "../corpus/mutate.rs"]
mod mutate;
mod targets;

use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use targets::{ALL, Target};

/// What a mutated input may grow to.
const BYTES_MAX: usize = 16 * 1024;

#[test]
fn no_parser_panics_at_its_corpus_or_at_mutations_of_it() {
    let rounds = rounds();
    let (mut executions, mut failures) = (0, Vec::new());
    for ((name, target), seed) in ALL.into_iter().zip(0..) {
        let corpus = corpus(name);
        let good = corpus
            .iter()
            .try_for_each(|(path, bytes)| run(name, target, bytes, &path.display().to_string()));
        match good.and_then(|()| mutated(name, target, &corpus, seed, rounds)) {
            Ok(()) => executions += corpus.len() + rounds,
            Err(failure) => failures.push(failure),
        }
    }
    println!("fuzz executions: {executions}, {} parsers", ALL.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Mutations of the corpus of each parser.
fn rounds() -> usize {
    let said = std::env::var("GRANTD_FUZZ_ROUNDS").ok();
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    said.and_then(|text| text.parse().ok())
        .unwrap_or(if full { 2_000 } else { 200 })
}

fn mutated(name: &str, target: Target, corpus: &[(PathBuf, Vec<u8>)], seed: u64, rounds: usize) -> Result<(), String> {
    let mut mutator = Mutator::new(seed);
    for round in 0..rounds {
        let (_, other) = mutator.pick(corpus).clone();
        let (_, mut bytes) = mutator.pick(corpus).clone();
        mutator.mutate(&mut bytes, &other);
        bytes.truncate(BYTES_MAX);
        run(name, target, &bytes, &format!("round {round}"))?;
    }
    Ok(())
}

/// The error names the parser and the input.
fn run(name: &str, target: Target, bytes: &[u8], which: &str) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| target(bytes)))
        .map_err(|_| format!("the parser {name} panicked at {which}: {}", bytes.escape_ascii()))
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has no corpus");
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("the file can be read");
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}
