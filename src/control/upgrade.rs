//! What this program would make of a store that another release wrote: every record is read as what it has to be.

use crate::model as m;
use crate::model::settings::{FORMAT, Settings, other_format};
use crate::store::records::{Record, decode, load};
use crate::store::{Key, Store, StoreError, Stored, keys};
use serde::Serialize;
use std::collections::BTreeMap;

const PAGE: u32 = 500;
/// Records told one by one; the rest is counted.
const TOLD_MAX: usize = 20;

#[derive(Default, Debug, Serialize)]
pub struct Read {
    pub records: u64,
    pub spaces: BTreeMap<&'static str, u64>,
    /// Of records that cannot be read, a sentence each, [`TOLD_MAX`] at most.
    pub unreadable: Vec<String>,
    pub unreadable_total: u64,
}

type Reader = fn(&Key, &Stored) -> Result<(), StoreError>;

fn read_as<R: Record>(key: &Key, stored: &Stored) -> Result<(), StoreError> {
    decode::<R>(key, stored).map(|_| ())
}

/// What stands in a space; `None`: keys that lead to records, or numbers.
fn reader(space: &str) -> Option<Reader> {
    Some(match space {
        "access_request" => read_as::<m::access_request::AccessRequest>,
        "api_key" => read_as::<m::api_key::ApiKey>,
        "app" => read_as::<m::app::App>,
        "attempts" => read_as::<m::attempts::Attempts>,
        "audit_block" => read_as::<m::audit_chain::Block>,
        "audit_chain" => read_as::<m::audit_chain::Chain>,
        "callback_secret" => read_as::<m::callback_secret::CallbackSecret>,
        "code" => read_as::<m::code::Code>,
        "delivery" => read_as::<m::delivery::Delivery>,
        "document" => read_as::<m::document::Document>,
        "dossier" => read_as::<m::dossier::Dossier>,
        "submission" => read_as::<m::dossier::Submission>,
        "endpoint" => read_as::<m::endpoint::Endpoint>,
        "event" => read_as::<m::event::Event>,
        "failure" => read_as::<m::failure::Failure>,
        "family" => read_as::<m::family::Family>,
        "grant" => read_as::<m::grant::Grant>,
        "issued_token" => read_as::<m::issued_token::IssuedToken>,
        "kept_answer" => read_as::<m::kept_answer::KeptAnswer>,
        "last_use" => read_as::<m::last_use::LastUse>,
        "link" => read_as::<m::link::Link>,
        "mail" => read_as::<m::mail::Mail>,
        "member" => read_as::<m::member::Member>,
        "organization" => read_as::<m::organization::Organization>,
        "personal_token" => read_as::<m::personal_token::PersonalToken>,
        "pushed_request" => read_as::<m::pushed_request::PushedRequest>,
        "receipt" => read_as::<m::receipt::Receipt>,
        "reminder" => read_as::<m::reminder::Reminder>,
        "reset_receipt" => read_as::<m::installation::ResetReceipt>,
        "revoked_token" => read_as::<m::revoked_token::RevokedToken>,
        "session" => read_as::<m::session::Session>,
        "settings" => read_as::<Settings>,
        "signing_key" => read_as::<m::signing_key::SigningKeyRecord>,
        "subscription" => read_as::<m::subscription::Subscription>,
        "subscription_receipt" => read_as::<m::subscription::SubscriptionReceipt>,
        "usage" => read_as::<m::usage::Usage>,
        "used_once" => read_as::<m::used_once::UsedOnce>,
        "user" => read_as::<m::user::User>,
        _ => return None,
    })
}

/// Refuses another format with a sentence.
pub async fn check_format(store: &dyn Store) -> Result<(), String> {
    let settings = load::<Settings>(store, &keys::settings()).await?;
    let settings = settings.ok_or("the store is empty: there is nothing to upgrade")?;
    if settings.format == FORMAT {
        return Ok(());
    }
    Err(other_format(settings.format))
}

/// Reads all there is.
pub async fn read_all(store: &dyn Store) -> Result<Read, String> {
    let (mut read, mut after) = (Read::default(), None);
    loop {
        let rows = store.scan(&Key::default(), after.as_ref(), PAGE).await?;
        for (key, stored) in &rows {
            let space = keys::SPACES.iter().find(|(tag, _)| key.0.first() == Some(tag));
            let found = match space {
                None => Err(format!("{key:?} is of a kind that this program does not know")),
                Some((_, space)) => {
                    *read.spaces.entry(space).or_default() += 1;
                    let found = reader(space).map_or(Ok(()), |reader| reader(key, stored));
                    found.map_err(|e| format!("{space}: {e}"))
                }
            };
            read.records += 1;
            if let Err(why) = found {
                read.unreadable_total += 1;
                if read.unreadable.len() < TOLD_MAX {
                    read.unreadable.push(why);
                }
            }
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(read),
        }
    }
}
