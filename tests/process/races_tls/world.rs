//! A data directory with thousands of codes, made through the library before the program starts; and what is in it
//! after the program has ended.

use crate::http::Client;
use crate::program::Place;
use grantd::base::digest::{base64url, sha256};
use grantd::base::master::MasterSecret;
use grantd::base::random::SystemRandom;
use grantd::base::time::SystemClock;
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::event::{Event, EventKind};
use grantd::model::family::Family;
use grantd::model::grant::{Grant, GrantStatus};
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, Approval};
use grantd::store::records::list;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, keys};
use serde_json::Value;
use std::fs;
use std::sync::Arc;

pub const EXCHANGES: usize = 16;
pub const REFRESHES: usize = 8;
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const ORGANIZATION: &str = "acme";
const CONFIG: &str = "issuer = \"https://127.0.0.1:8443\"\nlisten = [\"https://127.0.0.1:0\"]\nprofile = \"default\"\n";
/// All codes are made before the first is used, and the longest lifetime is not long for that.
const PROFILE: &str = "[lifetimes]\ncode = \"10m\"\n";
/// Below the families that a grant may have: none ends to make room.
const CODES_PER_USER: usize = 40;
/// More than there are of anything.
const ALL: u32 = 100_000;

/// How many codes and refresh tokens are raced for.
#[derive(Clone, Copy)]
pub struct Size {
    pub codes: usize,
    pub keyless: usize,
    pub one_key: usize,
    pub different_keys: usize,
}

impl Size {
    pub fn refresh_tokens(&self) -> usize {
        self.keyless + self.one_key + self.different_keys
    }
}

/// Codes by race; those of refresh tokens are exchanged first.
pub struct Prepared {
    pub client: Client,
    pub codes: Vec<String>,
    pub keyless: Vec<String>,
    pub one_key: Vec<String>,
    pub different_keys: Vec<String>,
}

pub fn prepare(place: &Place, size: Size) -> Prepared {
    place.grantd(&["init"]).ok();
    fs::write(place.path("data/grantd.toml"), CONFIG).expect("written");
    fs::create_dir_all(place.path("data/profiles/default")).expect("made");
    fs::write(place.path("data/profiles/default/profile.toml"), PROFILE).expect("written");
    with_context(place, async |ctx| {
        let run = async |command| execute(&ctx, command).await.expect("the command succeeds");
        let (name, id) = ("Acme".to_owned(), Some(ORGANIZATION.to_owned()));
        run(Command::OrganizationCreate { name, id }).await;
        let app = run(Command::AppCreate(NewApp {
            redirect_uris: vec!["https://app.example/callback".into()],
            ..NewApp::new(Kind::Public, ORGANIZATION, "App")
        }))
        .await;
        let client = Client::of(&app);
        let id = client.id.clone();
        Prepared {
            client,
            codes: codes(&ctx, &id, "codes", size.codes, CODES_PER_USER).await,
            keyless: codes(&ctx, &id, "keyless", size.keyless, CODES_PER_USER).await,
            one_key: codes(&ctx, &id, "one-key", size.one_key, CODES_PER_USER).await,
            // Here each race ends its grant, and so must have one of its own.
            different_keys: codes(&ctx, &id, "different-keys", size.different_keys, 1).await,
        }
    })
}

/// With the data directory open, as the program opens it.
fn with_context<T>(place: &Place, work: impl AsyncFnOnce(Arc<Context>) -> T) -> T {
    let data = place.path("data");
    let overrides = Overrides {
        data_dir: Some(data.clone()),
        ..Overrides::default()
    };
    let config = Config::load(Some(&data.join("grantd.toml")), &overrides).expect("the configuration is good");
    let secret = MasterSecret::load(&data.join("secret")).expect("read");
    fs::create_dir_all(data.join("store")).expect("a directory");
    let (store, _) = SledStore::open(&data.join("store"), SledOptions::default()).expect("nobody else has it open");
    let parts = Parts {
        config,
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        secret: secret.expect("`init` made it"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let ctx = Arc::new(Context::open(parts).await.expect("the store opens"));
        work(ctx).await
    })
}

