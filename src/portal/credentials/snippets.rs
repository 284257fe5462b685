//! Code to begin with, in four languages, with the app's own client_id, redirect URI and scopes. Secrets are
//! placeholders.

use crate::model::app::{App, AuthMethod, GrantType, Kind};
use crate::oauth::client_assertion;
use crate::portal::desk::Desk;
use maud::{Markup, html};
use std::fmt::Write as _;

const SECRET: &str = "YOUR_CLIENT_SECRET";

pub(super) fn section(desk: &Desk<'_>, app: &App) -> Markup {
    if app.kind == Kind::ResourceServer {
        return html! {};
    }
    html! {
        h2 { (desk.text("cred_snippets")) }
        p { (desk.text(if app.kind == Kind::Private { "cred_snippets_private" } else { "cred_snippets_public" })) }
        @if app.rules().require_dpop { p.notice { (desk.text("cred_snippets_dpop")) } }
        @for (at, language) in Language::ALL.into_iter().enumerate() {
            details.snippet name="snippet" open[at == 0] {
                summary { (language.name()) }
                pre tabindex="0" { code { (program(desk.ctx().issuer(), app, language, organization(desk, app))) } }
            }
        }
    }
}

/// The parameter that names the organization.
fn organization<'a>(desk: &'a Desk<'_>, app: &'a App) -> (&'a str, &'a str) {
    (desk.ctx().profile().noun.id_claim(), &app.organization)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Curl,
    JavaScript,
    Python,
    Php,
}

/// What stands for a parameter.
#[derive(Clone)]
enum Value {
    Text(String),
    /// A variable that the program sets before.
    Variable(&'static str),
}

/// A request with a form.
struct Call<'a> {
    url: String,
    params: Vec<(&'a str, Value)>,
    /// client_id, where client_secret_basic is the only way.
    basic: Option<&'a str>,
}

fn literal(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn program(issuer: &str, app: &App, language: Language, (noun_id, organization): (&str, &str)) -> String {
    let call = |path: &str, params: Vec<_>| authenticated(app, format!("{issuer}{path}"), params);
    let scope = ("scope", literal(&app.scopes.join(" ")));
    if app.kind == Kind::Private {
        let asked = vec![
            ("grant_type", literal("client_credentials")),
            scope,
            (noun_id, literal(organization)),
        ];
        return language.begin().to_owned() + &language.call(&call("/oauth/token", asked));
    }
    let redirect_uri = app.redirect_uris.first().map_or("", String::as_str);
    let redirect_uri = ("redirect_uri", literal(redirect_uri));
    let asked = vec![
        ("response_type", literal("code")),
        redirect_uri.clone(),
        scope,
        ("state", Value::Variable("state")),
        ("code_challenge", Value::Variable("code_challenge")),
        ("code_challenge_method", literal("S256")),
    ];
    let authorize = format!("{issuer}/oauth/authorize");
    let mut program = language.begin().to_owned() + language.pkce() + "\n";
    program += &language.comment("1. Send the user there. Keep state and code_verifier in the session.");
    if app.rules().require_par {
        program += &language.call(&call("/oauth/par", asked));
        let named = vec![
            ("client_id", literal(&app.client_id)),
            ("request_uri", literal("REQUEST_URI_OF_THE_ANSWER")),
        ];
        program += &language.link(&authorize, &named);
    } else {
        let asked = [vec![("client_id", literal(&app.client_id))], asked].concat();
        program += &language.link(&authorize, &asked);
    }
    program += "\n";
    program += &language.comment("2. At the redirect URI: compare state, then exchange the code within a minute.");
    let exchange = vec![
        ("grant_type", literal("authorization_code")),
        ("code", literal("CODE_FROM_THE_REDIRECT")),
        redirect_uri,
        ("code_verifier", Value::Variable("code_verifier")),
    ];
    program += &language.call(&call("/oauth/token", exchange));
    if app.may_use(GrantType::RefreshToken) {
        program += "\n";
        program += &language.comment("3. Later: every refresh answers with a new refresh token. Keep that one.");
        let refresh = vec![
            ("grant_type", literal("refresh_token")),
            ("refresh_token", literal("YOUR_REFRESH_TOKEN")),
        ];
        program += &language.call(&call("/oauth/token", refresh));
    }
    program
}

/// With what shows who the client is (OAuth 2.1 §2.4).
fn authenticated<'a>(app: &'a App, url: String, mut params: Vec<(&'a str, Value)>) -> Call<'a> {
    let methods = &app.rules().auth_methods;
    let has = |method| methods.contains(&method);
    let mut basic = None;
    if has(AuthMethod::ClientSecretPost) {
        params.push(("client_id", literal(&app.client_id)));
        params.push(("client_secret", literal(SECRET)));
    } else if has(AuthMethod::ClientSecretBasic) {
        basic = Some(app.client_id.as_str());
    } else if has(AuthMethod::PrivateKeyJwt) {
        params.push(("client_assertion_type", literal(client_assertion::TYPE)));
        params.push(("client_assertion", literal("YOUR_SIGNED_JWT")));
    } else {
        params.push(("client_id", literal(&app.client_id)));
    }
    Call { url, params, basic }
}

impl Language {
    const ALL: [Self; 4] = [Self::Curl, Self::JavaScript, Self::Python, Self::Php];

    const fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Php => "PHP",
        }
    }

    const fn begin(self) -> &'static str {
        match self {
            Self::Curl | Self::JavaScript => "",
            Self::Python => "import requests\n\n",
            Self::Php => "<?php\n",
        }
    }

