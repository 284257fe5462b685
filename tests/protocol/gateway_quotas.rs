//! Quotas by day and month, and what a reload of the limits comes to.

use crate::gateway::read;
use crate::gateway_limits::{DATA, app_token, get, limited, routes, seconds, told};
use crate::support::OWNER;
use grantd::jobs;

#[tokio::test]
async fn a_quota_lasts_until_the_day_or_the_month_ends_and_over_a_restart() {
    let limits = r#"{"window":"1h","app":4,"credential":0,"day":3,"month":5}"#;
    let (world, _dir) = limited(limits).await;
    let client = world.add_private_app(OWNER, &["data.read"]).await;
    // It is midnight, the first of January.
    world.advance(seconds(60 * 60));
    let token = world.mint_as(&client, "").await;
    let day = 23 * 60 * 60;
    let month = 31 * 24 * 60 * 60 - 60 * 60;
    let answer = get(&world, DATA, &token).await;
    let left = format!(r#""day";r=2;t={day}, "month";r=4;t={month}, "app";r=3;t=900"#);
    assert_eq!(told(&answer), (200, left.as_str(), None));
    let policy = r#""app";q=4;w=3600, "day";q=3;w=86400, "month";q=5"#;
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    for _ in 0..2 {
        assert_eq!(get(&world, DATA, &token).await.status, 200);
    }
    let over = format!(r#""day";r=0;t={day}"#);
    let wait = day.to_string();
    for _ in 0..3 {
        let answer = get(&world, DATA, &token).await;
        assert_eq!(told(&answer), (429, over.as_str(), Some(wait.as_str())));
    }
    jobs::finish(&world.ctx).await;
    let world = world.restarted().await;
    assert_eq!(
        told(&get(&world, DATA, &token).await),
        (429, over.as_str(), Some(wait.as_str()))
    );

    world.advance(seconds(day));
    let token = world.mint_as(&client, "").await;
    for _ in 0..2 {
        assert_eq!(get(&world, DATA, &token).await.status, 200, "the second of January");
    }
    let wait = month - day;
    let over = format!(r#""month";r=0;t={wait}"#);
    assert_eq!(
        told(&get(&world, DATA, &token).await),
        (429, over.as_str(), Some(wait.to_string().as_str()))
    );
    world.advance(seconds(wait));
    let token = world.mint_as(&client, "").await;
    let answer = get(&world, DATA, &token).await;
    let left = format!(
        r#""day";r=2;t=86400, "month";r=4;t={}, "app";r=3;t=900"#,
        28 * 24 * 60 * 60
    );
    assert_eq!(told(&answer), (200, left.as_str(), None), "the first of February");
}

#[tokio::test]
async fn what_a_rate_refuses_is_taken_from_no_quota() {
    let (world, _dir) = limited(r#"{"window":"1m","app":2,"credential":0,"day":4}"#).await;
    let token = app_token(&world).await;
    for _ in 0..2 {
        assert_eq!(get(&world, DATA, &token).await.status, 200);
    }
    for _ in 0..10 {
        assert_eq!(told(&get(&world, DATA, &token).await).1, r#""app";r=0;t=30"#);
    }
    world.advance(seconds(60));
    let answer = get(&world, DATA, &token).await;
    assert!(told(&answer).1.starts_with(r#""day";r=1;"#), "{answer:?}");
}

#[tokio::test]
async fn limits_are_read_again_and_counts_go_on() {
    let (world, dir) = limited(r#"{"window":"1m","app":2,"credential":0,"day":9}"#).await;
    let token = app_token(&world).await;
    for status in [200, 200, 429] {
        assert_eq!(get(&world, DATA, &token).await.status, status);
    }
    let file = dir.path().join("data/profiles/default/routes.json");
    let reload = |limits: &str| {
        std::fs::write(&file, routes(limits)).unwrap();
        world.service.reload_routes()
    };
    // What was used up stays used up; what comes back comes faster.
    reload(r#"{"window":"1m","app":6,"credential":0,"day":5}"#).unwrap();
    assert_eq!(told(&get(&world, DATA, &token).await).1, r#""app";r=0;t=10"#);
    world.advance(seconds(20));
    let answer = get(&world, DATA, &token).await;
    assert!(told(&answer).1.starts_with(r#""day";r=2;"#), "{answer:?}");
    let broken = reload(r#"{"window":"1m","app":-1}"#).unwrap_err();
    assert!(
        broken.contains("`rate_limits.app`") && broken.contains("is -1"),
        "{broken}"
    );
    assert_eq!(get(&world, DATA, &token).await.status, 200, "the old ones stay");
    reload(r#"{"app":0,"credential":0}"#).unwrap();
    for _ in 0..50 {
        let answer = get(&world, DATA, &token).await;
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, None));
        assert_eq!(answer.header("ratelimit"), None);
    }
}

#[test]
fn limits_that_cannot_stand_are_refused_with_their_line() {
    for (limits, sentence) in [
        (r#"{"window":"0s"}"#, "but must be \"1s\" to \"1h\""),
        (r#"{"app":"many"}"#, "an integer"),
        (r#"{"credential":1000000001}"#, "but must be 0 to 1000000000"),
        (r#"{"app":1,"apps":1}"#, "did you mean `rate_limits.app`"),
        (
            r#"{"day":10,"month":9}"#,
            "fewer requests through in a month than in a day",
        ),
    ] {
        let (config, _dir) = read("default", "", &[("routes.json", &routes(limits))]);
        let errors = config.expect_err(limits);
        assert!(errors.contains(sentence), "{limits}: {errors}");
        assert!(errors.contains("routes.json") && errors.contains("line 1"), "{errors}");
    }
}
