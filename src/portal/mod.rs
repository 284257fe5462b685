//! The pages people see. One file per page; what they share:
//!
//! * [`visit`]: a browser asking, who is signed in there and which language it reads;
//! * [`page`]: the layout and the headers of every page; [`trouble`]: the pages that say why there is none;
//! * [`desk`]: a page for whoever is signed in, with the way around the portal;
//! * [`session`]: sessions and their cookie; [`csrf`]: what binds a form to the browser it was shown in.
//!
//! A form is shown with `visit.csrf("name")` and read with `visit.form("name")`, which refuses whatever our own page in
//! the same browser did not send. Texts stand in `data/translations`.

pub mod access_requests;
pub mod account;
pub mod admin;
mod app_card;
pub mod asking;
pub mod authorize;
mod choices;
pub mod consent;
pub mod credentials;
pub mod csrf;
pub mod desk;
pub mod developer;
pub mod documentation;
pub mod joining;
pub mod next;
pub mod organizations;
pub mod page;
pub mod passwords;
pub mod personal_tokens;
mod problem;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod trouble;
pub mod visit;
pub mod webhooks;
