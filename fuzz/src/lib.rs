//! The targets of libFuzzer, which `tests/parsers` drives as well.

#[path = "../../tests/parsers/targets/mod.rs"]
mod targets;

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = targets::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .expect("the target is listed");
    target(data);
}
