//! Where webhooks never go, however an address is spelled and wherever a name leads (CVE-2026-4874, CVE-2026-4366 and
//! their like).

use crate::receiver::{Hooked, Leads, PATIENCE, Receiver};
use crate::support::{self, World};
use grantd::config::Config;
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::State;
use grantd::platform::webhooks::address::{normal, target};
use grantd::store::memory::MemoryStore;
use std::path::Path;
use std::sync::Arc;

fn config(issuer: Option<&str>) -> Config {
    let mut config = support::config("default", Path::new("/nonexistent/grantd"));
    if let Some(issuer) = issuer {
        config.issuer = issuer.parse().unwrap();
    }
    config
}

async fn world(issuer: Option<&str>) -> World {
    World::with_config(config(issuer), Arc::new(MemoryStore::new())).await
}

/// Other servers' filters fell to each of these.
#[tokio::test]
async fn past_oauth_as_0_9_3_no_spelling_of_a_private_address_is_saved() {
    let world = world(None).await;
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://0177.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://127.000.000.001/",
        "https://0/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.0.1/",
        "https://192.168.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://168.63.129.16/",
        "https://192.0.0.192/",
        "https://198.18.0.1/",
        "https://203.0.113.9/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://localhost/",
        "https://LOCALHOST/",
        "https://localhost./",
        "https://printer.localhost/",
    ] {
        assert!(normal(&world.ctx, url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn what_is_no_plain_https_address_is_not_saved() {
    let world = world(None).await;
    for url in [
        "",
        "hooks.example/x",
        "//hooks.example/",
        "http://hooks.example/",
        "http://127.0.0.1:8080/",
        "HTTP://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "javascript:alert(1)",
        "https:///x",
        "https:hooks.example",
        "https:/hooks.example",
        "https://user@hooks.example/",
        "https://user:secret@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:22/",
        "https://hooks.example:25/",
        "https://hooks.example:80/",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://hooks.exa\tmple/",
        "https://hooks.example/\r\nX-Evil:1",
        "https://hooks.example/ x",
        "https://hooks.example\\@evil.example/",
        "https://hóoks.example/",
        "https://hooks .example/",
    ] {
        assert!(normal(&world.ctx, url).is_err(), "{url:?}");
    }
    for (url, saved) in [
        ("https://hooks.example", "https://hooks.example/"),
        ("https://HOOKS.example:443/x?a=b", "https://hooks.example/x?a=b"),
        ("https://hooks.example:8443/", "https://hooks.example:8443/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://0x08080808/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ] {
        assert_eq!(normal(&world.ctx, url).unwrap(), saved);
    }
    let literal = target(&world.ctx, "https://[2606:4700::1111]:8443/a?b").unwrap();
    assert_eq!((literal.host.as_str(), literal.port), ("2606:4700::1111", 8443));
    assert_eq!(
        (literal.authority.as_str(), literal.path.as_str()),
        ("[2606:4700::1111]:8443", "/a?b")
    );
}

#[tokio::test]
async fn a_server_that_only_this_machine_reaches_may_tell_this_machine_and_no_other() {
    let home = world(Some("http://127.0.0.1:8080")).await;
    for url in [
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "https://[::1]:9000/",
        "http://127.0.0.1/",
    ] {
        assert!(normal(&home.ctx, url).is_ok(), "{url}");
    }
    for url in [
        "http://10.0.0.1:9000/",
        "https://10.0.0.1/",
        "http://hooks.example/",
        "https://169.254.169.254/",
    ] {
        assert!(normal(&home.ctx, url).is_err(), "{url}");
    }
}

/// An endpoint at a name, which leads where `leads` says when it is sent to.
async fn named(receiver: &Arc<Receiver>, config: Config, leads: &Arc<Leads>) -> (Hooked, String) {
    let mut hooked = Hooked::with(receiver.clone(), config, Arc::new(MemoryStore::new())).await;
    hooked.courier = Courier::new(hooked.world().ctx.clone(), leads.clone(), PATIENCE);
    let browser = hooked.browser().await;
    let url = format!("https://hooks.example:{}/", receiver.address.port());
    let (id, _) = hooked.add_at(&browser, &url, &["grant.created"]).await;
    drop(browser);
    hooked.consent().await;
    (hooked, id)
}

/// The name is good when it is saved, and leads home when it is sent to: what counts is the address connected to.
#[tokio::test]
async fn past_cve_2026_1180_a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let receiver = Receiver::speaking(&[b"http/1.1"], &["hooks.example"]).await;
    let closed = |mut config: Config| {
        config.webhooks.allow_networks.clear();
        config
    };
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
    ] {
        let leads = Leads::to(addresses);
        let (hooked, id) = named(&receiver, closed(receiver.config("default")), &leads).await;
        hooked.turn().await;
        let delivery = hooked.only_delivery(&id).await;
        assert_eq!(delivery.state, State::Pending);
        let trouble = delivery.trouble.unwrap_or_default();
        assert!(trouble.contains("may not reach"), "{addresses:?}: {trouble}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn past_cve_2026_4874_a_name_that_is_rebound_between_two_attempts_is_judged_again() {
    let receiver = Receiver::speaking(&[b"http/1.1"], &["hooks.example"]).await;
    let leads = Leads::to(&["127.0.0.1"]);
    let (hooked, id) = named(&receiver, receiver.config("default"), &leads).await;
    receiver.answers(500);
    hooked.turn().await;
    assert_eq!(receiver.take().len(), 1, "what is allowed is reached");
    leads.now_to(&["169.254.169.254", "10.0.0.1"]);
    let delivery = hooked.only_delivery(&id).await;
    hooked.world().clock.set(delivery.next_attempt_at);
    hooked.turn().await;
    let delivery = hooked.only_delivery(&id).await;
    assert!(delivery.trouble.unwrap().contains("may not reach"));
    // Of several addresses those that are allowed are tried, and no other.
    leads.now_to(&["10.0.0.1", "127.0.0.1"]);
    receiver.answers(200);
    hooked.world().clock.set(delivery.next_attempt_at);
    hooked.turn().await;
    assert_eq!(hooked.only_delivery(&id).await.state, State::Delivered);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_a_failure() {
    let receiver = Receiver::up().await;
    let leads = Leads::to(&[]);
    let (hooked, id) = named(&receiver, receiver.config("default"), &leads).await;
    webhooks::turn(&hooked.courier).await.unwrap();
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!(delivery.trouble.as_deref(), Some("The name of the host leads nowhere."));
}
