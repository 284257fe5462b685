//! The protocol through the front door, in process: requests in, answers out, with a clock that tests push.
//!
//! A test's name begins with the code of the checklist line it proves, such as `o12_…`. Not here yet:
//!
//! | lines                                             | wait for                                    |
//! |---------------------------------------------------|---------------------------------------------|
//! | O31 (frames), O32 (sign-in), B6, M5 (redirects)   | the pages of the authorization endpoint     |
//! | O16 (`code_verifier`), O21, O22, B2, F5–F7        | authorization codes                         |
//! | O15, O24, O25, B10, M4, F4, V1 (their revocation) | refresh tokens                              |
//! | O30 (consent, list of grants), B11                | consent and the portal                      |
//! | D3 (refresh tokens), D8, B4                       | authorization codes, refresh tokens         |
//! | D6, D7 (§9), D9 (resources)                       | the gateway                                 |
//! | V1 (clients of type public)                       | tokens that such a client can get           |
//! | M6, M8 (ID-JAG)                                   | client metadata documents, jwt-bearer       |
//! | O26, M7 (challenges), R2 (challenges), F9 (-2)    | the gateway                                 |
//! | F2 (-3 to -6)                                     | a profile for FAPI                          |
//!
//! O1 and F1 (TLS) and B9 (the proxy's hop) are proven where the server is; the file of each RFC has the rest.

mod app_settings;
mod authorize_checks;
mod authorize_decisions;
mod authorize_posted;
mod authorize_silently;
mod authorizing;
mod control;
mod control_refusals;
mod epochs;
mod failing_store;
mod health;
mod http;
mod keys;
mod leaks;
mod limiter;
mod past_failures;
mod proofs;
mod redirect_uri_tricks;
mod redirect_uris;
mod rfc6749;
mod rfc6749_client_auth;
mod rfc7009;
mod rfc7523;
mod rfc7523_keys;
mod rfc7636;
mod rfc7662;
mod rfc8414;
mod rfc8707;
mod rfc9068;
mod rfc9126;
mod rfc9207;
mod rfc9449;
mod rfc9449_nonces;
mod rfc9728;
mod support;
mod tokens;
mod transfer;
