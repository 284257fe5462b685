//! The authorization code flow: a person consents, tokens are rotated and revoked.

use crate::{Done, Failure, Members, Response, Test, equal, send, text};
use oauth2::basic::BasicErrorResponseType;
use oauth2::{
    AuthUrl, AuthorizationCode, CsrfToken, PkceCodeChallenge, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    TokenResponse as _,
};
use scraper::{Html, Selector};
use std::collections::{BTreeMap, HashMap};
use ureq::Agent;
use url::Url;

const REDIRECT_URI: &str = "http://127.0.0.1:49152/callback";

pub fn code(test: &Test) -> Done {
    let app = &test.facts["public_app"];
    let client = test
        .client_of(app)?
        .set_auth_uri(AuthUrl::new(text(&test.metadata["authorization_endpoint"]))?)
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(test.scopes().into_iter().map(Scope::new))
        .set_pkce_challenge(challenge)
        .url();
    let back = decide(test, &address)?;
    let parameters: HashMap<_, _> = back.query_pairs().into_owned().collect();
    equal(parameters.get("state"), Some(state.secret()))?;
    equal(parameters.get("iss"), Some(&text(&test.facts["issuer"])))?;
    let code = parameters.get("code").ok_or("there is no code")?;
    let first = client
        .exchange_code(AuthorizationCode::new(code.clone()))
        .set_pkce_verifier(verifier)
        .request(&|request| send(&test.agent, request))?;
    let old = check(test, &first)?;
    let refresh = |token: &RefreshToken| {
        let request = client.exchange_refresh_token(token);
        request.request(&|request| send(&test.agent, request))
    };
    let second = refresh(&old)?;
    let new = check(test, &second)?;
    equal(old.secret() == new.secret(), false)?;
    let revoking = client.revoke_token(new.clone().into())?;
    revoking.request(&|request| send(&test.agent, request))?;
    match refresh(&new) {
        Err(RequestTokenError::ServerResponse(answer)) => equal(answer.error(), &BasicErrorResponseType::InvalidGrant),
        other => Err(format!("{other:?}").into()),
    }
}

fn check(test: &Test, response: &Response) -> Result<RefreshToken, Failure> {
    let members: &Members = response.extra_fields();
    test.check_organization(&members.members)?;
    Ok(response.refresh_token().ok_or("there is no refresh token")?.clone())
}

/// Follows redirects, keeps cookies and sends the forms of a page as they stand.
struct Browser<'a> {
    agent: &'a Agent,
    origin: Url,
    cookies: BTreeMap<String, String>,
}

enum Seen {
    Page(Url, String),
    /// The address outside of the server where the redirects lead.
    Left(Url),
}

/// A person signs in and approves: where they are sent back to.
fn decide(test: &Test, address: &Url) -> Result<Url, Failure> {
    let mut browser = Browser {
        agent: &test.agent,
        origin: Url::parse(&text(&test.facts["issuer"]))?,
        cookies: BTreeMap::new(),
    };
    let owner = &test.facts["owner"];
    let (email, password) = (text(&owner["email"]), text(&owner["password"]));
    let organization = text(&test.facts["organization"]["id"]);
    let sign_in = browser.open(address.clone(), None)?;
    let consent = browser.send(sign_in, "password", &[("email", &email), ("password", &password)])?;
    let choice = [("organization", organization.as_str()), ("decision", "approve")];
    match browser.send(consent, "decision", &choice)? {
        Seen::Left(back) => Ok(back),
        Seen::Page(_, text) => Err(format!("the way back is missing: {text}").into()),
    }
}

impl Browser<'_> {
    fn open(&mut self, mut url: Url, mut form: Option<Vec<(String, String)>>) -> Result<Seen, Failure> {
        for _ in 0..10 {
            if url.origin() != self.origin.origin() {
                return Ok(Seen::Left(url));
            }
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let cookies = cookies.join("; ");
            let answer = match form.take() {
                Some(form) => self
                    .agent
                    .post(url.as_str())
                    .header("cookie", &cookies)
                    .send_form(form)?,
                None => self.agent.get(url.as_str()).header("cookie", &cookies).call()?,
            };
            for line in answer.headers().get_all("set-cookie") {
                let (name, rest) = line.to_str()?.split_once('=').ok_or("a cookie without a value")?;
                let value = rest.split(';').next().unwrap_or_default();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            if answer.status() != 303 {
                return Ok(Seen::Page(url, answer.into_body().read_to_string()?));
            }
            let location = answer.headers().get("location").ok_or("a redirect to nowhere")?;
            url = url.join(location.to_str()?)?;
        }
        Err("too many redirects".into())
    }

    /// Sends the one form of a page that has a field of this name, with what a person puts in.
    fn send(&mut self, seen: Seen, field: &str, values: &[(&str, &str)]) -> Result<Seen, Failure> {
        let Seen::Page(url, page) = seen else {
            return Err("it left too early".into());
        };
        let html = Html::parse_document(&page);
        let select = |text: &str| Selector::parse(text).map_err(|error| error.to_string());
        let named = select(&format!("[name=\"{field}\"]"))?;
        let form = html
            .select(&select("form")?)
            .find(|form| form.select(&named).next().is_some());
        let form = form.ok_or_else(|| format!("no form has the field {field}: {page}"))?;
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for input in form.select(&select("input[type=hidden], input[checked]")?) {
            let name = input.attr("name").ok_or("a field without a name")?;
            fields.insert(name.to_owned(), input.attr("value").unwrap_or_default().to_owned());
        }
        for (name, value) in values {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        let action = url.join(form.attr("action").ok_or("a form without an action")?)?;
        self.open(action, Some(fields.into_iter().collect()))
    }
}