    fn comment(self, text: &str) -> String {
        match self {
            Self::Curl | Self::Python => format!("# {text}\n"),
            Self::JavaScript | Self::Php => format!("// {text}\n"),
        }
    }

    /// Sets `state`, `code_verifier` and `code_challenge` (RFC 7636 §4).
    const fn pkce(self) -> &'static str {
        match self {
            Self::Curl => {
                "state=$(openssl rand -hex 16)\n\
                 code_verifier=$(openssl rand -hex 32)\n\
                 code_challenge=$(printf %s \"$code_verifier\" | openssl dgst -sha256 -binary \\\n  \
                 | openssl base64 -A | tr '+/' '-_' | tr -d '=')\n"
            }
            Self::JavaScript => {
                "const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))\n  \
                 .replaceAll(\"+\", \"-\").replaceAll(\"/\", \"_\").replaceAll(\"=\", \"\");\n\
                 const state = base64url(crypto.getRandomValues(new Uint8Array(16)));\n\
                 const code_verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));\n\
                 const code_challenge = base64url(\n  \
                 await crypto.subtle.digest(\"SHA-256\", new TextEncoder().encode(code_verifier)));\n"
            }
            Self::Python => {
                "import base64, hashlib, secrets, urllib.parse\n\n\
                 state = secrets.token_urlsafe(16)\n\
                 code_verifier = secrets.token_urlsafe(32)\n\
                 digest = hashlib.sha256(code_verifier.encode()).digest()\n\
                 code_challenge = base64.urlsafe_b64encode(digest).rstrip(b\"=\").decode()\n"
            }
            Self::Php => {
                "$state = bin2hex(random_bytes(16));\n\
                 $code_verifier = bin2hex(random_bytes(32));\n\
                 $digest = hash('sha256', $code_verifier, true);\n\
                 $code_challenge = rtrim(strtr(base64_encode($digest), '+/', '-_'), '=');\n"
            }
        }
    }

    /// A text as the language writes it. The shell never gets one: there parameters are encoded as forms are.
    fn quoted(self, text: &str) -> String {
        match self {
            Self::Php => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            // The strings of JSON are strings of both.
            _ => serde_json::Value::from(text).to_string(),
        }
    }

    fn value(self, value: &Value) -> String {
        match (self, value) {
            (Self::Curl | Self::Php, Value::Variable(name)) => format!("${name}"),
            (Self::JavaScript | Self::Python, Value::Variable(name)) => (*name).to_owned(),
            (Self::Curl, Value::Text(text)) => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            (_, Value::Text(text)) => self.quoted(text),
        }
    }

    /// Name and value of each parameter, between these texts.
    fn members(self, params: &[(&str, Value)], before: &str, between: &str, after: &str) -> String {
        let mut members = String::new();
        for (name, value) in params {
            let name = match self {
                Self::Curl | Self::JavaScript => (*name).to_owned(),
                Self::Python | Self::Php => self.quoted(name),
            };
            let value = self.value(value);
            write!(members, "{before}{name}{between}{value}{after}").expect("writing to a String cannot fail");
        }
        members
    }

    fn call(self, call: &Call<'_>) -> String {
        let Call { url, params, basic } = call;
        match self {
            Self::Curl => {
                let user = basic.map_or(String::new(), |id| format!(" \\\n  -u '{id}:{SECRET}'"));
                format!("curl {url}{user}{}\n", self.members(params, " \\\n  -d \"", "=", "\""))
            }
            Self::JavaScript => {
                let headers = basic.map_or(String::new(), |id| {
                    format!("  headers: {{ Authorization: \"Basic \" + btoa(\"{id}:{SECRET}\") }},\n")
                });
                format!(
                    "console.log(await (await fetch(\"{url}\", {{\n  method: \"POST\",\n{headers}  \
                     body: new URLSearchParams({{\n{}  }}),\n}})).json());\n",
                    self.members(params, "    ", ": ", ",\n")
                )
            }
            Self::Python => {
                let auth = basic.map_or(String::new(), |id| format!(", auth=(\"{id}\", \"{SECRET}\")"));
                format!(
                    "response = requests.post(\"{url}\"{auth}, data={{\n{}}})\nprint(response.json())\n",
                    self.members(params, "    ", ": ", ",\n")
                )
            }
            Self::Php => {
                let user = basic.map_or(String::new(), |id| format!("    CURLOPT_USERPWD => '{id}:{SECRET}',\n"));
                format!(
                    "$ch = curl_init('{url}');\ncurl_setopt_array($ch, [\n    \
                     CURLOPT_RETURNTRANSFER => true,\n{user}    \
                     CURLOPT_POSTFIELDS => http_build_query([\n{}    ]),\n]);\n\
                     var_dump(json_decode(curl_exec($ch), true));\n",
                    self.members(params, "        ", " => ", ",\n")
                )
            }
        }
    }

    /// Tells the address with these parameters.
    fn link(self, url: &str, params: &[(&str, Value)]) -> String {
        match self {
            Self::Curl => format!(
                "echo \"{url}?{}\"\n",
                self.members(params, "&\\\n", "=", "").trim_start_matches("&\\\n")
            ),
            Self::JavaScript => format!(
                "console.log(\"{url}?\" + new URLSearchParams({{\n{}}}));\n",
                self.members(params, "  ", ": ", ",\n")
            ),
            Self::Python => format!(
                "print(\"{url}?\" + urllib.parse.urlencode({{\n{}}}))\n",
                self.members(params, "    ", ": ", ",\n")
            ),
            Self::Php => format!(
                "echo '{url}?' . http_build_query([\n{}]), \"\\n\";\n",
                self.members(params, "    ", " => ", ",\n")
            ),
        }
    }
}
