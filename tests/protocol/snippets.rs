//! The code that an app's credentials page offers to begin with.

use crate::browser::{Browser, world};
use crate::credentials::page_of;

#[tokio::test]
async fn the_code_to_begin_with_names_the_app_and_no_secret() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let asking = world(profile).await;
        let world = &asking.world;
        let browser = Browser::new(world);
        browser.sign_in().await;
        for (id, words) in [
            (&asking.web.0, "https%3A%2F%2Fapp.example%2Fcallback"),
            (&asking.spa.0, "refresh_token"),
            (&world.client_id, "client_credentials"),
        ] {
            let page = browser.get(&page_of(id)).await;
            assert_eq!(page.status, 200);
            let code = page.body.split("<pre").skip(1).collect::<String>();
            assert!(code.contains(id.as_str()) && code.contains(words), "{profile} {code}");
            assert_eq!(code.contains("YOUR_CLIENT_SECRET"), *id != asking.spa.0, "{profile}");
            assert!(
                page.body.contains("sees no revocation") && page.body.contains("/docs/verify"),
                "{profile}"
            );
            assert!(page.body.len() < 60 * 1024, "{profile}: {} bytes", page.body.len());
        }
        let noun = world.ctx.profile().noun.id_claim();
        assert!(browser.get(&page_of(&world.client_id)).await.body.contains(noun));
    }
}
