//! New organizations.

use crate::base::random;
use crate::config::IdType;
use crate::context::Context;
use crate::model::organization::{ConsentPolicy, Organization};
use crate::model::settings::Settings;
use crate::store::{Batch, StoreError, keys};

/// Puts a new organization of this name into the batch, with the next free id.
pub async fn found(ctx: &Context, batch: &mut Batch, name: String) -> Result<Organization, StoreError> {
    let id = match ctx.profile().ids {
        IdType::Text => format!("o_{}", random::token::<9>(&*ctx.random)),
        IdType::Integer => {
            let settings = ctx.settings().await?;
            let id = free_number(ctx, settings.next_organization).await?;
            let counted = Settings {
                next_organization: id + 1,
                ..settings.value.clone()
            };
            batch.replace(&settings, &counted)?;
            id.to_string()
        }
    };
    let organization = named(ctx, id, name);
    batch.insert(&organization)?;
    Ok(organization)
}

/// With an id that somebody chose.
pub fn named(ctx: &Context, id: String, name: String) -> Organization {
    Organization {
        id,
        name,
        disabled: false,
        epoch: 0,
        created_at: ctx.now(),
        policy: ConsentPolicy::default(),
    }
}

/// The next number that nobody chose by hand.
async fn free_number(ctx: &Context, from: u64) -> Result<u64, StoreError> {
    let mut id = from;
    while ctx.store.get(&keys::organization(&id.to_string())).await?.is_some() {
        id += 1;
    }
    Ok(id)
}
