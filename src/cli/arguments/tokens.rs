//! `key` and `token`.

use crate::control::Revocation;
use argh::FromArgs;
use std::path::PathBuf;

/// Signing keys: list, rotate, revoke.
#[derive(FromArgs)]
#[argh(subcommand, name = "key")]
pub struct Key {
    #[argh(subcommand)]
    pub verb: KeyVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum KeyVerb {
    List(KeyList),
    Rotate(KeyRotate),
    Revoke(KeyRevoke),
}

/// List the keys that sign or still verify.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
pub struct KeyList {}

/// Let the next key sign from now on. Tokens of the old one stay verifiable until they expire.
#[derive(FromArgs)]
#[argh(subcommand, name = "rotate")]
pub struct KeyRotate {
    /// one algorithm only: EdDSA, ES256 or RS256
    #[argh(option)]
    pub alg: Option<String>,
}

/// Withdraw a compromised key at once: every token it signed is dead.
#[derive(FromArgs)]
#[argh(subcommand, name = "revoke")]
pub struct KeyRevoke {
    /// the key's id
    #[argh(positional)]
    pub kid: String,
}

/// Access tokens: mint, inspect, verify, revoke.
#[derive(FromArgs)]
#[argh(subcommand, name = "token")]
pub struct Token {
    #[argh(subcommand)]
    pub verb: TokenVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum TokenVerb {
    Mint(TokenMint),
    Inspect(TokenInspect),
    Verify(TokenVerify),
    Revoke(TokenRevoke),
}

/// Make a token for a private app, as its own request would. Shown this once.
#[derive(FromArgs)]
#[argh(subcommand, name = "mint")]
pub struct TokenMint {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
    /// a scope; repeat for more (default: all of the app's)
    #[argh(option)]
    pub scope: Vec<String>,
    /// the audience (default: the profile's first resource)
    #[argh(option)]
    pub resource: Option<String>,
    /// seconds it lives (default: as the resource says)
    #[argh(option)]
    pub lifetime_s: Option<u64>,
}

/// Say what a token holds and whether it is good, and why not. Reads standard input where the token is left out.
#[derive(FromArgs)]
#[argh(subcommand, name = "inspect")]
pub struct TokenInspect {
    /// the token; better on standard input, where no process list shows it
    #[argh(positional)]
    pub token: Option<String>,
}

/// Judge a token as an API does that has nothing but the issuer's public keys. Sees no revocation: a revoked token is
/// good here until it expires. The token is read from a file or from standard input. Ends with 0 for a good token, 1
/// for one that is no good, 3 where that could not be judged.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct TokenVerify {
    /// who must have made it
    #[argh(option)]
    pub issuer: String,
    /// the API it must be for
    #[argh(option)]
    pub audience: String,
    /// a scope it must have; repeat for more
    #[argh(option)]
    pub scope: Vec<String>,
    /// the public keys: a file, or an https address (default: where the issuer's metadata says)
    #[argh(option)]
    pub jwks: Option<String>,
    /// certificate authorities to trust instead of the system's, in PEM
    #[argh(option)]
    pub ca: Option<PathBuf>,
    /// a file with the token
    #[argh(option)]
    pub token_file: Option<PathBuf>,
    /// a file with the DPoP proof that came with it
    #[argh(option)]
    pub proof_file: Option<PathBuf>,
    /// the method of the request that the proof is for
    #[argh(option)]
    pub method: Option<String>,
    /// the address of the request that the proof is for
    #[argh(option)]
    pub url: Option<String>,
}

/// End one token, or every token of an app, a user, an organization, or all. For good.
#[derive(FromArgs)]
#[argh(subcommand, name = "revoke")]
pub struct TokenRevoke {
    /// the token; standard input where it and every option is left out
    #[argh(positional)]
    pub token: Option<String>,
    /// every token of this app
    #[argh(option)]
    pub app: Option<String>,
    /// every token that acts as this user
    #[argh(option)]
    pub user: Option<String>,
    /// every token of this organization
    #[argh(option)]
    pub organization: Option<String>,
    /// every token there is
    #[argh(switch)]
    pub everything: bool,
}

impl TokenRevoke {
    /// `None`: the token stands on standard input.
    pub fn what(self) -> Result<Option<Revocation>, String> {
        let everything = self.everything.then_some(Revocation::Everything);
        let named = [
            self.token.map(Revocation::Token),
            self.app.map(Revocation::App),
            self.user.map(Revocation::User),
            self.organization.map(Revocation::Organization),
            everything,
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (what, None) => Ok(what),
            _ => Err("say one thing to revoke: a token, --app, --user, --organization or --everything".into()),
        }
    }
}
