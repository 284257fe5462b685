//! A small browser: one cookie jar, forms as pages show them, redirects followed only when told.

use crate::authorizing::Authorizing;
use crate::http::{Answer, request};
use crate::support::World;
use grantd::control::Command;
use http::Method;
use std::sync::Mutex;

pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "plum-orbit-47-lantern";
const COOKIE: &str = "__Host-grantd_session";

pub struct Browser<'w> {
    world: &'w World,
    cookie: Mutex<Option<String>>,
    headers: Vec<(&'static str, &'static str)>,
}

impl<'w> Browser<'w> {
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            cookie: Mutex::default(),
            headers: Vec::new(),
        }
    }

    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn cookie(&self) -> String {
        self.cookie.lock().unwrap().clone().unwrap_or_default()
    }

    pub fn plant(&self, cookie: &str) {
        *self.cookie.lock().unwrap() = Some(cookie.to_owned());
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", &[]).await
    }

    /// A form as it is, already encoded.
    pub async fn post(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, form, headers).await
    }

    async fn send(&self, method: Method, path: &str, form: &str, more: &[(&str, &str)]) -> Answer {
        let cookie = format!("{COOKIE}={}", self.cookie());
        let mut headers = self.headers.clone();
        if !self.cookie().is_empty() {
            headers.push(("cookie", &cookie));
        }
        let mut headers: Vec<(&str, &str)> = headers;
        if method == Method::POST && !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        headers.extend(more);
        let answer = self.world.send(request(method, path, &headers, form.as_bytes())).await;
        for set in answer.headers.get_all("set-cookie") {
            let (value, attributes) = set.to_str().unwrap().split_once(';').unwrap();
            let value = value.strip_prefix(&format!("{COOKIE}=")).expect("the one cookie");
            let gone = attributes.contains("Max-Age=0");
            *self.cookie.lock().unwrap() = (!gone).then(|| value.to_owned());
        }
        answer
    }

    /// Sends the page's form with this action: its hidden fields, and `fields` in place of what a person enters.
    pub async fn submit(&self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.post(action, &encoded(&hidden(page, action), fields), &[]).await
    }

    /// Asks for `path`, which shows the sign-in form, and signs in.
    pub async fn sign_in_at(&self, path: &str) -> Answer {
        let page = self.get(path).await;
        self.submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
            .await
    }

    pub async fn sign_in(&self) -> Answer {
        let answer = self.sign_in_at("/login").await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
        answer
    }
}

/// Ada can sign in, is an owner of the world's organization, and there are apps that ask her.
pub async fn world(profile: &str) -> Authorizing {
    let asking = Authorizing::new(profile).await;
    set_password(&asking.world, EMAIL).await;
    asking
}

pub async fn set_password(world: &World, email: &str) {
    world
        .run(Command::UserPassword {
            user: email.into(),
            password: PASSWORD.into(),
        })
        .await;
}

/// The hidden fields of the first form with this action.
pub fn hidden(page: &Answer, action: &str) -> Vec<(String, String)> {
    let start = page.body.find(&format!("action=\"{action}\""));
    let start = start.unwrap_or_else(|| panic!("no form for {action} in {page:?}"));
    let form = &page.body[start..];
    let form = &form[..form.find("</form>").expect("a form ends")];
    let inputs = form.split("<input").skip(1);
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    hidden
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect()
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split(&format!("{name}=\"")).nth(1).expect("the attribute is there");
    unescaped(value.split('"').next().unwrap_or_default())
}

pub fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&")
}

pub fn encoded(hidden: &[(String, String)], fields: &[(&str, &str)]) -> String {
    let kept = hidden
        .iter()
        .filter(|(name, _)| fields.iter().all(|(field, _)| field != name));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(kept).extend_pairs(fields).finish()
}

/// The parameters of a redirect.
pub fn param(answer: &Answer, name: &str) -> Option<String> {
    let (_, query) = answer.header("location")?.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}
