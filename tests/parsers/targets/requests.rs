//! The whole server behind the parser of HTTP: every handler reads what strangers send.

use super::headers::request_of;
use super::world::World;
use super::{block_on, with_world};
use grantd::oauth::authorize;
use std::cell::RefCell;

/// What a server in memory is asked before it makes room for a new one, which remembers nothing.
const REQUESTS: u32 = 5_000;

struct Standing {
    world: World,
    token: String,
    asked: u32,
}

impl Standing {
    fn new() -> Self {
        let world = block_on(World::new("default"));
        let token = block_on(world.mint());
        Self { world, token, asked: 0 }
    }

    /// In the place of these words stands what only this server knows.
    fn filled(&self, data: &[u8]) -> Vec<u8> {
        let (basic, world) = (self.world.basic(), &self.world);
        let words = [
            ("$TOKEN", self.token.as_str()),
            ("$BASIC", basic.as_str()),
            ("$CLIENT", world.client_id.as_str()),
            ("$ORGANIZATION", world.organization.as_str()),
        ];
        words.iter().fold(data.to_vec(), |data, (word, with)| {
            replaced(&data, word.as_bytes(), with.as_bytes())
        })
    }
}

fn replaced(data: &[u8], word: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.iter().position(|b| *b == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = match rest[at..].strip_prefix(word) {
            Some(after) => {
                out.extend_from_slice(with);
                after
            }
            None => {
                out.push(b'$');
                &rest[at + 1..]
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

thread_local! {
    static STANDING: RefCell<Standing> = RefCell::new(Standing::new());
}

/// A request with method, target, headers and body is never the server's fault, and no answer tells a secret.
pub fn request(data: &[u8]) {
    STANDING.with_borrow_mut(|standing| {
        let Some(request) = request_of(&standing.filled(data)) else {
            return;
        };
        if standing.asked == REQUESTS {
            *standing = Standing::new();
        }
        standing.asked += 1;
        let told = request
            .body
            .windows(8)
            .any(|part| standing.world.client_secret.as_bytes().starts_with(part));
        let response = block_on(standing.world.service.answer(request));
        assert!(response.status.as_u16() < 500, "{}", response.status);
        let body = String::from_utf8_lossy(&response.body);
        assert!(
            told || !body.contains(&standing.world.client_secret),
            "the secret is told"
        );
    });
}

/// The query of an authorization request.
pub fn authorize(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    with_world(|world| {
        let query = query.replace("$CLIENT", &world.client_id);
        let _ = block_on(authorize::read(&world.ctx, &query, world.ctx.now()));
    });
}
