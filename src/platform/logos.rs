//! The pictures of apps. What somebody uploads is decoded within limits and written anew, so that nothing they sent is
//! ever served: no script, no metadata, no second file behind the first. A picture's name is its digest; it is written
//! once and never changed, and removed when no app names it any more.
//!
//! A file's time says when somebody meant to name it last: when it was uploaded, once more perhaps, or when a form was
//! sent that had brought it before. So nothing is removed that an app is about to name.

pub mod unused;

use super::refusal::{Fault, Refusal};
use crate::account::attempts::{self, Allowance};
use crate::base::digest::{base64url, sha256};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::store::StoreError;
use bytes::Bytes;
use image::imageops::{FilterType, overlay, resize};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Of an upload.
pub const BYTES_MAX: usize = 512 * 1024;
/// Of an upload, in pixels along either side; what decoding it may take.
const SIDE_MAX: u32 = 3072;
const DECODED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What is kept: a square, as large as fits into so many bytes.
const SIDES: [u32; 4] = [256, 192, 128, 64];
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
    let picture = decoded(uploaded).map_err(|_| unreadable())?;
    let mut smallest = Vec::new();
    for side in SIDES {
        let mut png = Cursor::new(Vec::new());
        let square = squared(&picture, side);
        square.write_to(&mut png, ImageFormat::Png).map_err(|_| unreadable())?;
        smallest = png.into_inner();
        if smallest.len() <= KEPT_BYTES_MAX {
            break;
        }
    }
    Ok(smallest)
}

/// Only what it says it is at its beginning, of three formats, and only within the limits, which the header is held to
/// before anything is unpacked.
fn decoded(uploaded: &[u8]) -> image::ImageResult<RgbaImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    let mut reader = ImageReader::new(Cursor::new(uploaded)).with_guessed_format()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

/// The whole picture in the middle of a square; never larger than it was.
fn squared(picture: &RgbaImage, side: u32) -> RgbaImage {
    let longest = picture.width().max(picture.height()).max(1);
    let side = side.min(longest);
    let scaled = |length: u32| {
        let scaled = u64::from(length) * u64::from(side) / u64::from(longest);
        u32::try_from(scaled).map_or(side, |scaled| scaled.clamp(1, side))
    };
    let (width, height) = (scaled(picture.width()), scaled(picture.height()));
    let small = resize(picture, width, height, FilterType::CatmullRom);
    let mut square = RgbaImage::new(side, side);
    let middle = |length: u32| i64::from((side - length) / 2);
    overlay(&mut square, &small, middle(width), middle(height));
    square
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
    use super::*;
    use image::Rgba;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn wide_red() -> RgbaImage {
        RgbaImage::from_pixel(800, 400, Rgba([200, 10, 10, 255]))
    }

    #[test]
    fn the_three_formats_become_a_square_png_with_the_picture_in_its_middle() {
        let picture = DynamicImage::ImageRgba8(wide_red());
        let rgb = DynamicImage::ImageRgb8(picture.to_rgb8());
        for uploaded in [
            encoded(&picture, ImageFormat::Png),
            encoded(&rgb, ImageFormat::Jpeg),
            encoded(&picture, ImageFormat::WebP),
        ] {
            let kept = image::load_from_memory_with_format(&remade(&uploaded).unwrap(), ImageFormat::Png);
            let kept = kept.unwrap().into_rgba8();
            assert_eq!(kept.dimensions(), (256, 256));
            assert_eq!(kept.get_pixel(0, 0)[3], 0, "above it nothing shows");
            let middle = kept.get_pixel(128, 128);
            assert!(middle[0] > 180 && middle[1] < 40 && middle[3] == 255, "{middle:?}");
        }
    }

    #[test]
    fn nothing_that_was_uploaded_is_kept() {
        let mut uploaded = encoded(&DynamicImage::ImageRgba8(wide_red()), ImageFormat::Png);
        uploaded.extend_from_slice(b"<script>alert(1)</script>");
        let kept = remade(&uploaded).unwrap();
        assert!(!kept.windows(8).any(|bytes| bytes == b"<script>"));
    }

    #[test]
    fn small_pictures_stay_small_and_busy_ones_become_small() {
        let dot = DynamicImage::ImageRgba8(RgbaImage::from_pixel(16, 16, Rgba([1, 2, 3, 255])));
        let kept = image::load_from_memory(&remade(&encoded(&dot, ImageFormat::Png)).unwrap()).unwrap();
        assert_eq!((kept.width(), kept.height()), (16, 16));
        let mut state = 1_u32;
        let noise = RgbaImage::from_fn(300, 300, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgba(state.to_be_bytes())
        });
        let kept = remade(&encoded(&DynamicImage::ImageRgba8(noise), ImageFormat::Png)).unwrap();
        assert!(kept.len() <= KEPT_BYTES_MAX, "{}", kept.len());
    }

    #[test]
    fn bombs_other_formats_and_broken_files_are_refused() {
        // A PNG header that promises 60,000 by 60,000 pixels.
        let mut bomb = encoded(&DynamicImage::new_rgba8(1, 1), ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let whole = encoded(&DynamicImage::ImageRgba8(wide_red()), ImageFormat::Png);
        let tall = encoded(&DynamicImage::new_luma8(1, SIDE_MAX + 1), ImageFormat::Png);
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for bad in [
            &bomb[..],
            &whole[..whole.len() / 2],
            &tall,
            svg,
            b"GIF89a",
            b"BM",
            b"%PDF-1.7",
            b"",
        ] {
            assert!(
                matches!(remade(bad), Err(Refusal::Invalid(_))),
                "{:?}",
                &bad[..bad.len().min(12)]
            );
        }
    }
}
