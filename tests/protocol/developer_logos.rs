//! Logos: uploaded, made anew, served as nothing but pictures.

use crate::authorizing::parameters;
use crate::developing::{DEVELOPER, Developing, Format, encoded, png};
use crate::http::request;
use grantd::model::dossier::Verdict;
use http::Method;

#[tokio::test]
async fn a_logo_is_made_anew_and_served_as_nothing_but_a_picture() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let path = format!("/developer/apps/{client_id}/logo");
    let mut names = Vec::new();
    for format in [Format::Png, Format::Jpeg, Format::WebP] {
        let mut uploaded = encoded(format);
        uploaded.extend_from_slice(b"<script>alert(1)</script>");
        let page = browser.get(&path).await;
        let saved = d.upload(&browser, &page, &path, &[], Some(&uploaded)).await;
        assert_eq!(saved.status, 303, "{format:?}: {saved:?}");
        let digest = d.app(&client_id).await.developer.logo.clone().unwrap();
        let preview = browser.get(saved.header("location").unwrap()).await;
        assert!(
            preview.body.contains(&format!("src=\"/logos/{digest}.png\"")),
            "{preview:?}"
        );
        let file = d.world.get(&format!("/logos/{digest}.png")).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some("image/png")));
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            file.header("content-security-policy"),
            Some("default-src 'none'; sandbox")
        );
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert!(file.body.contains("PNG") && !file.body.contains("<script>"));
        names.push(digest);
    }
    assert_eq!(names[0], names[2], "the same picture has the same name");
    for nothing in [
        "x.png",
        "../secret.png",
        "..%2fsecret",
        "x",
        &format!("{}.svg", names[0]),
    ] {
        assert_eq!(d.world.get(&format!("/logos/{nothing}")).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn users_see_the_logo_when_they_are_asked() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    d.decide(&client_id, Verdict::Approved, "").await;
    let digest = d.app(&client_id).await.developer.logo.clone().unwrap();
    let query = format!("client_id={client_id}&{}", parameters("&scope=data.read"));
    let page = browser.get(&format!("/oauth/authorize?{query}")).await;
    assert!(
        page.body
            .contains(&format!("<img class=\"tile\" src=\"/logos/{digest}.png\"")),
        "{page:?}"
    );
}

#[tokio::test]
async fn what_is_no_picture_is_refused_beside_its_field() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let before = d.app(&client_id).await.version;
    let path = format!("/developer/apps/{client_id}/logo");
    let page = browser.get(&path).await;
    let mut large = png();
    large.resize(512 * 1024 + 1, 0);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for file in [Some(&svg[..]), Some(b"GIF89a"), Some(&large), Some(&png()[..40]), None] {
        let refused = d.upload(&browser, &page, &path, &[], file).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains("class=\"fault\""), "{refused:?}");
    }
    let foreign = d
        .upload(&browser, &page, &path, &[("csrf", "AAAA")], Some(&png()))
        .await;
    assert_eq!(foreign.status, 403);
    let cookie = format!("__Host-grantd_session={}", browser.cookie());
    for content_type in ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain"] {
        let headers = [("cookie", cookie.as_str()), ("content-type", content_type)];
        let broken = d.world.send(request(Method::POST, &path, &headers, b"--x\r\n")).await;
        assert_eq!(broken.status, 400, "{content_type}");
    }
    assert_eq!(d.app(&client_id).await.version, before);
}
