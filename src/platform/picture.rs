//! Pictures that strangers sent: unpacked within limits, turned upright, made smaller and written as PNG. The decoders
//! are the small ones, one for each format; what holds them to the limits stands here.

use png::{BitDepth, ColorType, Compression, Encoder, Transformations};
use resize::Pixel::RGBA8P;
use resize::Type::Catrom;
use resize::px::RGBA;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// In pixels, along either side.
const SIDE_MAX: usize = 3072;
/// What a decoder may take beside the picture.
const DECODER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Each goes over the whole picture.
const JPEG_SCANS_MAX: usize = 100;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// None of the three formats, over a limit, or broken.
#[derive(Debug)]
pub struct Unreadable;

impl<E: std::error::Error> From<E> for Unreadable {
    fn from(_: E) -> Self {
        Self
    }
}

/// One of at least a pixel.
pub struct Picture {
    width: usize,
    height: usize,
    /// Row by row, as they were stored.
    pixels: Vec<RGBA<u8>>,
    turn: Turn,
}

/// As a decoder leaves it.
struct Decoded<'a> {
    width: usize,
    height: usize,
    /// One to four of them are a pixel: grey or colours, then perhaps alpha.
    bytes: Vec<u8>,
    exif: Option<std::borrow::Cow<'a, [u8]>>,
}

impl Picture {
    /// Only what it says it is at its beginning, and only within the limits, which its header is held to before
    /// anything is unpacked. Of what moves, the first picture.
    pub fn decoded(bytes: &[u8]) -> Result<Self, Unreadable> {
        let decoded = match bytes {
            _ if bytes.starts_with(PNG) => png(bytes)?,
            _ if bytes.starts_with(JPEG) => jpeg(bytes)?,
            _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => webp(bytes)?,
            _ => return Err(Unreadable),
        };
        within(decoded.width, decoded.height)?;
        let count = decoded.width * decoded.height;
        let pixel = |bytes: &[u8]| match *bytes {
            [grey] => RGBA::new(grey, grey, grey, u8::MAX),
            [grey, a] => RGBA::new(grey, grey, grey, a),
            [r, g, b] => RGBA::new(r, g, b, u8::MAX),
            [r, g, b, a, ..] => RGBA::new(r, g, b, a),
            [] => RGBA::default(),
        };
        let pixels: Vec<_> = decoded
            .bytes
            .chunks_exact((decoded.bytes.len() / count).max(1))
            .map(pixel)
            .collect();
        if pixels.len() != count {
            return Err(Unreadable);
        }
        Ok(Self {
            width: decoded.width,
            height: decoded.height,
            pixels,
            turn: decoded.exif.and_then(|exif| Turn::of(&exif)).unwrap_or_default(),
        })
    }

    /// All of it, upright, in the middle of a square of this side, as PNG; never larger than it was.
    pub fn square_png(&self, side: usize) -> Result<Vec<u8>, Unreadable> {
        let side = side.min(self.width.max(self.height));
        let square = self.square(side)?;
        let mut bytes = Vec::new();
        let side = u32::try_from(side)?;
        let mut encoder = Encoder::new(&mut bytes, side, side);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        // Written once, sent often.
        encoder.set_compression(Compression::High);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&square)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// RGBA, row by row; what the picture does not cover is transparent.
    fn square(&self, side: usize) -> Result<Vec<u8>, Unreadable> {
        let longest = self.width.max(self.height);
        let scaled = |length: usize| (length * side / longest).max(1);
        let (width, height) = (scaled(self.width), scaled(self.height));
        let mut small = vec![RGBA::default(); width * height];
        // Weighs colours with their alpha: what is transparent does not shine through at the edges.
        let mut resizer = resize::new(self.width, self.height, width, height, RGBA8P, Catrom)?;
        resizer.resize(&self.pixels, &mut small)?;
        let (across, down) = self.turn.of_size(width, height);
        let (left, top) = ((side - across) / 2, (side - down) / 2);
        let mut square = vec![0; side * side * 4];
        for y in 0..down {
            for x in 0..across {
                let (from_x, from_y) = self.turn.source(x, y, width, height);
                let pixel = small[from_y * width + from_x];
                let at = ((top + y) * side + left + x) * 4;
                square[at..at + 4].copy_from_slice(&[pixel.r, pixel.g, pixel.b, pixel.a]);
            }
        }
        Ok(square)
    }
}

fn within(width: usize, height: usize) -> Result<(), Unreadable> {
    let bounds = 1..=SIDE_MAX;
    (bounds.contains(&width) && bounds.contains(&height))
        .then_some(())
        .ok_or(Unreadable)
}

