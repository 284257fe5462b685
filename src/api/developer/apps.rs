//! Apps: listed, made and changed.

use super::call::{Call, stated};
use super::{Answered, Reply};
use crate::model::app::{ClientType, Developer, Kind};
use crate::model::dossier::{Decision, Submission};
use crate::model::review::Case;
use crate::oauth::access_token::TypedId;
use crate::platform::apps::listing::{self, case_of};
use crate::platform::apps::scopes::Wish;
use crate::platform::apps::{self, Details, DetailsChange, NewApp};
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /organizations/{organization}/apps`.
pub async fn all(call: &Call<'_>, organization: &str) -> Answered {
    let listed = listing::of_organization(call.ctx, call.actor(), organization, call.after(), call.limit).await?;
    let mut items = Vec::with_capacity(listed.rows.len());
    for app in listed.rows {
        items.push(view(call, &case_of(call.ctx, app).await?));
    }
    Ok(Reply::ok(call.page(items, listed.next)))
}

/// `GET /apps`: those of the token's organization in which one has a stake.
pub async fn stakes(call: &Call<'_>) -> Answered {
    let apps = listing::of_stakeholder(call.ctx, call.actor()).await?;
    let mut cases = Vec::with_capacity(apps.len());
    for app in apps {
        cases.push(case_of(call.ctx, app).await?);
    }
    let page = call.part(&cases, |case| &case.app.client_id, |case| view(call, case));
    Ok(Reply::ok(page))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    kind: OwnKind,
    #[serde(default, deserialize_with = "stated")]
    client_type: Option<ClientType>,
    name: String,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    website: Option<String>,
    #[serde(default)]
    support: Option<String>,
    #[serde(default)]
    privacy_policy: Option<String>,
    #[serde(default)]
    terms: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    redirect_uris: Option<Vec<String>>,
    #[serde(default)]
    dedicated_user: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    stakeholders: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    scopes: Option<Vec<Wished>>,
}

/// What developers register; resource servers are whoever runs the server's.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    Private,
    Public,
}

impl From<OwnKind> for Kind {
    fn from(kind: OwnKind) -> Self {
        match kind {
            OwnKind::Private => Self::Private,
            OwnKind::Public => Self::Public,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    scope: String,
    why: String,
}

fn wishes(scopes: Vec<Wished>) -> Vec<Wish> {
    let wish = |wished: Wished| Wish {
        scope: wished.scope,
        why: wished.why,
    };
    scopes.into_iter().map(wish).collect()
}

/// `POST /organizations/{organization}/apps`.
pub async fn create(call: &Call<'_>, organization: &str) -> Answered {
    let body: New = call.body()?;
    let change = DetailsChange {
        name: Some(body.name),
        company: body.company,
        website: body.website,
        support: body.support,
        privacy_policy: body.privacy_policy,
        terms: body.terms,
        redirect_uris: body.redirect_uris,
        dedicated_user: body.dedicated_user,
        stakeholders: body.stakeholders,
    };
    let kind = body.kind.into();
    // Whoever may not make one is told so before anything of it is judged.
    call.actor()
        .in_organization(call.ctx, organization, Right::CreateApp)
        .await?;
    let mut faults: Vec<Fault> = Vec::new();
    change.check_fits(kind, &mut faults);
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults).into());
    }
    let new = NewApp {
        kind,
        client_type: body.client_type.unwrap_or(ClientType::Confidential),
        details: change.applied(Details::default()),
        logo: None,
        wishes: body.scopes.map(wishes),
        key: None,
    };
    let case = apps::create(call.ctx, call.actor(), organization, new).await?;
    let location = format!("/apps/{}", case.app.client_id);
    Ok(Reply::made(view(call, &case), location))
}

/// `GET /apps/{client_id}`.
pub async fn get(call: &Call<'_>, client_id: &str) -> Answered {
    let access = call.actor().on_app(call.ctx, client_id, Right::SeeApp).await?;
    Ok(Reply::ok(view(call, &access.case())))
}

/// What is left out stays; null is nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default, deserialize_with = "stated")]
    name: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    company: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    website: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    support: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    privacy_policy: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    terms: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    redirect_uris: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    dedicated_user: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    stakeholders: Option<Vec<String>>,
}

/// `PATCH /apps/{client_id}`.
pub async fn change(call: &Call<'_>, client_id: &str) -> Answered {
    let body: Change = call.body()?;
    let change = DetailsChange {
        name: body.name,
        company: body.company.map(Option::unwrap_or_default),
        website: body.website.map(Option::unwrap_or_default),
        support: body.support.map(Option::unwrap_or_default),
        privacy_policy: body.privacy_policy.map(Option::unwrap_or_default),
        terms: body.terms.map(Option::unwrap_or_default),
        redirect_uris: body.redirect_uris,
        dedicated_user: body.dedicated_user.map(Option::unwrap_or_default),
        stakeholders: body.stakeholders,
    };
    let case = apps::change(call.ctx, call.actor(), client_id, &change).await?;
    Ok(Reply::ok(view(call, &case)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scopes {
    scopes: Vec<Wished>,
}

/// `PUT /apps/{client_id}/scopes`: these and no others.
pub async fn set_scopes(call: &Call<'_>, client_id: &str) -> Answered {
    let body: Scopes = call.body()?;
    let case = apps::scopes::set(call.ctx, call.actor(), client_id, &wishes(body.scopes)).await?;
    Ok(Reply::ok(view(call, &case)))
}

pub fn view(call: &Call<'_>, case: &Case) -> Value {
    let Case { app, dossier } = case;
    let missing = call.ctx.profile().review.missing(case);
    let mut view = json!({
        "client_id": app.client_id,
        "key": app.key,
        call.ctx.profile().noun.id_claim(): TypedId::new(call.ctx, &app.organization),
        "kind": app.kind,
        "client_type": app.client_type,
        "state": app.state,
        "disabled": app.disabled,
        "name": app.name,
        "redirect_uris": app.redirect_uris,
        "dedicated_user": app.dedicated_user,
        "scopes": app.scopes,
        "wanted": wanted(&dossier.wanted, &dossier.reasons),
        "missing": missing.iter().map(|detail| detail.as_str()).collect::<Vec<_>>(),
        "decision": dossier.verdict.as_ref().map(decision),
        "created_at": app.created_at.to_string(),
    });
    for (name, value) in developer(call, &app.developer) {
        view[name] = value;
    }
    view
}

/// Who made it, as members of whatever tells it; what is empty is null.
fn developer(call: &Call<'_>, of: &Developer) -> [(&'static str, Value); 6] {
    let said = |text: &str| Some(text).filter(|text| !text.is_empty()).into();
    let logo = of.logo.as_ref();
    let logo = logo.map(|digest| format!("{}/logos/{digest}.png", call.ctx.issuer()));
    [
        ("company", said(&of.company)),
        ("website", said(&of.website)),
        ("support", of.support.clone().into()),
        ("privacy_policy", of.privacy_policy.clone().into()),
        ("terms", of.terms.clone().into()),
        ("logo", logo.into()),
    ]
}

fn wanted(scopes: &[String], reasons: &[(String, String)]) -> Vec<Value> {
    let why = |scope: &String| {
        let found = reasons.iter().find(|(name, _)| name == scope);
        found.map_or("", |(_, why)| why)
    };
    let wish = |scope| json!({ "scope": scope, "why": why(scope) });
    scopes.iter().map(wish).collect()
}

pub fn decision(of: &Decision) -> Value {
    json!({ "verdict": of.verdict.as_str(), "note": of.note, "by": of.by, "at": of.at.to_string() })
}

pub fn submission(call: &Call<'_>, of: &Submission) -> Value {
    let mut view = json!({
        "number": of.number,
        "name": of.name,
        "redirect_uris": of.redirect_uris,
        "wanted": wanted(&of.scopes, &of.reasons),
        "by": of.by,
        "at": of.at.to_string(),
        "decision": of.decision.as_ref().map(decision),
    });
    for (name, value) in developer(call, &of.developer) {
        view[name] = value;
    }
    view
}
