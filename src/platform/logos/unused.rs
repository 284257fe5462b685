//! Pictures that no app names any more: of apps that have another one now, and of forms that nobody sent again.

use super::{directory, held, is_digest};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::Submission;
use crate::store::records::{Record, list};
use crate::store::{Key, StoreError, keys};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For so long after somebody meant to name it, a picture stays: a form may be open in a browser.
pub const STAYS: Duration = Duration::from_secs(24 * 60 * 60);
/// What a write that was cut off leaves behind.
const UNFINISHED: &str = ".tmp";
const PAGE: u32 = 500;

/// Removes them; how many there were. Neither of an app nor of what it was handed in with, which reviewers look at.
pub async fn remove(ctx: &Context) -> Result<usize, StoreError> {
    let (directory, now) = (directory(ctx), ctx.now());
    let old = blocking(move || old_files(&directory, now)).await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut named = BTreeSet::new();
    let of_app = |app: &App| app.developer.logo.clone();
    name_all(ctx, &keys::apps(), of_app, &mut named).await?;
    let of_submission = |submission: &Submission| submission.developer.logo.clone();
    name_all(ctx, &keys::all_submissions(), of_submission, &mut named).await?;
    let unused: Vec<PathBuf> = old.into_iter().filter(|path| !named.contains(stem(path))).collect();
    blocking(move || remove_files(&unused, now)).await
}

async fn name_all<R: Record>(
    ctx: &Context,
    prefix: &Key,
    logo: impl Fn(&R) -> Option<String>,
    named: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let (records, more) = list::<R>(&*ctx.store, prefix, after.as_ref(), PAGE).await?;
        named.extend(records.iter().filter_map(|record| logo(record)));
        after = more;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
    let unavailable = |why: &dyn std::fmt::Display| StoreError::Unavailable(format!("the logos: {why}"));
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|why| unavailable(&why))?.map_err(|why| unavailable(&why))
}

/// Nothing but what is ours and old enough.
fn old_files(directory: &Path, now: Timestamp) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(why),
    };
    let mut old = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_ours = name.starts_with(UNFINISHED) || name.strip_suffix(".png").is_some_and(is_digest);
        if is_ours && is_old(&path, now)? {
            old.push(path);
        }
    }
    Ok(old)
}

fn is_old(path: &Path, now: Timestamp) -> io::Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(why) => return Err(why),
    };
    Ok(found.is_file() && now.since(Timestamp::of_file(found.modified()?)) >= STAYS)
}

/// Judged by their age once more: somebody may have been about to name one since.
fn remove_files(unused: &[PathBuf], now: Timestamp) -> io::Result<usize> {
    let mut removed = 0;
    for path in unused {
        let _held = held();
        if is_old(path, now)? {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
