//! The real program while things break underneath it. Each test is the small size of a part of `tests/campaign.sh`,
//! which sets `GRANTD_CAMPAIGN` to the large one.

mod clock;
mod eio;
mod flip;
mod flood;
mod full;
#[path = "../process/http.rs"]
#[allow(dead_code, reason = "shared with the tests of the program, which use more of it")]
mod http;
mod mounted;
mod overload;
mod power;
#[path = "../process/program.rs"]
#[allow(dead_code, reason = "shared with the tests of the program, which use more of it")]
mod program;
mod shim;
mod slow;
mod soak;
mod stall;
mod tls;
mod world;

/// How often: as the campaign says, or else `small`.
fn size(small: u64) -> u64 {
    let said = std::env::var("GRANTD_CAMPAIGN").ok();
    said.map_or(small, |text| text.parse().expect("GRANTD_CAMPAIGN is a number"))
}
