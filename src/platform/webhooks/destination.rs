//! Where a delivery goes, as it stands now: address, secret, and whether anything is sent there.

use super::owner::may_act;
use super::{opened, secret_of};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::callback_secret::{CallbackSecret, ORGANIZATION};
use crate::model::delivery::{Delivery, To};
use crate::model::endpoint::{Endpoint, Standing};
use crate::model::subscription::Subscription;
use crate::oauth::subscriptions::tells_late;
use crate::store::{StoreError, keys};

pub struct Destination {
    pub url: String,
    /// `None` where it was sealed with a key that is gone.
    pub secret: Option<Secret>,
    pub standing: Standing,
    pub failing: bool,
    /// One at a time, in the order of the events.
    pub in_order: bool,
}

/// `None`: there is no such receiver any more.
pub async fn of(ctx: &Context, delivery: &Delivery) -> Result<Option<Destination>, StoreError> {
    match &delivery.to {
        To::Endpoint => {
            let key = keys::endpoint(&delivery.client_id, &delivery.endpoint);
            let endpoint = ctx.load::<Endpoint>(&key).await?;
            Ok(endpoint.map(|endpoint| Destination {
                url: endpoint.url.clone(),
                secret: secret_of(ctx, &endpoint),
                standing: endpoint.standing,
                failing: endpoint.failing_since.is_some(),
                in_order: endpoint.in_order,
            }))
        }
        To::Subscription { organization, owner } => {
            let key = keys::subscription(organization, owner);
            let Some(subscription) = ctx.load::<Subscription>(&key).await? else {
                return Ok(None);
            };
            let acts = subscription.active && may_act(ctx, organization, owner).await?;
            let on = acts || tells_late(ctx, &subscription).await?;
            Ok(Some(Destination {
                url: subscription.url.clone(),
                secret: opened(ctx, &subscription.id, &subscription.secret),
                standing: if on { Standing::Enabled } else { Standing::Disabled },
                failing: false,
                in_order: false,
            }))
        }
        To::Address {
            organization,
            owner,
            url,
            signer,
        } => {
            // What the organization itself signs goes to where it said; the rest to where the maker of the link did.
            let on = signer == ORGANIZATION || may_act(ctx, organization, owner).await?;
            let key = keys::callback_secret(organization, signer);
            let secret = ctx.load::<CallbackSecret>(&key).await?;
            Ok(secret.map(|secret| Destination {
                url: url.clone(),
                secret: opened(
                    ctx,
                    &super::subscriptions::callback::place(organization, signer),
                    &secret.secret,
                ),
                standing: if on { Standing::Enabled } else { Standing::Disabled },
                failing: false,
                in_order: false,
            }))
        }
    }
}
