//! Logo files that no app names any more.

use crate::developing::{DEVELOPER, Developing, Format, encoded, png_of};
use grantd::base::time::Timestamp;
use grantd::jobs::logos::{self, Turns};
use grantd::model::dossier::Verdict;
use grantd::platform::logos as pictures;
use grantd::platform::logos::unused;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn directory(d: &Developing) -> PathBuf {
    d.world.ctx.config.data_dir.join("logos")
}

fn files(d: &Developing) -> BTreeSet<String> {
    let entries = fs::read_dir(directory(d)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Of this colour.
fn picture(red: u8) -> Vec<u8> {
    png_of([red, 1, 2])
}

async fn keep(d: &Developing, png: Vec<u8>) -> String {
    let user = d.user(DEVELOPER).await;
    format!("{}.png", pictures::keep(&d.world.ctx, &user, png.into()).await.unwrap())
}

async fn remove(d: &Developing) -> usize {
    unused::remove(&d.world.ctx).await.unwrap()
}

#[tokio::test]
async fn what_no_app_names_goes_after_a_day_and_what_one_of_two_names_stays() {
    let d = Developing::new("default").await;
    assert_eq!(remove(&d).await, 0, "there is no directory yet");
    let browser = d.browser(DEVELOPER).await;
    let (one, two) = (
        d.created(&browser, "public", &[]).await,
        d.created(&browser, "private", &[]).await,
    );
    let shared = format!("{}.png", d.app(&one).await.developer.logo.clone().unwrap());
    let orphan = keep(&d, picture(1)).await;
    assert_eq!(files(&d), [shared.clone(), orphan.clone()].into());
    fs::write(directory(&d).join(".tmpAbc"), b"half a picture").unwrap();
    let half = fs::File::options()
        .append(true)
        .open(directory(&d).join(".tmpAbc"))
        .unwrap();
    half.set_modified(d.world.ctx.now().for_file()).unwrap();
    fs::write(directory(&d).join("README"), b"not ours").unwrap();

    d.world.advance(unused::STAYS.checked_sub(SECOND).unwrap());
    assert_eq!(remove(&d).await, 0, "somebody may be about to name it");
    d.world.advance(SECOND);
    assert_eq!(remove(&d).await, 2);
    assert_eq!(files(&d), [shared.clone(), "README".into()].into());

    // One of the two apps gets another picture: the other still has this one.
    let browser = d.browser(DEVELOPER).await;
    let path = format!("/developer/apps/{two}/logo");
    let page = browser.get(&path).await;
    assert_eq!(
        d.upload(&browser, &page, &path, &[], Some(&picture(2))).await.status,
        303
    );
    d.world.advance(unused::STAYS);
    assert_eq!(remove(&d).await, 0);
    let browser = d.browser(DEVELOPER).await;
    let path = format!("/developer/apps/{one}/logo");
    let page = browser.get(&path).await;
    assert_eq!(
        d.upload(&browser, &page, &path, &[], Some(&picture(3))).await.status,
        303
    );
    assert_eq!(remove(&d).await, 1);
    assert!(!files(&d).contains(&shared));
}

#[tokio::test]
async fn what_is_uploaded_again_or_named_by_a_form_is_young_again() {
    let d = Developing::new("default").await;
    let (uploaded, named, old) = (
        keep(&d, picture(1)).await,
        keep(&d, picture(2)).await,
        keep(&d, picture(3)).await,
    );
    d.world.advance(unused::STAYS);
    assert_eq!(keep(&d, picture(1)).await, uploaded);
    assert!(
        pictures::exists(&d.world.ctx, named.strip_suffix(".png").unwrap())
            .await
            .unwrap()
    );
    assert_eq!(remove(&d).await, 1);
    assert_eq!(files(&d), [uploaded, named].into());
    assert!(
        !pictures::exists(&d.world.ctx, old.strip_suffix(".png").unwrap())
            .await
            .unwrap()
    );
    assert!(!pictures::exists(&d.world.ctx, "../secret").await.unwrap());
}

#[tokio::test]
async fn what_reviewers_compare_with_stays() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    let before = format!("{}.png", d.app(&client_id).await.developer.logo.clone().unwrap());
    d.decide(&client_id, Verdict::ChangesRequested, "Another logo").await;
    let path = format!("/developer/apps/{client_id}/logo");
    let page = browser.get(&path).await;
    assert_eq!(
        d.upload(&browser, &page, &path, &[], Some(&picture(9))).await.status,
        303
    );
    d.world.advance(unused::STAYS * 2);
    assert_eq!(remove(&d).await, 0);
    assert!(files(&d).contains(&before));
}

#[tokio::test]
async fn the_job_looks_once_a_day() {
    let d = Developing::new("default").await;
    let mut turns = Turns::default();
    logos::turn(&d.world.ctx, &mut turns).await.unwrap();
    let orphan = keep(&d, encoded(Format::Jpeg)).await;
    let file = fs::File::options()
        .append(true)
        .open(directory(&d).join(&orphan))
        .unwrap();
    file.set_modified(Timestamp::from_seconds(1).for_file()).unwrap();
    logos::turn(&d.world.ctx, &mut turns).await.unwrap();
    assert_eq!(files(&d).len(), 1, "it was done a moment ago");
    d.world.advance(Duration::from_secs(24 * 60 * 60));
    logos::turn(&d.world.ctx, &mut turns).await.unwrap();
    assert_eq!(files(&d).len(), 0);
}
