//! The pictures of apps. What somebody uploads is decoded within limits and written anew, so that nothing they sent is
//! ever served: no script, no metadata, no second file behind the first. A picture's name is its digest; it is written
//! once and never changed, and removed when no app names it any more.
//!
//! A file's time says when somebody meant to name it last: when it was uploaded, once more perhaps, or when a form was
//! sent that had brought it before. So nothing is removed that an app is about to name.

pub mod unused;

use super::picture::Picture;
use super::refusal::{Fault, Refusal};
use crate::account::attempts::{self, Allowance};
use crate::base::digest::{base64url, sha256};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::store::StoreError;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Of an upload.
pub const BYTES_MAX: usize = 512 * 1024;
/// What is kept: a square, as large as fits into so many bytes.
const SIDES: [usize; 4] = [256, 192, 128, 64];
const KEPT_BYTES_MAX: usize = 24 * 1024;
/// base64url of SHA-256.
const DIGEST_CHARS: usize = 43;

/// One picture is decoded at a time: it takes memory, and a developer can wait.
static DECODING: Semaphore = Semaphore::const_new(1);

/// Pictures of one user.
const UPLOADS: Allowance = Allowance {
    what: "logo",
    max: 50,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Keeps the picture that this user sent; its digest.
pub async fn keep(ctx: &Context, user: &str, uploaded: Bytes) -> Result<String, Refusal> {
    if uploaded.len() > BYTES_MAX {
        return Err(too_large());
    }
    // What is kept stays: nobody may fill the disk with it.
    attempts::count(ctx, &UPLOADS, user).await?;
    let (directory, now) = (directory(ctx), ctx.now());
    let turn = DECODING.acquire().await;
    let kept = tokio::task::spawn_blocking(move || {
        // Until it is decoded, also where whoever asked has gone.
        let _turn = turn;
        let png = remade(&uploaded)?;
        let digest = base64url(sha256(&png));
        let written = write(&directory, &digest, &png, now);
        written.map_err(|why| Refusal::Store(StoreError::Unavailable(format!("{}: {why}", directory.display()))))?;
        Ok(digest)
    });
    kept.await
        .unwrap_or_else(|_| Err(Fault::new("logo", "developer_fault_logo").into()))
}

/// The picture with this digest, as PNG.
pub async fn read(ctx: &Context, digest: &str) -> Result<Option<Bytes>, StoreError> {
    if !is_digest(digest) {
        return Ok(None);
    }
    let path = directory(ctx).join(format!("{digest}.png"));
    let read = tokio::task::spawn_blocking(move || fs::read(path)).await;
    match read {
        Ok(Ok(png)) => Ok(Some(png.into())),
        Ok(Err(why)) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Ok(Err(why)) => Err(StoreError::Unavailable(format!("a logo cannot be read: {why}"))),
        Err(why) => Err(StoreError::Unavailable(why.to_string())),
    }
}

/// Whether there is a picture with this digest: what a form names is believed no further. It stays until the form was
/// looked at.
pub async fn exists(ctx: &Context, digest: &str) -> Result<bool, StoreError> {
    if !is_digest(digest) {
        return Ok(false);
    }
    let (path, now) = (directory(ctx).join(format!("{digest}.png")), ctx.now());
    let touched = tokio::task::spawn_blocking(move || {
        let _held = held();
        touch(&path, now)
    });
    match touched.await {
        Ok(Ok(())) => Ok(true),
        Ok(Err(why)) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Ok(Err(why)) => Err(StoreError::Unavailable(format!("a logo cannot be kept: {why}"))),
        Err(why) => Err(StoreError::Unavailable(why.to_string())),
    }
}

/// What is refused for its size, be it by us or by the reader of the request.
pub fn too_large() -> Refusal {
    let fault = Fault::new("logo", "developer_fault_logo_size");
    fault.with("kib", BYTES_MAX / 1024).into()
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_CHARS
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn directory(ctx: &Context) -> PathBuf {
    ctx.config.data_dir.join("logos")
}

/// A PNG of ours that shows the same.
fn remade(uploaded: &[u8]) -> Result<Vec<u8>, Refusal> {
    let unreadable = || Refusal::from(Fault::new("logo", "developer_fault_logo"));
    let picture = Picture::decoded(uploaded).map_err(|_| unreadable())?;
    let mut png = Vec::new();
    for side in SIDES {
        png = picture.square_png(side).map_err(|_| unreadable())?;
        if png.len() <= KEPT_BYTES_MAX {
            break;
        }
    }
    Ok(png)
}

/// Whole or not at all, also when the power fails. One that is there already is the same one.
fn write(directory: &Path, digest: &str, png: &[u8], now: Timestamp) -> io::Result<()> {
    let path = directory.join(format!("{digest}.png"));
    let _held = held();
    if path.exists() {
        return touch(&path, now);
    }
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(png)?;
    file.as_file().set_modified(now.for_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()
}

fn touch(path: &Path, now: Timestamp) -> io::Result<()> {
    File::options().append(true).open(path)?.set_modified(now.for_file())
}

/// Held by whoever makes a file young again, or removes it for its age.
fn held() -> MutexGuard<'static, ()> {
    static FILES: Mutex<()> = Mutex::new(());
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::{Shown, png_of};
    use super::*;

    #[test]
    fn nothing_that_was_uploaded_is_kept() {
        let mut uploaded = png_of(800, 400, |_, _| [200, 10, 10, 255]);
        uploaded.extend_from_slice(b"<script>alert(1)</script>");
        let kept = remade(&uploaded).unwrap();
        assert!(!kept.windows(8).any(|bytes| bytes == b"<script>"));
    }

    #[test]
    fn small_pictures_stay_small_and_busy_ones_become_small() {
        let dot = Shown::of(&remade(&png_of(16, 16, |_, _| [1, 2, 3, 255])).unwrap());
        assert_eq!(dot.side, 16);
        let mut state = 1_u32;
        let noise = png_of(300, 300, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()
        });
        let kept = remade(&noise).unwrap();
        assert!(kept.len() <= KEPT_BYTES_MAX, "{}", kept.len());
        assert!(SIDES[1..].contains(&Shown::of(&kept).side));
    }

    #[test]
    fn other_formats_and_broken_files_are_refused() {
        let whole = png_of(800, 400, |_, _| [200, 10, 10, 255]);
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for bad in [&whole[..whole.len() / 2], svg, b"GIF89a", b"BM", b"%PDF-1.7", b""] {
            assert!(
                matches!(remade(bad), Err(Refusal::Invalid(_))),
                "{:?}",
                &bad[..bad.len().min(12)]
            );
        }
    }
}
