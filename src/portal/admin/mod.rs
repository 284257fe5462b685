//! `/admin`: what reviewers and administrators see. Who is not on duty finds nothing there.

pub mod apps;
pub mod first;
pub mod health;
pub mod installations;
pub mod native_templates;
pub mod parts;
pub mod people;
pub mod requests;
pub mod review;
pub mod reviews;

use super::desk::{Desk, Part};
use super::trouble::{Paged, Trouble};
use crate::context::Context;
use crate::platform::access_requests;
use crate::platform::reviews as platform;
use crate::platform::rights::Right;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::html;

/// The desk of somebody who may do this. `Err` is the way to the sign-in.
pub async fn on_duty<'a>(
    ctx: &'a Context,
    request: &'a Request,
    right: Right,
) -> Result<Result<Desk<'a>, Response>, Trouble> {
    let desk = Desk::of(ctx, request).await?;
    if let Ok(desk) = &desk {
        desk.actor.on_duty(right)?;
    }
    Ok(desk)
}

/// `GET /admin`: what waits, and where to go.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let administers = desk.actor.on_duty(Right::Administer).is_ok();
    let waiting = platform::waiting(ctx, &desk.actor).await?;
    let asking = match ctx.profile().access_requests && administers {
        true => Some(access_requests::waiting(ctx, &desk.actor).await?),
        false => None,
    };
    let mut rows = vec![(
        "/admin/reviews",
        "reviews",
        "admin_reviews_text",
        Some(waiting.to_string()),
    )];
    if let Some(asking) = asking {
        rows.push((
            "/admin/access-requests",
            "requests",
            "admin_requests_text",
            Some(asking.to_string()),
        ));
    }
    rows.push(("/admin/apps", "admin_apps", "admin_apps_text", None));
    if administers {
        rows.push(("/admin/people", "people", "admin_people_text", None));
        rows.push(("/admin/health", "health", "health_text", None));
        if !ctx.profile().native_templates.is_empty() {
            rows.push(("/admin/native-templates", "native", "native_about", None));
            let (name, about) = ("native_installations", "native_installations_about");
            rows.push(("/admin/installations", name, about, None));
        }
    }
    let body = html! {
        ul.rows {
            @for (to, name, about, count) in &rows {
                li {
                    div.what {
                        h2.plain { a href=(to) { (desk.text(name)) } }
                        p.quiet { (desk.text(about)) }
                    }
                    @if let Some(count) = count {
                        span.tag.high[count != "0"] { (desk.fill("admin_waiting", &[("count", count)])) }
                    }
                }
            }
        }
    };
    let title = desk.text("nav_administration");
    Ok(desk.page(Part::Administration, &[], title, body).show(&desk.visit))
}
