#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| grantd_fuzz::run("request", data));
