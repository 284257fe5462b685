//! The protocol through the front door, in process: requests in, answers out, with a clock that tests push.
//!
//! A test's name begins with the code of the checklist line it proves, such as `o12_…`. Not here yet:
//!
//! | lines                                             | wait for                                    |
//! |---------------------------------------------------|---------------------------------------------|
//! | M6, M8 (ID-JAG)                                   | client metadata documents, jwt-bearer       |
//! | F2 (-3 to -6)                                     | a profile for FAPI                          |
//!
//! O1 and F1 (TLS) and B9 (the proxy's hop) are proven where the server is; the file of each RFC has the rest.

mod access_request_rules;
mod access_requests;
mod administrators;
mod api;
mod app_settings;
mod authorize_checks;
mod authorize_decisions;
mod authorize_posted;
mod authorize_silently;
mod authorizing;
mod browser;
mod codes;
mod consent;
mod consent_asking;
mod consent_policy;
mod control;
mod control_refusals;
mod cors;
mod credentials;
mod delegation;
mod desk;
mod developer_api;
mod developer_apps;
mod developer_logos;
mod developer_people;
mod developer_states;
mod developing;
mod documentation;
mod epochs;
mod failing_store;
mod failures;
mod gateway;
mod gateway_guard;
mod gateway_proofs;
mod gateway_proxy;
mod gateway_routes;
mod gateway_rows;
mod gateway_streams;
mod health;
mod http;
mod idempotency;
mod joining;
mod keys;
mod leaks;
mod limiter;
mod links;
mod mail;
mod mail_server;
mod matrix;
mod organization_apps;
mod organization_audit;
mod organization_invitations;
mod organization_keys;
mod organization_members;
mod organization_pages;
mod organization_policy;
mod pages;
mod passwords;
mod past_failures;
mod past_failures_of_pages;
mod personal_tokens;
mod personal_tokens_made;
mod proofs;
mod redirect_uri_tricks;
mod redirect_uris;
mod refresh;
mod refresh_ended;
mod refresh_reuse;
mod review_rules;
mod reviews;
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
mod rfc9126_proofs;
mod rfc9207;
mod rfc9449;
mod rfc9449_nonces;
mod rfc9728;
mod sandbox;
mod sandbox_checkout;
mod sandbox_customers;
mod sandbox_documents;
mod sandbox_link_lists;
mod sandbox_once;
mod sandbox_payment_links;
mod sessions;
mod sign_in;
mod snippets;
mod support;
mod tokens;
mod totp;
mod totp_guesses;
mod totp_letters;
mod transfer;
#[path = "../races/yielding.rs"]
mod yielding;
