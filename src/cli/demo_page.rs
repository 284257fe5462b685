//! What `grantd demo` prints for people: what runs where, and lines to copy.

use super::arguments::Demo;
use crate::config::routes::Upstream;
use crate::context::Context;
use http::Method;
use serde_json::Value;

/// The example of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Long enough for every profile.
const STATE: &str = "example-state-0123456789";
const SCOPES_SHOWN: usize = 4;

/// An id as it stands in a URL or a form.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

pub fn render(ctx: &Context, facts: &Value, demo: &Demo) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let issuer = ctx.issuer();
    let profile = &demo.profile;
    let noun = &ctx.profile().noun;
    let organization = format!(
        "{} ({})",
        text(&facts["organization"]["name"]),
        id_text(&facts["organization"]["id"])
    );
    let id_parameter = format!("{}={}", noun.id_claim(), id_text(&facts["organization"]["id"]));
    let private_id = text(&facts["private_app"]["client_id"]);
    let private = format!("{private_id}:{}", text(&facts["private_app"]["client_secret"]));
    let public = text(&facts["public_app"]["client_id"]);
    let spa = text(&facts["spa_app"]["client_id"]);
    let curl = match facts["ca_file"].as_str() {
        Some(ca) => format!("curl -s --cacert '{ca}'"),
        None => "curl -s".to_owned(),
    };
    let resource = text(&facts["resource"]);
    let transport = ["development certificates", "plain http"][usize::from(demo.http)];
    let person = |who: &Value| format!("{}  {}", text(&who["email"]), text(&who["password"]));
    let [owner, admin, administrator] = ["owner", "admin", "administrator"].map(|who| person(&facts[who]));
    let link = authorize_link(ctx, facts);
    let api = api_lines(ctx, facts, &curl);
    let (two, three) = if api.is_empty() { (2, 3) } else { (3, 4) };
    format!(
        "grantd demo — profile {profile}, {transport} and example data. Ctrl-C ends it.

  issuer         {issuer}
  API audience   {resource}
  {noun:<13}  {organization}
  owner          {owner}
  admin          {admin}
  administrator  {administrator}
  private app    {private_id}
  public app     {public}
  single-page    {spa}

Open in a browser, sign in as the owner and decide what the public app may do:

  {link}

Sign in as the administrator to see the review desk and who asks for access:

  {issuer}/admin

Copy and paste, one after the other:

  # 1. an app authenticates and gets a token bound to its {noun}
  TOKEN=$({curl} -u '{private}' -d grant_type=client_credentials -d {id_parameter} {issuer}/oauth/token \\
    | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); echo \"$TOKEN\"

{api}  # {two}. an API asks what the token is worth
  {curl} -u '{private}' -d token=\"$TOKEN\" {issuer}/oauth/introspect; echo

  # {three}. the app revokes it, and it is worth nothing
  {curl} -u '{private}' -d token=\"$TOKEN\" {issuer}/oauth/revoke; echo
  {curl} -u '{private}' -d token=\"$TOKEN\" {issuer}/oauth/introspect; echo

  # what clients discover, and the keys that verify tokens offline
  {curl} {issuer}/.well-known/oauth-authorization-server; echo
  {curl} {issuer}/oauth/jwks.json; echo

",
        noun = noun.singular,
    )
}

/// A request to the API, where the sandbox answers one.
fn api_lines(ctx: &Context, facts: &Value, curl: &str) -> String {
    let organization = id_text(&facts["organization"]["id"]);
    let Some(path) = sandbox_path(ctx, &organization) else {
        return String::new();
    };
    let issuer = ctx.issuer();
    format!(
        "  # 2. the API answers the token: a sandbox, until gateway.upstream says where a real one is\n  \
         {curl} -H \"Authorization: Bearer $TOKEN\" {issuer}{path}; echo\n\n"
    )
}

/// The first route of the sandbox that can be read without naming anything but the organization.
fn sandbox_path(ctx: &Context, organization: &str) -> Option<String> {
    let routes = ctx.routes();
    let mut paths = routes.rows().iter().filter_map(|row| {
        let answered = row.upstream == Upstream::Sandbox && row.sandbox.is_some();
        let name = row.organization.as_deref().map(|name| format!("{{{name}}}"));
        let path = name.map_or(row.path.clone(), |name| row.path.replace(&name, organization));
        (answered && row.needs(&Method::GET).is_some() && !path.contains('{')).then_some(path)
    });
    paths.next()
}

/// What an app would send the owner to. Nobody listens at the redirect URI: the code stands in the address bar.
fn authorize_link(ctx: &Context, facts: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let scopes: Vec<&str> = ctx.profile().scopes.names().take(SCOPES_SHOWN).collect();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &text(&facts["public_app"]["client_id"]))
        .append_pair("redirect_uri", &text(&facts["public_app"]["redirect_uri"]))
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", STATE)
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .append_pair("login_hint", &text(&facts["owner"]["email"]))
        .finish();
    format!("{}/oauth/authorize?{query}", ctx.issuer())
}
