//! The `oauth2` crate, with ureq and rustls below it.

mod delegated;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenType};
use oauth2::{
    AccessToken, AuthType, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, IntrospectionUrl, RequestTokenError, RevocationUrl, Scope, StandardRevocableToken,
    StandardTokenIntrospectionResponse, StandardTokenResponse, TokenIntrospectionResponse as _, TokenResponse as _,
    TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const CLIENT: &str = "oauth2";
const EXPECTED: &str = include_str!("../../profiles.json");

type Failure = Box<dyn std::error::Error>;
type Done = Result<(), Failure>;
type Flow = fn(&Test) -> Done;

/// Every member the crate does not know, among them the organization.
#[derive(Debug, Serialize, Deserialize)]
struct Members {
    #[serde(flatten)]
    members: Map<String, Value>,
}
impl ExtraTokenFields for Members {}

type Response = StandardTokenResponse<Members, BasicTokenType>;
type Introspection = StandardTokenIntrospectionResponse<Members, BasicTokenType>;
type OAuth2 = Client<
    BasicErrorResponse,
    Response,
    Introspection,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointSet,
    EndpointSet,
>;
type TokenError = RequestTokenError<ureq::Error, BasicErrorResponse>;

struct Test {
    facts: Value,
    expected: Value,
    agent: Agent,
    metadata: Value,
}

/// What a request asks for besides the grant itself.
#[derive(Default)]
struct Ask<'a> {
    scopes: &'a [String],
    extra: Option<(&'a str, String)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, facts] = &arguments[..] else {
        eprintln!("usage: grantd-clients PROFILE FACTS");
        return ExitCode::from(2);
    };
    let test = match Test::new(profile, facts) {
        Ok(test) => test,
        Err(error) => {
            println!("FAILED {CLIENT} {profile} discover: {error}");
            return ExitCode::FAILURE;
        }
    };
    let flows: [(&str, Flow); 14] = [
        ("untrusted", untrusted),
        ("discover", discover),
        ("basic", basic),
        ("post", post),
        ("scope", scope),
        ("resource", resource),
        ("organization", organization),
        ("foreign-organization", foreign_organization),
        ("introspect", introspect),
        ("revoke", revoke),
        ("wrong-secret", wrong_secret),
        ("unknown-scope", unknown_scope),
        ("unknown-resource", unknown_resource),
        ("code", delegated::code),
    ];
    let mut ended = ExitCode::SUCCESS;
    for (name, flow) in flows {
        match flow(&test) {
            Ok(()) => println!("ok {CLIENT} {profile} {name}"),
            Err(error) => {
                println!("FAILED {CLIENT} {profile} {name}: {error}");
                ended = ExitCode::FAILURE;
            }
        }
    }
    ended
}

impl Test {
    fn new(profile: &str, facts: &str) -> Result<Self, Failure> {
        let facts: Value = serde_json::from_slice(&std::fs::read(facts)?)?;
        let expected = serde_json::from_str::<Value>(EXPECTED)?[profile].take();
        let pem = std::fs::read(text(&facts["ca_file"]))?;
        let agent = agent(RootCerts::new_with_certs(&[Certificate::from_pem(&pem)?]));
        // It has no discovery of its own.
        let address = format!("{}/.well-known/oauth-authorization-server", text(&facts["issuer"]));
        let body = agent.get(address).call()?.into_body().read_to_vec()?;
        let metadata = serde_json::from_slice(&body)?;
        Ok(Self {
            facts,
            expected,
            agent,
            metadata,
        })
    }

    fn client(&self, auth_type: AuthType, secret: &str) -> Result<OAuth2, Failure> {
        self.client_named(self.client_id(), auth_type, secret)
    }

    /// One of the apps among the facts.
    fn client_of(&self, app: &Value) -> Result<OAuth2, Failure> {
        self.client_named(
            text(&app["client_id"]),
            AuthType::BasicAuth,
            &text(&app["client_secret"]),
        )
    }