fn png(bytes: &[u8]) -> Result<Decoded<'static>, Unreadable> {
    let limits = png::Limits {
        bytes: DECODER_BYTES_MAX,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes and grey of few bits to a byte for each sample, sixteen bits to eight.
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info()?.size();
    within(usize::try_from(width)?, usize::try_from(height)?)?;
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or(Unreadable)?];
    let frame = reader.next_frame(&mut bytes)?;
    bytes.truncate(frame.buffer_size());
    Ok(Decoded {
        width: usize::try_from(frame.width)?,
        height: usize::try_from(frame.height)?,
        bytes,
        exif: reader.info().exif_metadata.clone(),
    })
}

/// As browsers do, what ends too early is shown as far as it goes.
fn jpeg(bytes: &[u8]) -> Result<Decoded<'static>, Unreadable> {
    let options = DecoderOptions::new_safe()
        .set_strict_mode(false)
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .jpeg_set_max_scans(JPEG_SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let bytes = decoder.decode().map_err(|_| Unreadable)?;
    let (width, height) = decoder.dimensions().ok_or(Unreadable)?;
    Ok(Decoded {
        width,
        height,
        bytes,
        exif: decoder.exif().cloned().map(Into::into),
    })
}

fn webp(bytes: &[u8]) -> Result<Decoded<'static>, Unreadable> {
    if larger_within(bytes) {
        return Err(Unreadable);
    }
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes))?;
    decoder.set_memory_limit(DECODER_BYTES_MAX);
    let (width, height) = decoder.dimensions();
    let (width, height) = (usize::try_from(width)?, usize::try_from(height)?);
    within(width, height)?;
    let exif = decoder.exif_metadata()?.map(Into::into);
    let mut bytes = vec![0; decoder.output_buffer_size().ok_or(Unreadable)?];
    decoder.read_image(&mut bytes)?;
    Ok(Decoded {
        width,
        height,
        bytes,
        exif,
    })
}

/// Whether a lossy frame is larger than any picture may be. The file has a size of its own, and the decoder compares
/// the two only when the frame is unpacked. Wherever a frame stands, its header does (RFC 9649, section 2.5; RFC 6386,
/// section 9.1): name, length, three bytes, a start code, width and height.
fn larger_within(bytes: &[u8]) -> bool {
    bytes.windows(18).any(|frame| {
        let side = |at: usize| usize::from(u16::from_le_bytes([frame[at], frame[at + 1]]) & 0x3fff);
        frame.starts_with(b"VP8 ") && frame[11..14] == *b"\x9d\x01\x2a" && within(side(14), side(16)).is_err()
    })
}

/// How a stored picture comes to stand upright: cameras turn the picture in words alone (Exif 2.32, section 4.6.4).
#[derive(Clone, Copy, Default)]
struct Turn {
    /// Rows become columns, before the others.
    transposed: bool,
    mirrored: bool,
    upside_down: bool,
}

impl Turn {
    /// The tag 274 of the first directory: a TIFF header, then entries of twelve bytes.
    fn of(exif: &[u8]) -> Option<Self> {
        let big = match exif.get(..4)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        let number = |bytes: &[u8]| {
            let digits = bytes.iter().map(|&byte| u32::from(byte));
            let join = |sum: u32, digit: u32| sum << 8 | digit;
            if big {
                digits.fold(0, join)
            } else {
                digits.rev().fold(0, join)
            }
        };
        let start = usize::try_from(number(exif.get(4..8)?)).ok()?;
        let directory = exif.get(start..)?;
        let count = usize::try_from(number(directory.get(..2)?)).ok()?;
        let mut entries = directory.get(2..)?.chunks_exact(12).take(count);
        let orientation = |entry: &&[u8]| {
            let (tag, short, one) = (number(&entry[..2]), number(&entry[2..4]), number(&entry[4..8]));
            (tag, short, one) == (274, 3, 1)
        };
        let (transposed, mirrored, upside_down) = match number(&entries.find(orientation)?[8..10]) {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => return None,
        };
        Some(Self {
            transposed,
            mirrored,
            upside_down,
        })
    }

    fn of_size(self, width: usize, height: usize) -> (usize, usize) {
        if self.transposed {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Where the pixel that belongs to `x` and `y` is stored, in a picture stored with this width and height.
    fn source(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        let (across, down) = self.of_size(width, height);
        let x = if self.mirrored { across - 1 - x } else { x };
        let y = if self.upside_down { down - 1 - y } else { y };
        if self.transposed { (y, x) } else { (x, y) }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
pub mod tests;
