//! Cursors of lists: opaque, and good only for whoever got them, at the list they are of.

use super::call::Call;
use crate::base::digest::{base64url, from_base64url};
use crate::base::master::{Purpose, Sealed};
use serde_json::{Value, json};

/// Longer than any: what a list goes on after is an id and a time.
pub const CURSOR_CHARS_MAX: usize = 400;

impl Call<'_> {
    /// A page of a list; `next` is what its next page begins after.
    pub fn page(&self, items: Vec<Value>, next: Option<String>) -> Value {
        json!({ "items": items, "next": next.map(|next| self.sealed(&next)) })
    }

    /// The part of a whole list that this call asks for; `id` tells its items apart.
    pub fn part<T>(&self, all: &[T], id: impl Fn(&T) -> &str, view: impl Fn(&T) -> Value) -> Value {
        let at = |after| all.iter().position(|item| id(item) == after);
        let begin = self.after().and_then(at).map_or(0, |at| at + 1);
        let rest = &all[begin..];
        let shown = &rest[..rest.len().min(self.limit as usize)];
        let next = shown.last().filter(|_| rest.len() > shown.len());
        self.page(shown.iter().map(view).collect(), next.map(|last| id(last).to_owned()))
    }

    fn sealed(&self, after: &str) -> String {
        let ctx = self.ctx;
        let sealed = ctx
            .secret
            .seal(Purpose::Cursor, &self.place(), after.as_bytes(), &*ctx.random);
        base64url(sealed.as_bytes())
    }

    pub(super) fn opened(&self, cursor: &str) -> Option<String> {
        let sealed = Sealed::from_bytes(from_base64url(cursor)?);
        let after = self.ctx.secret.open(Purpose::Cursor, &self.place(), &sealed)?;
        String::from_utf8(after.to_vec()).ok()
    }

    fn place(&self) -> Vec<u8> {
        [self.actor().id().as_bytes(), b"\0", self.request.path.as_bytes()].concat()
    }
}
