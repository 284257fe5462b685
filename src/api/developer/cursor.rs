//! Cursors of lists: opaque, and good only for whoever got them, at the list they are of.

use super::call::Call;
use crate::base::digest::{base64url, from_base64url};
use crate::base::master::{Purpose, Sealed};
use serde_json::{Value, json};

impl Call<'_> {
    /// A page of a list; `next` is what its next page begins after.
    pub fn page(&self, items: Vec<Value>, next: Option<String>) -> Value {
        json!({ "items": items, "next": next.map(|next| self.sealed(&next)) })
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
