//! `/admin/native-templates`: what administrators see of the platforms whose plugins connect by themselves.

use crate::administrators::{ADMINISTRATOR, REVIEWER, on_duty, signed_in};
use crate::browser::Browser;
use crate::http::request;
use crate::support::World;
use grantd::model::user::Duty;
use http::Method;

const PATH: &str = "/admin/native-templates";

async fn world(profile: &str) -> World {
    let world = World::new(profile).await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    world
}

#[tokio::test]
async fn administrators_see_every_template_and_can_change_none() {
    let world = world("makecrypto").await;
    let browser = signed_in(&world, ADMINISTRATOR).await;
    assert!(browser.get("/admin").await.body.contains(PATH));
    let page = browser.get(PATH).await;
    assert_eq!(page.status, 200, "{page:?}");
    for template in &world.ctx.profile().native_templates {
        let facts = [
            &template.platform,
            &template.name,
            &template.terms,
            &template.redirect_uri,
        ];
        for fact in facts
            .into_iter()
            .chain(&template.scopes)
            .chain(&template.required_fields)
        {
            assert!(page.body.contains(fact.as_str()), "{fact}");
        }
        let icon = format!("/assets/{}", template.icon.name);
        assert!(page.body.contains(&icon));
        let picture = world.send(request(Method::GET, &icon, &[], b"")).await;
        assert_eq!(
            (picture.status, picture.header("content-type")),
            (200, Some("image/png"))
        );
    }
    let forms: Vec<&str> = page.body.matches("<form").collect();
    // The one in the header signs out.
    assert_eq!(forms.len(), 1, "{}", page.body);
    let posted = world.send(request(Method::POST, PATH, &[], b"")).await;
    assert_eq!(posted.status, 405, "{posted:?}");
}

#[tokio::test]
async fn nobody_else_sees_them_and_where_there_are_none_there_is_no_page() {
    let world_with = world("makecrypto").await;
    let reviewer = signed_in(&world_with, REVIEWER).await;
    assert_eq!(reviewer.get(PATH).await.status, 404);
    assert!(!reviewer.get("/admin").await.body.contains(PATH));
    assert_eq!(Browser::new(&world_with).get(PATH).await.status, 303);
    let world_without = world("default").await;
    let administrator = signed_in(&world_without, ADMINISTRATOR).await;
    assert_eq!(administrator.get(PATH).await.status, 404);
    assert!(!administrator.get("/admin").await.body.contains(PATH));
}
