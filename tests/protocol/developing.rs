//! A world with people of every role who look after apps, each with a browser.

use crate::browser::{Browser, PASSWORD, hidden, set_password};
use crate::http::{Answer, request};
use crate::mail_server::MailServer;
use crate::support::{Client, OWNER, World, config};
use grantd::config::{Config, MailSecurity};
use grantd::model::app::App;
use grantd::model::dossier::{Decision, Dossier, Submission, Verdict};
use grantd::model::event::{Event, EventKind};
use grantd::model::role::Role;
use grantd::model::user::User;
use grantd::model::verdicts;
use grantd::store::memory::MemoryStore;
use grantd::store::records::{Versioned, list, load, load_by_index};
use grantd::store::{Batch, Outcome, keys};
use http::Method;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;

pub const DEVELOPER: &str = "dev@example.com";
pub const COLLEAGUE: &str = "colleague@example.com";
pub const ADMIN: &str = "admin@example.com";
pub const MEMBER: &str = "member@example.com";
pub const STAKEHOLDER: &str = "stake@elsewhere.example";
pub const CALLBACK: &str = "https://app.example/callback";
const BOUNDARY: &str = "----grantdtest7MA4YWxkTrZu0gW";

pub struct Developing {
    pub world: World,
    _dir: TempDir,
}

impl Developing {
    pub async fn new(profile: &str) -> Self {
        Self::with(profile, &[]).await
    }

    /// Under the other policy for scopes.
    pub async fn staged() -> Self {
        Self::with("default", &[("\"revoke\"", "\"stage\"")]).await
    }

    /// With other words in the profile's file.
    async fn with(profile: &str, replace: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().expect("a directory");
        if !replace.is_empty() {
            let mut text = include_str!("../../data/profiles/default/profile.toml").to_owned();
            for (from, to) in replace {
                text = text.replace(&format!("scope_change = {from}"), &format!("scope_change = {to}"));
            }
            let own = dir.path().join("profiles").join(profile);
            std::fs::create_dir_all(&own).expect("a directory");
            std::fs::write(own.join("profile.toml"), text).expect("a profile");
        }
        let config = config(profile, dir.path());
        Self::over(config, dir).await
    }