    fn client_named(&self, client_id: String, auth_type: AuthType, secret: &str) -> Result<OAuth2, Failure> {
        let endpoint = |name: &str| text(&self.metadata[name]);
        let client = Client::new(ClientId::new(client_id))
            .set_client_secret(ClientSecret::new(secret.to_owned()))
            .set_auth_type(auth_type)
            .set_token_uri(TokenUrl::new(endpoint("token_endpoint"))?)
            .set_introspection_url(IntrospectionUrl::new(endpoint("introspection_endpoint"))?)
            .set_revocation_url(RevocationUrl::new(endpoint("revocation_endpoint"))?);
        Ok(client)
    }

    fn good_client(&self, auth_type: AuthType) -> Result<OAuth2, Failure> {
        self.client(auth_type, &text(&self.facts["private_app"]["client_secret"]))
    }

    fn client_id(&self) -> String {
        text(&self.facts["private_app"]["client_id"])
    }

    fn scopes(&self) -> Vec<String> {
        list(&self.expected["scopes"])
    }

    fn mint(&self, client: &OAuth2, ask: Ask<'_>) -> Result<Response, TokenError> {
        let mut request = client.exchange_client_credentials();
        for scope in ask.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some((name, value)) = ask.extra {
            request = request.add_extra_param(name.to_owned(), value);
        }
        request.request(&|request| send(&self.agent, request))
    }

    fn look_up(&self, client: &OAuth2, token: &AccessToken) -> Result<Introspection, Failure> {
        Ok(client
            .introspect(token)
            .request(&|request| send(&self.agent, request))?)
    }

    /// RFC 6749 section 5.1, with the organization under the profile's noun.
    fn check_response(&self, response: &Response, scopes: Option<&[String]>) -> Done {
        let granted = response.scopes().ok_or("there is no scope")?;
        let granted: BTreeSet<&str> = granted.iter().map(|scope| scope.as_str()).collect();
        match scopes {
            Some(scopes) => equal(granted, scopes.iter().map(String::as_str).collect())?,
            None => equal(self.scopes().iter().all(|scope| granted.contains(scope.as_str())), true)?,
        }
        equal(response.token_type(), &BasicTokenType::Bearer)?;
        equal(response.expires_in().is_some_and(|lifetime| !lifetime.is_zero()), true)?;
        equal(response.refresh_token().is_none(), true)?;
        let members = &response.extra_fields().members;
        equal(
            member(members, &self.expected["name_member"]),
            &self.facts["organization"]["name"],
        )?;
        self.check_organization(members)
    }

    /// The same value and JSON type in the response and in introspection.
    fn check_organization(&self, members: &Map<String, Value>) -> Done {
        let id = &self.facts["organization"]["id"];
        equal(id.is_number(), self.expected["id_type"] == "number")?;
        equal(member(members, &self.expected["id_member"]), id)
    }

    fn check_active(&self, introspection: &Introspection) -> Done {
        equal(introspection.active(), true)?;
        equal(
            introspection.client_id().map(|id| id.as_str()),
            Some(&*self.client_id()),
        )?;
        equal(introspection.aud().cloned(), Some(vec![text(&self.facts["resource"])]))?;
        equal(introspection.iss(), Some(&*text(&self.facts["issuer"])))?;
        equal(introspection.exp() > introspection.iat(), true)?;
        let scopes = introspection.scopes().ok_or("there is no scope")?;
        let scopes: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
        equal(scopes, self.scopes())?;
        self.check_organization(&introspection.extra_fields().members)
    }

    /// The request must be refused with this code.
    fn check_refused(&self, client: &OAuth2, ask: Ask<'_>, code: BasicErrorResponseType) -> Done {
        match self.mint(client, ask) {
            Err(RequestTokenError::ServerResponse(response)) => equal(response.error(), &code),
            Err(error) => Err(format!("{error:?}").into()),
            Ok(_) => Err("it was not refused".into()),
        }
    }
}

