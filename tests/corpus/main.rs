//! No request, however malformed, yields a 5xx or a panic: thousands of mutated ones, the same at every run.

#[path = "../process/http.rs"]
#[allow(dead_code, reason = "shared with the tests of the program, which use more of it")]
mod http;
mod in_process;
mod judge;
mod mutate;
#[path = "../process/program.rs"]
#[allow(dead_code, reason = "shared with the tests of the program, which use more of it")]
mod program;
mod raw;
mod shapes;
mod world;