    /// With letters that go there.
    pub async fn with_mail(server: &MailServer) -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = Config {
            mail: Some(server.settings(MailSecurity::Starttls)),
            ..config("default", dir.path())
        };
        Self::over(config, dir).await
    }

    /// With a catalog of so many scopes, which everybody may grant.
    pub async fn with_scopes(count: usize) -> Self {
        let dir = TempDir::new().expect("a directory");
        let own = dir.path().join("profiles/default");
        std::fs::create_dir_all(&own).expect("a directory");
        let scope = |at| {
            json!({
                "name": format!("thing{at}.read"),
                "title": format!("Thing {at}"),
                "sentence": format!("Read thing {at}."),
                "risk": "low",
                "roles": Role::ALL.map(Role::as_str),
            })
        };
        let catalog = json!({ "scopes": (0..count).map(scope).collect::<Vec<_>>() });
        std::fs::write(own.join("scopes.json"), catalog.to_string()).expect("a catalog");
        let config = config("default", dir.path());
        Self::over(config, dir).await
    }

    async fn over(config: Config, dir: TempDir) -> Self {
        let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
        for (email, role) in [
            (DEVELOPER, Role::Developer),
            (COLLEAGUE, Role::Developer),
            (ADMIN, Role::Admin),
            (MEMBER, Role::Member),
        ] {
            world.add_member(email, role).await;
        }
        world.add_user(STAKEHOLDER).await;
        for email in [OWNER, DEVELOPER, COLLEAGUE, ADMIN, MEMBER, STAKEHOLDER] {
            set_password(&world, email).await;
        }
        Self { world, _dir: dir }
    }

    /// Signed in.
    pub async fn browser(&self, email: &str) -> Browser<'_> {
        let browser = Browser::new(&self.world);
        let page = browser.get("/login").await;
        let answer = browser
            .submit(&page, "/login", &[("email", email), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    pub async fn user(&self, email: &str) -> String {
        let user = load_by_index::<User>(&*self.world.ctx.store, &keys::email(email)).await;
        user.unwrap().expect("the user is there").id.clone()
    }

    pub async fn app(&self, client_id: &str) -> Versioned<App> {
        let app = load(&*self.world.ctx.store, &keys::app(client_id)).await.unwrap();
        app.expect("the app is there")
    }

    pub async fn dossier(&self, client_id: &str) -> Versioned<Dossier> {
        let dossier = load(&*self.world.ctx.store, &keys::dossier(client_id)).await.unwrap();
        dossier.expect("the dossier is there")
    }

    /// The queue of reviews, as reviewers see it.
    pub async fn queue(&self) -> Vec<Versioned<Submission>> {
        let store = &*self.world.ctx.store;
        let mut found = Vec::new();
        for (key, _) in store.scan(&keys::waiting_submissions(), None, 100).await.unwrap() {
            found.push(
                load_by_index(store, &key)
                    .await
                    .unwrap()
                    .expect("an index leads to a record"),
            );
        }
        found
    }

    /// What a reviewer says of the submission that waits.
    pub async fn decide(&self, client_id: &str, verdict: Verdict, note: &str) {
        let (app, dossier) = (self.app(client_id).await, self.dossier(client_id).await);
        let key = keys::submission(client_id, dossier.submissions);
        let submission: Versioned<Submission> =
            load(&*self.world.ctx.store, &key).await.unwrap().expect("a submission");
        let decision = Decision {
            verdict,
            note: note.into(),
            by: "u_reviewer".into(),
            at: self.world.ctx.now(),
        };
        let (new_app, new_dossier, decided) =
            verdicts::decided(&app, &dossier, &submission, decision).expect("it can be decided");
        let mut batch = Batch::new();
        batch.replace(&app, &new_app).unwrap();
        batch.replace(&dossier, &new_dossier).unwrap();
        batch.replace(&submission, &decided).unwrap();
        let outcome = self.world.ctx.store.commit(batch).await.unwrap();
        assert!(matches!(outcome, Outcome::Committed(_)));
    }

    pub async fn events_of(&self, client_id: &str) -> Vec<EventKind> {
        let (events, _) = list::<Event>(&*self.world.ctx.store, &keys::events(), None, 1000)
            .await
            .unwrap();
        let of_app = events
            .iter()
            .filter(|event| event.client_id.as_deref() == Some(client_id));
        of_app.map(|event| event.kind).collect()
    }

    /// A public app that its developer made, complete and in the queue; its client_id.
    pub async fn submitted(&self, browser: &Browser<'_>) -> String {
        let client_id = self.created(browser, "public", &[]).await;
        let data = |name: &&str| *name == "data.read";
        let scopes = &self.world.ctx.profile().scopes;
        let scope = scopes.names().find(data).or(scopes.names().next()).expect("a scope");
        let saved = self.wish(browser, &client_id, &[scope]).await;
        assert_eq!(saved.status, 303, "{saved:?}");
        client_id
    }

    /// The same, approved.
    pub async fn approved(&self, browser: &Browser<'_>) -> String {
        let client_id = self.submitted(browser).await;
        self.decide(&client_id, Verdict::Approved, "").await;
        client_id
    }

    /// A new app of good details and a logo, its scopes not chosen yet; its client_id.
    pub async fn created(&self, browser: &Browser<'_>, kind: &str, fields: &[(&str, &str)]) -> String {
        let page = browser.get(&format!("/developer/apps/new?kind={kind}")).await;
        let mut all = vec![
            ("name", "Tidy Books"),
            ("company", "Tidy Inc."),
            ("website", "https://tidy.example/"),
            ("support", "help@tidy.example"),
            ("privacy_policy", "https://tidy.example/privacy"),
            ("terms", "https://tidy.example/terms"),
        ];
        if kind == "public" {
            all.push(("redirect_uris", CALLBACK));
        }
        all.retain(|(name, _)| fields.iter().all(|(other, _)| other != name));
        all.extend(fields);
        let answer = self
            .upload(browser, &page, "/developer/apps/new", &all, Some(&png()))
            .await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let location = answer.header("location").unwrap();
        let client_id = location.strip_prefix("/developer/apps/").unwrap();
        client_id
            .strip_suffix("/scopes?step=2")
            .expect("the second step")
            .to_owned()
    }

    /// Saves these scopes, each with a reason.
    pub async fn wish(&self, browser: &Browser<'_>, client_id: &str, scopes: &[&str]) -> Answer {
        let path = format!("/developer/apps/{client_id}/scopes");
        let page = browser.get(&path).await;
        let names: Vec<&str> = self.world.ctx.profile().scopes.names().collect();
        let mut fields: Vec<(String, String)> = Vec::new();
        for scope in scopes {
            let place = names.iter().position(|name| name == scope).unwrap();
            fields.push(("scope".into(), (*scope).into()));
            fields.push((format!("why_{place}"), format!("To show {scope}")));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.submit(&page, &path, &fields).await
    }

    /// The form of details as it stands, with these fields instead.
    pub async fn edit(&self, browser: &Browser<'_>, client_id: &str, fields: &[(&str, &str)]) -> Answer {
        let path = format!("/developer/apps/{client_id}/details");
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let app = self.app(client_id).await;
        let developer = &app.developer;
        let uris = app.redirect_uris.join("\r\n");
        let stakeholders = self.dossier(client_id).await.stakeholders.join("\r\n");
        let mut all = vec![
            ("name", app.name.as_str()),
            ("company", &developer.company),
            ("website", &developer.website),
            ("support", developer.support.as_deref().unwrap_or_default()),
            (
                "privacy_policy",
                developer.privacy_policy.as_deref().unwrap_or_default(),
            ),
            ("terms", developer.terms.as_deref().unwrap_or_default()),
            ("redirect_uris", &uris),
            ("dedicated_user", app.dedicated_user.as_deref().unwrap_or_default()),
            ("stakeholders", &stakeholders),
        ];
        all.retain(|(name, _)| fields.iter().all(|(other, _)| other != name));
        all.extend(fields);
        browser.submit(&page, &path, &all).await
    }

    /// Sends the page's form with this action as browsers send forms with a file in them.
    pub async fn upload(
        &self,
        browser: &Browser<'_>,
        page: &Answer,
        action: &str,
        fields: &[(&str, &str)],
        file: Option<&[u8]>,
    ) -> Answer {
        let mut body = Vec::new();
        let hidden = hidden(page, action);
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let hidden = hidden.filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
        for (name, value) in hidden.chain(fields.iter().copied()) {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"<b>.svg\"\r\n\
             Content-Type: image/svg+xml\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file.unwrap_or_default());
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let cookie = format!("__Host-grantd_session={}", browser.cookie());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("cookie", cookie.as_str()), ("content-type", &content_type)];
        self.world.send(request(Method::POST, action, &headers, &body)).await
    }

    /// A secret for an app, as the command line makes one.
    pub async fn client(&self, client_id: &str) -> Client {
        let added = self
            .world
            .run(grantd::control::Command::SecretAdd {
                client_id: client_id.into(),
                label: None,
            })
            .await;
        (
            client_id.to_owned(),
            added["client_secret"].as_str().unwrap().to_owned(),
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
}

pub fn png() -> Vec<u8> {
    encoded(Format::Png)
}

/// 64 by 32 pixels of one colour.
pub fn png_of(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&colour.repeat(64 * 32)).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A picture of 64 by 32 pixels, as JPEG another.
pub fn encoded(format: Format) -> Vec<u8> {
    const COLOUR: [u8; 3] = [20, 90, 200];
    let mut bytes = Vec::new();
    match format {
        Format::Png => bytes = png_of(COLOUR),
        Format::Jpeg => bytes.extend_from_slice(include_bytes!("../vectors/logos/quadrants.jpg")),
        Format::WebP => {
            let encoder = image_webp::WebPEncoder::new(&mut bytes);
            let rgb = image_webp::ColorType::Rgb8;
            encoder.encode(&COLOUR.repeat(64 * 32), 64, 32, rgb).unwrap();
        }
    }
    bytes
}
