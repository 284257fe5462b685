//! One bit of the data directory is wrong, as disks and memory make them: it is noticed and healed, or refused, or it
//! changes nothing. No answer is ever wrong.

use crate::size;
use crate::world::{Found, World};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What an operator writes has no checksum; a lone reserve holds nothing.
const LEFT_OUT: [&str; 2] = ["grantd.toml", "reserve"];

#[test]
fn a_flipped_bit_is_healed_or_refused_and_never_answered() {
    let flips = size(24);
    let world = World::make();
    // Closed in order, and as a crash leaves it.
    world.copy("data", "closed");
    let (server, _) = world.serve(&world.place.path("data")).expect("it starts");
    server.kill();
    world.copy("data", "crashed");
    let mut random = StdRng::seed_from_u64(7);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut sentences = BTreeSet::new();
    let mut by_file: BTreeMap<String, u64> = BTreeMap::new();
    for flip in 0..flips {
        world.copy(if flip % 2 == 0 { "closed" } else { "crashed" }, "flipped");
        let data = world.place.path("flipped");
        let files = files(&data);
        // Every other one where the records are, the rest anywhere.
        let large: Vec<_> = files
            .iter()
            .filter(|file| file.metadata().is_ok_and(|m| m.len() > 64 * 1024))
            .collect();
        let file = match random.random_bool(0.5) {
            true => large[random.random_range(0..large.len())],
            false => &files[random.random_range(0..files.len())],
        };
        let (at, bit) = flip_one(file, &mut random);
        let name = file.strip_prefix(&data).expect("below it").display().to_string();
        let what = format!("flip {flip}: bit {bit} of byte {at} of {name}");
        *by_file.entry(name).or_default() += 1;
        let outcome = match world.judge(&data) {
            Found::Whole(log) if log.contains("built anew") || log.contains("cut off") => "healed",
            Found::Whole(_) => "harmless",
            Found::Refused(why) => {
                sentences.insert(why.lines().last().unwrap_or_default().to_owned());
                "refused"
            }
            Found::Wrong(why) => panic!("{what}: {why}"),
        };
        if std::env::var_os("GRANTD_CAMPAIGN").is_some() {
            println!("{what}: {outcome}");
        }
        *counts.entry(outcome).or_default() += 1;
    }
    println!("refusals: {sentences:#?}");
    println!("bit flips: {flips}, {counts:?}, 0 wrong answers, in {by_file:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a directory") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a type");
        let named = |name: &str| entry.file_name() == name;
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() && !LEFT_OUT.iter().any(|name| named(name)) {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Four of five among the bytes that are not zero: most of a journal file is still empty.
fn flip_one(file: &Path, random: &mut StdRng) -> (usize, u32) {
    let mut bytes = fs::read(file).expect("read");
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let at = if random.random_bool(0.8) && !used.is_empty() {
        used[random.random_range(0..used.len())]
    } else {
        random.random_range(0..bytes.len())
    };
    let bit = random.random_range(0..8);
    bytes[at] ^= 1 << bit;
    fs::write(file, bytes).expect("written");
    (at, bit)
}