/// So many codes, of so many each that users of their own approve one after the other; the users at the same time.
async fn codes(ctx: &Arc<Context>, client_id: &str, name: &str, count: usize, per_user: usize) -> Vec<String> {
    let users: Vec<_> = (0..count)
        .step_by(per_user)
        .map(|first| {
            let (ctx, client_id) = (ctx.clone(), client_id.to_owned());
            let email = format!("{name}-{first}@example.com");
            let count = per_user.min(count - first);
            tokio::spawn(async move { codes_of_user(&ctx, &client_id, email, count).await })
        })
        .collect();
    let mut codes = Vec::new();
    for user in users {
        codes.extend(user.await.expect("no panic"));
    }
    codes
}

async fn codes_of_user(ctx: &Context, client_id: &str, email: String, count: usize) -> Vec<String> {
    let run = async |command| -> Value { execute(ctx, command).await.expect("the command succeeds") };
    let (name, password) = (None, None);
    let user = run(Command::UserAdd { email, name, password }).await["id"].clone();
    let user = user.as_str().expect("text").to_owned();
    run(Command::MemberSet {
        organization: ORGANIZATION.into(),
        user: user.clone(),
        role: Role::Owner,
    })
    .await;
    let query = format!(
        "response_type=code&client_id={client_id}&redirect_uri=https://app.example/callback&code_challenge={}\
         &code_challenge_method=S256",
        base64url(sha256(VERIFIER.as_bytes()))
    );
    let mut codes = Vec::new();
    for _ in 0..count {
        let request = authorize::read(ctx, &query, ctx.now()).await.expect("a good request");
        let approval = Approval {
            user: user.clone(),
            organization: ORGANIZATION.into(),
            session: Batch::new(),
        };
        let response = authorize::approve(ctx, &request, approval)
            .await
            .expect("it is approved");
        codes.push(response.param("code").expect("a code").to_owned());
    }
    codes
}

/// All families by how they ended, and the events of reuse.
#[derive(PartialEq, Eq, Debug, Default)]
pub struct Left {
    /// Never refreshed and ended: of a code that was used again.
    ended: usize,
    /// Refreshed once and alive.
    alive: usize,
    /// Refreshed once, under a grant that must be consented to again.
    needs_consent: usize,
    /// Anything else: a chain that nobody holds, a second rotation, a grant that should stand.
    other: Vec<String>,
    code_reuses: usize,
    refresh_reuses: usize,
}

impl Left {
    pub fn of(size: Size) -> Self {
        Self {
            ended: size.codes,
            alive: size.keyless + size.one_key,
            needs_consent: size.different_keys,
            other: Vec::new(),
            code_reuses: size.codes,
            refresh_reuses: size.different_keys,
        }
    }
}

pub fn left(place: &Place) -> Left {
    with_context(place, async |ctx| {
        let mut left = Left::default();
        let grants = keys::grants_of_organization(ORGANIZATION);
        let (grants, _) = list::<Grant>(&*ctx.store, &grants, None, ALL).await.expect("read");
        for grant in grants {
            let families = keys::families(ORGANIZATION, &grant.id);
            let (families, _) = list::<Family>(&*ctx.store, &families, None, ALL).await.expect("read");
            for family in families {
                match (grant.status, family.ended, family.counter) {
                    (GrantStatus::Active, true, 0) => left.ended += 1,
                    (GrantStatus::Active, false, 1) => left.alive += 1,
                    (GrantStatus::NeedsConsent, false, 1) => left.needs_consent += 1,
                    _ => left.other.push(format!("{:?} {:?}", grant.value, family.value)),
                }
            }
        }
        let (events, _) = list::<Event>(&*ctx.store, &keys::events(), None, ALL)
            .await
            .expect("read");
        let count = |kind| events.iter().filter(|event| event.kind == kind).count();
        left.code_reuses = count(EventKind::CodeReuseDetected);
        left.refresh_reuses = count(EventKind::RefreshReuseDetected);
        left
    })
}
