//! A token that was just made: the only page that ever has its text.

use super::{Scene, rows};
use crate::platform::personal_tokens::Made;
use crate::portal::desk::Desk;
use crate::portal::trouble::Paged;
use maud::html;

pub fn page(desk: &Desk<'_>, scene: Scene<'_>, made: &Made) -> Paged {
    let api = &desk.ctx().profile().default_resource().identifier;
    let body = html! {
        (scene.tabs(desk))
        p.notice.good role="status" { (desk.text("pat_done")) }
        p { strong { (desk.text("pat_once")) } }
        label for="token" { (desk.text("pat_one")) }
        input #token type="text" value=(made.text) readonly autocomplete="off" spellcheck="false";
        dl {
            dt { (desk.text("name")) } dd { bdi { (made.token.name) } }
            dt { (desk.text("pat_scopes")) } dd { (rows::titles(desk, &made.token)) }
            dt { (desk.text("pat_times")) } dd { (rows::times(desk, &made.token)) }
        }
        h2 { (desk.text("pat_use_heading")) }
        p { (desk.text("pat_use_text")) }
        pre tabindex="0" { code { "Authorization: Bearer " (made.text) } }
        p.quiet { (desk.fill("pat_use_at", &[("api", api)])) }
        p { a.button href=(scene.list()) { (desk.text("pat_kept")) } }
    };
    let way = scene.way_below(desk);
    Ok(desk
        .page(scene.part(), &way, desk.text("pat_done_heading"), body)
        .show(&desk.visit))
}
