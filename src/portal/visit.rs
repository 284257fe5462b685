//! A browser asking for a page: who is signed in there, and which language it reads.

use super::csrf;
use super::session::{self, SignedIn};
use super::trouble::Trouble;
use crate::base::order;
use crate::base::random;
use crate::config::Texts;
use crate::context::Context;
use crate::oauth::params::Params;
use crate::store::StoreError;
use crate::web::cookies;
use crate::web::multipart;
use crate::web::request::Request;
use bytes::Bytes;
use http::header::ACCEPT_LANGUAGE;
use maud::{Markup, html};

/// What the cookie of a browser begins with in which nobody is signed in. No session has such an id.
const ANONYMOUS: &str = "visitor.";
const ANONYMOUS_BYTES: usize = 24;
const LANGUAGES_MAX: usize = 16;
/// Of the longest form: two for each scope of a catalog.
const FIELDS_MAX: usize = 600;

pub struct Visit<'a> {
    pub ctx: &'a Context,
    pub request: &'a Request,
    pub texts: &'a Texts,
    pub browser: Browser,
}

pub enum Browser {
    SignedIn(SignedIn),
    /// Random and stored nowhere: it binds forms to the browser. `is_new` when the browser has yet to be given it.
    Anonymous {
        value: String,
        is_new: bool,
    },
}

impl<'a> Visit<'a> {
    pub async fn of(ctx: &'a Context, request: &'a Request) -> Result<Self, StoreError> {
        let cookie = cookies::value(&ctx.config.issuer, request);
        let signed_in = match cookie {
            Some(cookie) => session::find(ctx, cookie).await?,
            None => None,
        };
        let browser = match (signed_in, cookie) {
            (Some(signed_in), _) => Browser::SignedIn(session::touched(ctx, request, signed_in).await),
            (None, Some(cookie)) if cookie.starts_with(ANONYMOUS) => Browser::Anonymous {
                value: cookie.to_owned(),
                is_new: false,
            },
            (None, _) => Browser::new_anonymous(ctx),
        };
        Ok(Self::with(ctx, request, browser))
    }

    /// Without a look at the store: for pages that say it cannot be read.
    pub fn unknown(ctx: &'a Context, request: &'a Request) -> Self {
        let value = String::new();
        Self::with(ctx, request, Browser::Anonymous { value, is_new: false })
    }

    fn with(ctx: &'a Context, request: &'a Request, browser: Browser) -> Self {
        let mut visit = Self {
            ctx,
            request,
            texts: ctx.config.pages.texts([]),
            browser,
        };
        // Seen before the request is judged, so that a page about what is wrong with it is readable too.
        let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes());
        visit.prefer(
            params
                .as_ref()
                .ok()
                .and_then(|params| params.get("ui_locales").ok().flatten()),
        );
        visit
    }

    /// The `ui_locales` of an authorization request (OpenID Connect Core §3.1.2.1) before the browser's own wishes.
    pub fn prefer(&mut self, locales: Option<&str>) {
        let accepted = self.request.header(ACCEPT_LANGUAGE.as_str()).unwrap_or_default();
        let wanted = locales.unwrap_or_default().split(' ').take(LANGUAGES_MAX);
        self.texts = self.ctx.config.pages.texts(wanted.chain(by_preference(accepted)));
    }

    pub fn signed_in(&self) -> Option<&SignedIn> {
        match &self.browser {
            Browser::SignedIn(signed_in) => Some(signed_in),
            Browser::Anonymous { .. } => None,
        }
    }

    /// What forms are bound to: the session's id, which stays when its secret changes, or the anonymous value.
    pub fn binding(&self) -> &str {
        match &self.browser {
            Browser::SignedIn(signed_in) => &signed_in.session.id,
            Browser::Anonymous { value, .. } => value,
        }
    }

    /// The hidden field of a form, for [`Self::form`] to find again.
    pub fn csrf(&self, form: &str) -> Markup {
        html! { input type="hidden" name=(csrf::FIELD) value=(csrf::token(self, form)); }
    }

    /// The fields of the form of this name, when it was sent by our own page in this browser.
    pub fn form(&self, form: &str) -> Result<Params<'a>, Trouble> {
        if !self.request.is_form() {
            return Err(Trouble::BadForm);
        }
        let params = Params::parse_up_to(FIELDS_MAX, &self.request.body).map_err(|_| Trouble::BadForm)?;
        self.judged(form, params)
    }

    /// The same of a form with a file in it (RFC 7578): its fields, and the file where one was chosen.
    pub fn upload(&self, form: &str) -> Result<(Params<'a>, Option<Bytes>), Trouble> {
        let mut fields = Vec::new();
        let mut file = None;
        for part in multipart::parts(self.request).ok_or(Trouble::BadForm)? {
            if part.is_file {
                file = Some(part.content).filter(|content| !content.is_empty());
                continue;
            }
            let value = std::str::from_utf8(&part.content).map_err(|_| Trouble::BadForm)?;
            fields.push((part.name, value.to_owned()));
        }
        Ok((self.judged(form, Params::of(fields))?, file))
    }

    fn judged(&self, form: &str, params: Params<'a>) -> Result<Params<'a>, Trouble> {
        let shown = params.get(csrf::FIELD).map_err(|_| Trouble::BadForm)?;
        if shown.is_some_and(|shown| csrf::holds(self, form, shown)) {
            Ok(params)
        } else {
            Err(Trouble::ForeignForm)
        }
    }

    /// The tag of the page's language.
    pub fn language(&self) -> &'static str {
        self.texts.language
    }

    pub fn text(&self, key: &'static str) -> &'a str {
        self.texts.get(key)
    }

    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.texts.fill(key, values)
    }

    /// What this API calls an organization, in the page's language where there is a word for it.
    pub fn noun(&self) -> &str {
        let noun = &self.ctx.profile().noun.singular;
        self.texts.find(&format!("noun_{noun}")).unwrap_or(noun)
    }
}

impl Browser {
    fn new_anonymous(ctx: &Context) -> Self {
        Self::Anonymous {
            value: format!("{ANONYMOUS}{}", random::token::<ANONYMOUS_BYTES>(&*ctx.random)),
            is_new: true,
        }
    }
}

/// The tags of an `Accept-Language` header (RFC 9110 §12.5.4), the most wanted first.
fn by_preference(header: &str) -> impl Iterator<Item = &str> {
    let mut tags: Vec<(&str, u16)> = header
        .split(',')
        .take(LANGUAGES_MAX)
        .map(|item| {
            let (tag, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let quality = weight.trim().trim_start_matches("q=");
            let quality = quality.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
            // Thousandths are as fine as the header can be.
            (tag.trim(), (quality * 1000.0) as u16)
        })
        .filter(|(_, quality)| *quality > 0)
        .collect();
    order::by_key(&mut tags, |(_, quality)| std::cmp::Reverse(*quality));
    tags.into_iter().map(|(tag, _)| tag)
}

#[cfg(test)]
mod tests {
    use super::by_preference;

    #[test]
    fn languages_are_ordered_by_their_weight_and_refused_ones_left_out() {
        let order = |header| by_preference(header).collect::<Vec<_>>();
        assert_eq!(order("fr;q=0.5, sl-SI ,en; q=0.9, de;q=0"), ["sl-SI", "en", "fr"]);
        assert_eq!(order("fr;q=0.5,en;q=0.9"), ["en", "fr"]);
        assert_eq!(order("").len(), 1);
    }
}
