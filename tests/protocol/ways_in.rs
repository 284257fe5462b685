//! The ways to the form that asks for access, and to an organization's tokens.

use crate::browser::{Browser, EMAIL, set_password, world};
use crate::personal_tokens::NEW;
use crate::support::{World, config};
use grantd::config::SelfService;
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use std::path::Path;
use std::sync::Arc;

const ASK: &str = "href=\"/access-requests/new\"";

#[tokio::test]
async fn the_sign_in_page_leads_to_the_form_where_there_is_one() {
    for (profile, there) in [("default", true), ("makecrypto", false)] {
        let the = world(profile).await;
        let browser = Browser::new(&the.world);
        let page = browser.get("/login").await;
        assert_eq!(page.body.contains(ASK), there, "{profile}");
        // An app's users have nothing to ask for.
        let way = format!("/oauth/authorize?{}", the.query(""));
        let page = browser.get(&way).await;
        assert!(
            page.body.contains("id=\"password\"") && !page.body.contains(ASK),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn where_tokens_are_given_on_request_the_form_is_one_step_away() {
    for (requests, there) in [(true, true), (false, false)] {
        let mut config = config("default", Path::new("/nonexistent/grantd"));
        config.profile.pat.self_service = SelfService::OnRequest;
        config.profile.access_requests = requests;
        let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
        world.add_member(EMAIL, Role::Member).await;
        set_password(&world, EMAIL).await;
        let browser = Browser::new(&world);
        browser.sign_in().await;
        for path in ["/account/tokens", NEW] {
            let page = browser.get(path).await;
            assert!(page.status == 200 && page.body.contains("on request"), "{page:?}");
            assert_eq!(page.body.contains(ASK), there, "{path}");
        }
    }
}

#[tokio::test]
async fn an_organizations_tokens_are_a_tab_of_its_pages() {
    let the = world("default").await;
    let ada = the.ada().await;
    let second = the.world.add_organization("Zeta").await;
    the.world.set_role_in(&second, EMAIL, Role::Owner).await;
    for organization in [&the.world.organization, &second] {
        let to = format!("/organizations/{organization}/tokens");
        let overview = ada.get(&format!("/organizations/{organization}")).await;
        assert!(
            overview.body.contains(&format!("<a href=\"{to}\">Tokens</a>")),
            "{overview:?}"
        );
        for path in [to.clone(), format!("{to}/new")] {
            let page = ada.get(&path).await;
            let tab = format!("<a href=\"{to}\" aria-current=\"page\">Tokens</a>");
            assert!(page.status == 200 && page.body.contains(&tab), "{path}: {page:?}");
            // The organization of the page is the one that is open.
            assert!(
                page.body.contains(&format!("value=\"{organization}\" selected")),
                "{page:?}"
            );
        }
    }
    let own = ada.get("/account/tokens").await;
    assert!(!own.body.contains("class=\"tabs\""), "{own:?}");
}
