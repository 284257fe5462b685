//! Both Ed25519 implementations over a token's signing input. The faster one must be the one that signs.

use crate::{Report, median};
use ed25519_dalek::{Signature, SigningKey};
use grantd::base::jose::Ed25519Key;
use grantd::base::time::Stopwatch;
use std::hint::black_box;

const ROUNDS: usize = 31;
const CALLS: u32 = 200;
const SEED: [u8; 32] = [7; 32];

pub fn run() -> Result<Report, String> {
    let key = Ed25519Key::from_seed(&SEED);
    let message = [b'x'; 600];
    let signature = key.sign_aws(&message);
    let dalek = SigningKey::from_bytes(&SEED).verifying_key();
    let parsed = aws_lc_rs::signature::ParsedPublicKey::new(&aws_lc_rs::signature::ED25519, dalek.to_bytes())
        .map_err(|e| e.to_string())?;
    let tasks: [&dyn Fn(); 4] = [
        &|| {
            black_box(key.sign_aws(black_box(&message)));
        },
        &|| {
            black_box(key.sign_dalek(black_box(&message)));
        },
        &|| parsed.verify_sig(black_box(&message), &signature).expect("it is valid"),
        &|| {
            let signature = Signature::from_bytes(&signature);
            dalek
                .verify_strict(black_box(&message), &signature)
                .expect("it is valid");
        },
    ];
    let mut rounds = vec![[0.0; 4]; ROUNDS];
    for round in &mut rounds {
        for (micros, task) in round.iter_mut().zip(tasks) {
            let watch = Stopwatch::start();
            (0..CALLS).for_each(|_| task());
            *micros = watch.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
        }
    }
    let [sign_aws, sign_dalek, verify_aws, verify_dalek] =
        std::array::from_fn(|task| median(rounds.iter().map(|round| round[task])));
    let text = format!(
        "ed25519 sign aws-lc-rs {sign_aws:.1} us, ed25519-dalek {sign_dalek:.1} us; \
         verify aws-lc-rs {verify_aws:.1} us, ed25519-dalek {verify_dalek:.1} us; aws-lc-rs signs"
    );
    Ok(Report::line(text, "the faster signs", sign_aws <= sign_dalek))
}
