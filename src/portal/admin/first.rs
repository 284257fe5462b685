//! `/administrator`: the page that the printed one-time link opens. Whoever has it becomes an administrator.

use super::parts::{Wrong, field};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::platform::people;
use crate::platform::refusal::Refusal;
use crate::portal::page::{Page, redirect};
use crate::portal::passwords::asked;
use crate::portal::problem::new_password;
use crate::portal::trouble::Paged;
use crate::portal::visit::Visit;
use crate::web::request::Request;
use form_urlencoded::byte_serialize;
use maud::{Markup, html};

const FORM: &str = "administrator";

/// Says what the link does, and changes nothing.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let link = asked(request, "link")?.unwrap_or_default();
    people::of_link(ctx, &link).await?;
    page(&visit, &link, ("", ""), &Wrong::nothing())
}

/// Who is signed in takes the duty; anybody else makes an account with it.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(FORM)?;
    let (link, email, name) = (
        field(&fields, "link")?,
        field(&fields, "email")?,
        field(&fields, "name")?,
    );
    let (taken, next) = match visit.signed_in() {
        Some(signed_in) => (people::take(ctx, link, &signed_in.user.id).await, "/admin"),
        None => {
            let password = Secret::new(field(&fields, "new_password")?);
            let taken = people::take_as_new(ctx, link, email, name, &password).await;
            (taken, "/login?next=%2Fadmin")
        }
    };
    match taken {
        Ok(()) => Ok(redirect(&visit, next, None)),
        Err(Refusal::Store(error)) => Err(error.into()),
        Err(refusal) => {
            let wrong = Wrong::of(&visit, refusal, "conflict_text")?;
            page(&visit, link, (email, name), &wrong)
        }
    }
}

fn page(visit: &Visit<'_>, link: &str, (email, name): (&str, &str), wrong: &Wrong) -> Paged {
    let body = html! {
        (wrong.notice())
        p { (visit.text("administrator_text")) }
        @match visit.signed_in() {
            Some(signed_in) => {
                form method="post" action="/administrator" {
                    (visit.csrf(FORM))
                    input type="hidden" name="link" value=(link);
                    p { (visit.fill("signed_in_as", &[("email", &signed_in.user.email)])) }
                    button.wide-button { (visit.text("administrator_take")) }
                }
                p { a href=(sign_in(link)) { (visit.text("administrator_other_account")) } }
            }
            None => {
                (new_account(visit, link, email, name, wrong))
                p { a href=(sign_in(link)) { (visit.text("administrator_have_account")) } }
            }
        }
    };
    Ok(Page::new(visit.text("administrator"), body)
        .with_status(wrong.status)
        .show(visit))
}

fn new_account(visit: &Visit<'_>, link: &str, email: &str, name: &str, wrong: &Wrong) -> Markup {
    html! {
        form method="post" action="/administrator" {
            (visit.csrf(FORM))
            input type="hidden" name="link" value=(link);
            label for="name" { (visit.text("your_name")) }
            input #name type="text" name="name" value=(name) autocomplete="name" required;
            label for="email" { (visit.text("email")) }
            input #email type="email" name="email" value=(email) autocomplete="username" required
                autocapitalize="none" spellcheck="false";
            (wrong.at(visit, "email"))
            (new_password(visit))
            button.wide-button { (visit.text("administrator_make")) }
        }
    }
}

fn sign_in(link: &str) -> String {
    let link: String = byte_serialize(link.as_bytes()).collect();
    let next: String = byte_serialize(format!("/administrator?link={link}").as_bytes()).collect();
    format!("/login?other=yes&next={next}")
}
