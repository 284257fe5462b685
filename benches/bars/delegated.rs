//! What users' apps ask for over HTTPS: refresh tokens rotated and codes redeemed, each a durable commit.
//!
//! Refreshing is held against minting by the same server in the same minute, which commits nothing: what is between the
//! two is the price of not losing a token. Fresh tokens and codes are made before every slice, so none is used twice.

use crate::measured::Measured;
use crate::wrk::CONNECTIONS;
use crate::{Report, median, middle_ratio};

const ROUNDS: usize = 15;
const SLICE_S: u32 = 1;
const RATIO_MIN: f64 = 0.45;

const SLOW_SYNC_US: u64 = 1_000;
/// Enough to share a sync among many.
const SLOW_CONNECTIONS: usize = 256;
/// Their handshakes take a good part of a second.
const SLOW_SLICE_S: u32 = 2;
const SLOW_RATIO_MIN: f64 = 0.5;

const CODE_ROUNDS: usize = 5;
/// So that a user has a handful of token families, not a thousand.
const CODE_USERS: usize = 2_000;

pub fn refresh() -> Result<Report, String> {
    let mut grantd = Measured::start(2 * SLOW_CONNECTIONS)?;
    Ok(Report::join([
        against_mint(&mut grantd)?,
        with_slow_syncs(&mut grantd)?,
    ]))
}

fn against_mint(grantd: &mut Measured) -> Result<Report, String> {
    let (mut refreshed, mut minted, mut p99_us) = (Vec::new(), Vec::new(), Vec::new());
    let mut syncs_per_commit = Vec::new();
    // The first slices count for nothing.
    grantd.refresh(CONNECTIONS, SLICE_S)?;
    grantd.mint(CONNECTIONS, SLICE_S)?;
    for round in 0..ROUNDS {
        // Who goes first changes, so that a steady drift favours nobody.
        if round % 2 == 0 {
            minted.push(grantd.mint(CONNECTIONS, SLICE_S)?.rate);
        }
        let before = grantd.counts()?;
        let slice = grantd.refresh(CONNECTIONS, SLICE_S)?;
        let after = grantd.counts()?;
        if round % 2 == 1 {
            minted.push(grantd.mint(CONNECTIONS, SLICE_S)?.rate);
        }
        refreshed.push(slice.rate);
        p99_us.push(slice.p99_us);
        syncs_per_commit.push((after.syncs - before.syncs) as f64 / (after.commits - before.commits).max(1) as f64);
    }
    let ratio = middle_ratio(&refreshed, &minted);
    let text = format!(
        "refresh ratio={ratio:.2} (refresh {:.0}/s, mint {:.0}/s, runs {ROUNDS}; p99 {:.1} ms, {:.3} syncs a commit)",
        median(refreshed),
        median(minted),
        median(p99_us) / 1e3,
        median(syncs_per_commit),
    );
    Ok(Report::line(text, &format!(">= {RATIO_MIN:.2}"), ratio >= RATIO_MIN))
}

fn with_slow_syncs(grantd: &mut Measured) -> Result<Report, String> {
    // Without and with.
    let mut rates = [Vec::new(), Vec::new()];
    grantd.refresh(SLOW_CONNECTIONS, SLOW_SLICE_S)?;
    for round in 0..ROUNDS {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            grantd.slow_syncs(if side == 1 { SLOW_SYNC_US } else { 0 })?;
            rates[side].push(grantd.refresh(SLOW_CONNECTIONS, SLOW_SLICE_S)?.rate);
        }
    }
    grantd.slow_syncs(0)?;
    let [quick, slow] = rates;
    let ratio = middle_ratio(&slow, &quick);
    let text = format!(
        "refresh slow_sync={ratio:.2} (1 ms more a sync, {SLOW_CONNECTIONS} connections: {:.0}/s of {:.0}/s, \
         runs {ROUNDS})",
        median(slow),
        median(quick),
    );
    Ok(Report::line(
        text,
        &format!("> {SLOW_RATIO_MIN:.2}"),
        ratio > SLOW_RATIO_MIN,
    ))
}

pub fn code() -> Result<Report, String> {
    let mut grantd = Measured::start(CODE_USERS)?;
    grantd.mint(CONNECTIONS, SLICE_S)?;
    let (mut redeemed, mut minted, mut p99_us) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CODE_ROUNDS {
        let rate = grantd.mint(CONNECTIONS, SLICE_S)?.rate;
        // Redeeming is slower than minting, so that many are enough.
        let slice = grantd.redeem(CONNECTIONS, rate as usize * SLICE_S as usize, SLICE_S)?;
        minted.push(rate);
        redeemed.push(slice.rate);
        p99_us.push(slice.p99_us);
    }
    Ok(Report::figure(format!(
        "code ratio={:.2} (PKCE and DPoP with ES256: {:.0}/s, mint {:.0}/s, runs {CODE_ROUNDS}; p99 {:.1} ms)",
        middle_ratio(&redeemed, &minted),
        median(redeemed),
        median(minted),
        median(p99_us) / 1e3,
    )))
}