fn untrusted(test: &Test) -> Done {
    let stranger = agent(RootCerts::WebPki);
    match stranger.get(text(&test.facts["issuer"])).call() {
        Ok(_) => Err("it was trusted".into()),
        Err(error) if format!("{error:?}").contains("UnknownIssuer") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn discover(test: &Test) -> Done {
    equal(&test.metadata["issuer"], &test.facts["issuer"])?;
    equal(
        list(&test.metadata["grant_types_supported"]).contains(&"client_credentials".to_owned()),
        true,
    )
}

fn basic(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    test.check_response(&test.mint(&client, Ask::default())?, None)
}

fn post(test: &Test) -> Done {
    let client = test.good_client(AuthType::RequestBody)?;
    test.check_response(&test.mint(&client, Ask::default())?, None)
}

fn scope(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let one = &test.scopes()[..1];
    let ask = Ask {
        scopes: one,
        extra: None,
    };
    test.check_response(&test.mint(&client, ask)?, Some(one))
}

fn resource(test: &Test) -> Done {
    let client = test.good_client(AuthType::RequestBody)?;
    let scopes = &test.scopes();
    let extra = Some(("resource", text(&test.facts["resource"])));
    test.check_response(&test.mint(&client, Ask { scopes, extra })?, Some(scopes))
}

fn organization(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let name = text(&test.expected["id_member"]);
    let extra = Some((&*name, text(&test.facts["organization"]["id"])));
    test.check_response(&test.mint(&client, Ask { scopes: &[], extra })?, None)
}

fn foreign_organization(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let name = text(&test.expected["id_member"]);
    let extra = Some((&*name, "1".to_owned()));
    test.check_refused(
        &client,
        Ask { scopes: &[], extra },
        BasicErrorResponseType::InvalidRequest,
    )
}

fn introspect(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let ask = Ask {
        scopes: &test.scopes(),
        extra: None,
    };
    let minted = test.mint(&client, ask)?;
    test.check_active(&test.look_up(&client, minted.access_token())?)?;
    let other = test.look_up(&client, &AccessToken::new("no.such.token".to_owned()))?;
    equal(serde_json::to_value(other)?, json!({ "active": false }))
}

fn revoke(test: &Test) -> Done {
    let client = test.good_client(AuthType::RequestBody)?;
    let ask = Ask {
        scopes: &test.scopes(),
        extra: None,
    };
    let minted = test.mint(&client, ask)?;
    test.check_active(&test.look_up(&client, minted.access_token())?)?;
    for _ in 0..2 {
        let request = client.revoke_token(minted.access_token().clone().into())?;
        request.request(&|request| send(&test.agent, request))?;
    }
    let ended = test.look_up(&client, minted.access_token())?;
    equal(serde_json::to_value(ended)?, json!({ "active": false }))
}

fn wrong_secret(test: &Test) -> Done {
    let wrong = format!("{}x", text(&test.facts["private_app"]["client_secret"]));
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = test.client(auth_type, &wrong)?;
        test.check_refused(&client, Ask::default(), BasicErrorResponseType::InvalidClient)?;
    }
    Ok(())
}

fn unknown_scope(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let ask = Ask {
        scopes: &["no.such.scope".to_owned()],
        extra: None,
    };
    test.check_refused(&client, ask, BasicErrorResponseType::InvalidScope)
}

fn unknown_resource(test: &Test) -> Done {
    let client = test.good_client(AuthType::BasicAuth)?;
    let extra = Some(("resource", format!("{}/elsewhere", text(&test.facts["resource"]))));
    let code = BasicErrorResponseType::Extension("invalid_target".to_owned());
    test.check_refused(&client, Ask { scopes: &[], extra }, code)
}

fn agent(roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = Agent::config_builder().tls_config(tls).proxy(None);
    // The crate reads the bodies of errors itself, and no client of this protocol follows a redirect (RFC 9700 §4.12).
    let config = config.http_status_as_error(false);
    config
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .new_agent()
}

fn send(agent: &Agent, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let (parts, mut body) = agent.run(request)?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}

fn member<'a>(members: &'a Map<String, Value>, name: &Value) -> &'a Value {
    members.get(&text(name)).unwrap_or(&Value::Null)
}

/// The text of a string, the digits of a number.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn equal<T: PartialEq + std::fmt::Debug>(value: T, expected: T) -> Done {
    if value == expected {
        Ok(())
    } else {
        Err(format!("{value:?} is not {expected:?}").into())
    }
}
