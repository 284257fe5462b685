//! Many grants with a family each, as they stand in the store, without the requests that make them.

use grantd::base::master::Purpose;
use grantd::base::random::{self, SystemRandom};
use grantd::context::Context;
use grantd::model::epoch::Epochs;
use grantd::model::family::Family;
use grantd::model::grant::{Grant, GrantStatus};
use grantd::store::Batch;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Five writes each: more would not fit into a batch.
const AT_ONCE: usize = 12;
const WRITERS: usize = 64;
const LIVES: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub async fn write(ctx: &Arc<Context>, organization: &str, count: usize) -> Result<Value, String> {
    let mut writers = JoinSet::new();
    for first in (0..count).step_by(AT_ONCE) {
        if writers.len() == WRITERS
            && let Some(done) = writers.join_next().await
        {
            done.map_err(|e| e.to_string())??;
        }
        let (ctx, organization) = (ctx.clone(), organization.to_owned());
        writers.spawn(async move { write_some(&ctx, &organization, first..count.min(first + AT_ONCE)).await });
    }
    for done in writers.join_all().await {
        done?;
    }
    Ok(Value::Null)
}

async fn write_some(ctx: &Context, organization: &str, numbers: std::ops::Range<usize>) -> Result<(), String> {
    let mut batch = Batch::new();
    for number in numbers {
        let (grant, family) = of(ctx, organization, number);
        batch.insert(&grant)?.insert(&family)?;
    }
    ctx.store.commit(batch).await?;
    Ok(())
}

fn of(ctx: &Context, organization: &str, number: usize) -> (Grant, Family) {
    let (now, user) = (ctx.now(), format!("u_many_{number}"));
    let (client_id, resource) = ("grantd_app_many".to_owned(), format!("{}/api", ctx.issuer()));
    let scopes = vec!["data.read".to_owned(), "data.write".to_owned()];
    let grant = Grant {
        id: format!("g_{}", random::token::<12>(&SystemRandom)),
        organization: organization.to_owned(),
        user: user.clone(),
        client_id: client_id.clone(),
        native: false,
        scopes: scopes.clone(),
        resources: vec![resource.clone()],
        status: GrantStatus::Active,
        epoch: 0,
        stamps: Epochs::default(),
        created_at: now,
        approved_at: now,
    };
    let live: [u8; 24] = random::bytes(&SystemRandom);
    let family = Family {
        organization: organization.to_owned(),
        grant: grant.id.clone(),
        id: format!("f_{}", random::token::<9>(&SystemRandom)),
        client_id,
        user,
        scopes,
        resource,
        jkt: None,
        stamps: Epochs::default(),
        epoch: 0,
        ended: false,
        created_at: now,
        used_at: now,
        idle_ends_at: now + LIVES,
        ends_at: now + LIVES,
        counter: 0,
        live: ctx.secret.digest(Purpose::RefreshToken, &live),
        rotation: None,
        spent_keys: Vec::new(),
    };
    (grant, family)
}
