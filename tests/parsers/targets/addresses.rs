//! Paths and URIs: what is let through is read alike by everybody.

use super::{block_on, with_world};
use grantd::gateway::path;
use grantd::model::app::{App, ClientType, Kind};
use grantd::oauth::redirect_uri::{RedirectUri, check};
use grantd::platform::webhooks::address;
use grantd::store::keys;
use percent_encoding::percent_decode_str;
use url::Url;

/// A plain path is one that a browser leaves as it is, and that decodes to no other path.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let bare = path::bare(text);
    assert_eq!(path::bare(&bare), bare, "{text:?}");
    with_world(|world| path::Roots::of(&world.ctx.profile().resources).cover(&world.ctx, text));
    if !path::is_plain(text) {
        return;
    }
    let url = Url::parse(&format!("https://api.example{text}")).expect("a plain path stands in a URL");
    assert_eq!(url.path(), text, "a browser reads another path");
    for segment in text.split('/') {
        let decoded = percent_decode_str(segment)
            .decode_utf8()
            .expect("plain paths are UTF-8");
        assert!(!matches!(&*decoded, "." | ".."), "{text:?}");
        assert!(!decoded.contains(['/', '\\', '\0', '\n']), "{text:?}");
    }
}

/// The first line is registered, the second is what a request sends.
pub fn redirect_uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (registered, sent) = text.split_once('\n').unwrap_or((text, text));
    for client_type in [ClientType::Public, ClientType::Confidential] {
        let good = check(client_type, registered).is_ok();
        if good {
            let url = Url::parse(registered).unwrap_or_else(|e| panic!("{e}: {registered:?}"));
            assert!(url.fragment().is_none() && url.username().is_empty(), "{registered:?}");
            // What a browser would write differently is the slash of an empty path alone.
            let spelled = url.as_str();
            let bare = spelled.replacen("/?", "?", 1);
            assert!(
                [spelled, spelled.trim_end_matches('/'), &bare].contains(&registered),
                "{registered:?}"
            );
        }
        let app = app(client_type, registered);
        let Ok(found) = RedirectUri::of_request(&app, Some(sent)) else {
            assert!(!good || sent != registered, "{registered:?} is registered");
            continue;
        };
        assert!(good, "{registered:?} is no address to register");
        let [registered, sent] = [registered, found.as_str()].map(|uri| Url::parse(uri).expect("a URI"));
        let parts = |url: &Url| {
            let host = url.host_str().map(str::to_owned);
            (
                url.scheme().to_owned(),
                host,
                url.path().to_owned(),
                url.query().map(str::to_owned),
            )
        };
        assert_eq!(parts(&registered), parts(&sent), "only a port may differ");
        let answered = found.with([("code", "a&b=c#d"), ("state", sent.as_str())]);
        let answered = Url::parse(&answered).expect("an answer is a URI");
        let codes: Vec<_> = answered.query_pairs().filter(|(name, _)| name == "code").collect();
        assert_eq!(codes, [("code".into(), "a&b=c#d".into())], "{answered}");
    }
}

fn app(client_type: ClientType, uri: &str) -> App {
    let mut app = with_world(|world| {
        let found = block_on(world.ctx.load::<App>(&keys::app(&world.client_id)));
        let found = found.expect("the store works").expect("it was created");
        found.value.clone()
    });
    app.kind = Kind::Public;
    app.client_type = client_type;
    app.redirect_uris = vec![uri.to_owned()];
    app
}

/// The normal form of an address is its own normal form, and can be connected to.
pub fn webhook_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    with_world(|world| {
        let Ok(normal) = address::normal(&world.ctx, text) else {
            return;
        };
        assert_eq!(
            address::normal(&world.ctx, &normal).ok(),
            Some(normal.clone()),
            "{text:?}"
        );
        let target = address::target(&world.ctx, &normal).unwrap_or_else(|e| panic!("{e}: {normal}"));
        assert!(
            target.https,
            "{normal}: https alone, where the issuer is not this machine"
        );
        assert!(target.path.starts_with('/') && !target.host.is_empty());
        if let Ok(ip) = target.host.parse() {
            assert!(address::may_connect(&world.ctx, ip), "{normal} is not public");
        }
    });
}
