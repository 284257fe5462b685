//! The protocol through the front door, in process: requests in, answers out, with a clock that tests push.
//!
//! A test's name begins with the code of the checklist line it proves, such as `o12_…`. Lines that wait for an endpoint:
//!
//! | not here yet                                                       | waits for                                |
//! |--------------------------------------------------------------------|------------------------------------------|
//! | O4–O8, O11, O17–O20, O27, O31, O32, R3, M5 (redirects); B1, B6, B8 | authorization endpoint                   |
//! | O21, O22, B2, F5, F7                                               | authorization codes                      |
//! | O15, O24, O25, B10, M4, F4; refresh tokens in V1                   | refresh tokens                           |
//! | B11, O30 (consent, list of grants)                                 | consent and portal                       |
//! | P1–P4, F8                                                          | pushed authorization requests            |
//! | D1–D9, B4 (sender constraint), `cnf` in introspection              | DPoP                                     |
//! | F3, F6, O9 (`aud` of assertions)                                   | private_key_jwt                          |
//! | M6; M8 (ID-JAG)                                                    | client id metadata documents; jwt-bearer |
//! | O26, M7 (challenges)                                               | gateway                                  |
//! | F1, F2 (-4 to -6), B9 (proxy)                                      | server and profiles of their own         |
//! | R2 (signed_metadata), R4 (`code_challenge_methods_supported`)      | not offered; authorization endpoint      |

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
mod rfc6749;
mod rfc6749_client_auth;
mod rfc7009;
mod rfc7662;
mod rfc8414;
mod rfc8707;
mod rfc9068;
mod rfc9728;
mod support;
mod tokens;
mod transfer;
