//! Pages of other origins at the API's routes: those of the configuration, and no others.

use crate::gateway::{Guarded, Upstream, read};
use crate::http::Answer;
use http::Method;

const DATA: &str = "/api/v1/data";
const OWN: &str = "https://app.example";

async fn the(origins: &str) -> (Guarded, String) {
    let upstream = Upstream::start();
    let settings = format!(
        "[gateway]\nupstream = \"http://{}\"\ncors_origins = [{origins}]\n",
        upstream.address
    );
    let the = Guarded::with("default", &settings, upstream).await;
    let token = the.token(&["data.read"]).await;
    (the, format!("Bearer {token}"))
}

/// What the answer says to a browser.
fn cors(answer: &Answer) -> Vec<(String, String)> {
    let headers = answer.headers.iter();
    let of_pages = headers.filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    of_pages.map(text).collect()
}

async fn ask(the: &Guarded, path: &str, origin: &str, names: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", names),
    ];
    the.send(Method::OPTIONS, path, &headers, "").await
}

#[tokio::test]
async fn a_page_of_a_configured_origin_may_ask_and_read_whatever_the_answer_is() {
    let (the, authorization) = the("\"https://app.example\", \"http://127.0.0.1:5173\"").await;
    for origin in [OWN, "http://127.0.0.1:5173"] {
        let asked = ask(&the, DATA, origin, "authorization, x-own").await;
        assert_eq!(asked.status, 204);
        let mut said = cors(&asked);
        said.sort();
        let expected = [
            ("access-control-allow-headers", "authorization, x-own"),
            ("access-control-allow-methods", "GET, POST"),
            ("access-control-allow-origin", origin),
            ("access-control-expose-headers", "*"),
            ("access-control-max-age", "600"),
        ];
        assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(
            the.upstream.take().is_empty(),
            "it shows no credential, and goes no further"
        );
        for (path, authorization, status) in [
            (DATA, authorization.as_str(), 200),
            (DATA, "Bearer wrong", 401),
            ("/api/v1/settings", authorization.as_str(), 403),
            ("/api/v1/nothing", authorization.as_str(), 404),
        ] {
            let headers = [("origin", origin), ("authorization", authorization)];
            let answer = the.send(Method::GET, path, &headers, "").await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            let vary = answer.headers.get_all("vary").iter();
            assert!(vary.into_iter().any(|value| value == "Origin"), "{answer:?}");
        }
        the.upstream.take();
    }
    // A question about no route, or one that is none, is answered like any other request.
    assert_eq!(ask(&the, "/api/v1/nothing", OWN, "authorization").await.status, 401);
    let bare = the.send(Method::OPTIONS, DATA, &[("origin", OWN)], "").await;
    assert_eq!(bare.status, 401);
}

#[tokio::test]
async fn no_other_page_is_let_in_and_none_where_nothing_is_configured() {
    let (the, authorization) = the("\"https://app.example\"").await;
    let (without, other) = self::the("").await;
    let strangers = [
        "https://app.example:444",
        "http://app.example",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://sub.app.example",
        "https://APP.example",
        "null",
        "*",
        "",
    ];
    let cases = strangers.map(|origin| (&the, &authorization, origin));
    for (the, authorization, origin) in cases.into_iter().chain([(&without, &other, OWN)]) {
        let asked = ask(the, DATA, origin, "authorization").await;
        assert_eq!((asked.status, cors(&asked)), (401, Vec::new()), "{origin}");
        let headers = [("origin", origin), ("authorization", authorization.as_str())];
        let answer = the.send(Method::GET, DATA, &headers, "").await;
        assert_eq!((answer.status, cors(&answer)), (200, Vec::new()), "{origin}");
    }
    // Two origins are none.
    let headers = [
        ("origin", OWN),
        ("origin", OWN),
        ("authorization", authorization.as_str()),
    ];
    assert_eq!(cors(&the.send(Method::GET, DATA, &headers, "").await), []);
}

#[test]
fn an_origin_is_written_as_browsers_do() {
    for origin in [
        "*",
        "null",
        "https://app.example/",
        "https://app.example:443",
        "https://APP.example",
        "https://app.example/path",
        "app.example",
        "ftp://app.example",
        "com.example.app://",
    ] {
        let settings = format!("[gateway]\ncors_origins = [\"{origin}\"]\n");
        let (config, _dir) = read("default", &settings, &[]);
        let errors = config.expect_err(origin);
        assert!(errors.contains("as browsers write it"), "{origin}: {errors}");
    }
}
