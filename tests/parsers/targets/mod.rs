//! Every parser of bytes from outside, as a function of bytes that must return: `fuzz/` drives them with libFuzzer,
//! `tests/parsers` with mutations of the same corpus. Besides not panicking, each says what must hold of what was read.

mod addresses;
mod configured;
mod headers;
mod jose;
mod kept;
mod requests;
mod texts;
#[path = "../../corpus/world.rs"]
#[allow(
    dead_code,
    reason = "shared with the corpus of malformed requests, which uses more of it"
)]
mod world;

use world::World;

/// What a parser is driven with.
pub type Target = fn(&[u8]);

/// By the names of their corpus.
pub const ALL: [(&str, Target); 25] = [
    ("authorize", requests::authorize),
    ("command", texts::command),
    ("config", configured::config),
    ("dpop", jose::dpop),
    ("export", kept::export),
    ("form", texts::form),
    ("frame", kept::frame),
    ("headers", headers::headers),
    ("import", kept::import),
    ("json", texts::json),
    ("jwk", jose::jwk),
    ("jws", jose::jws),
    ("manifest", configured::manifest),
    ("multipart", headers::multipart),
    ("path", addresses::path),
    ("picture", kept::picture),
    ("profile", configured::profile),
    ("record", kept::record),
    ("redirect_uri", addresses::redirect_uri),
    ("request", requests::request),
    ("scope", texts::scope),
    ("token", jose::token),
    ("tree", configured::tree),
    ("values", texts::values),
    ("webhook_url", addresses::webhook_url),
];

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
}

/// What waits for nothing but memory, to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

thread_local! {
    static WORLD: World = block_on(World::new("default"));
}

/// With the server in memory of this thread.
fn with_world<T>(f: impl FnOnce(&World) -> T) -> T {
    WORLD.with(f)
}
