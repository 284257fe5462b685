//! Deletes what has expired. Nothing depends on it but space.

use crate::context::Context;
use crate::store::StoreError;

const PAGE: u32 = 500;

pub async fn turn(ctx: &Context) -> Result<(), StoreError> {
    while ctx.store.sweep(ctx.now(), PAGE).await? == PAGE {}
    Ok(())
}
