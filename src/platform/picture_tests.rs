//! Each picture is four fields of colour, so that it shows where its corners have gone.

use super::*;

const RED: [u8; 3] = [200, 10, 10];
const GREEN: [u8; 3] = [10, 200, 10];
const BLUE: [u8; 3] = [10, 10, 200];
const WHITE: [u8; 3] = [250, 250, 250];
const FIELDS: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];
const WIDTH: u32 = 48;
const HEIGHT: u32 = 32;

const BASELINE: &[u8] = include_bytes!("../../tests/vectors/logos/quadrants.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../../tests/vectors/logos/progressive.jpg");
const CMYK: &[u8] = include_bytes!("../../tests/vectors/logos/cmyk.jpg");
const GREY: &[u8] = include_bytes!("../../tests/vectors/logos/grey.jpg");
const LOSSY: &[u8] = include_bytes!("../../tests/vectors/logos/lossy.webp");
/// Its lower right field is transparent.
const LOSSY_ALPHA: &[u8] = include_bytes!("../../tests/vectors/logos/lossy_alpha.webp");

/// A kept picture, unpacked again.
pub struct Shown {
    pub side: usize,
    pixels: Vec<u8>,
}

impl Shown {
    pub fn of(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.color_type), (frame.height, ColorType::Rgba));
        Self {
            side: usize::try_from(frame.width).unwrap(),
            pixels,
        }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.side + x) * 4;
        self.pixels[at..at + 4].try_into().unwrap()
    }

    /// The field whose colour is nearest, and how far away it is.
    fn field(&self, x: usize, y: usize) -> (usize, u32) {
        let pixel = self.at(x, y);
        assert_eq!(pixel[3], 255, "{pixel:?}");
        let far = |field: &[u8; 3]| (0..3).map(|c| u32::from(field[c].abs_diff(pixel[c]))).sum::<u32>();
        let distances = FIELDS.iter().map(far).enumerate();
        distances.min_by_key(|(_, distance)| *distance).unwrap()
    }

    /// The four fields of a picture of these sides in the middle of the square.
    fn fields(&self, across: usize, down: usize) -> [usize; 4] {
        let (left, top) = ((self.side - across) / 2, (self.side - down) / 2);
        [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
            let (field, distance) = self.field(left + across * x / 4, top + down * y / 4);
            assert!(distance < 40, "field {field} is {distance} away");
            field
        })
    }
}

fn fields(x: u32, y: u32) -> [u8; 4] {
    let [r, g, b] = FIELDS[usize::from(x >= WIDTH / 2) + 2 * usize::from(y >= HEIGHT / 2)];
    [r, g, b, 255]
}

pub fn png_of(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels: Vec<u8> = places.flat_map(|(x, y)| pixel(x, y)).collect();
    png_with(
        png::Info::with_size(width, height),
        ColorType::Rgba,
        BitDepth::Eight,
        &pixels,
    )
}

fn png_with(mut info: png::Info<'_>, color: ColorType, depth: BitDepth, bytes: &[u8]) -> Vec<u8> {
    (info.color_type, info.bit_depth) = (color, depth);
    let mut file = Vec::new();
    let mut writer = Encoder::with_info(&mut file, info).unwrap().write_header().unwrap();
    writer.write_image_data(bytes).unwrap();
    writer.finish().unwrap();
    file
}

fn colours() -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places.flat_map(|(x, y)| fields(x, y)).collect()
}

fn lossless() -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut file);
    let rgba = image_webp::ColorType::Rgba8;
    encoder.encode(&colours(), WIDTH, HEIGHT, rgba).unwrap();
    file
}

/// A WebP file of these chunks (RFC 9649, section 2.3).
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(&chunk(name, data));
    }
    chunk(b"RIFF", &body)
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
    chunk.extend_from_slice(data);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// What a file of one chunk is extended by: flags, width and height less one.
fn extension(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut extension = vec![flags, 0, 0, 0];
    extension.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    extension.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    extension
}

/// The tag for the orientation after one of another kind.
fn exif(orientation: u16, big: bool) -> Vec<u8> {
    let two = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let four = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut exif = if big { *b"MM\0*" } else { *b"II*\0" }.to_vec();
    exif.extend_from_slice(&four(8));
    exif.extend_from_slice(&two(2));
    for (tag, value) in [(256, 48), (274, orientation)] {
        exif.extend_from_slice(&[two(tag), two(3)].concat());
        exif.extend_from_slice(&four(1));
        exif.extend_from_slice(&[two(value), two(0)].concat());
    }
    exif
}

fn jpeg_with_exif(exif: &[u8]) -> Vec<u8> {
    let mut file = BASELINE[..2].to_vec();
    let length = u16::try_from(exif.len() + 8).unwrap();
    file.extend_from_slice(&[0xff, 0xe1]);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(b"Exif\0\0");
    file.extend_from_slice(exif);
    file.extend_from_slice(&BASELINE[2..]);
    file
}

fn png_with_exif(exif: &[u8]) -> Vec<u8> {
    let mut info = png::Info::with_size(WIDTH, HEIGHT);
    info.exif_metadata = Some(exif.into());
    let pixels = colours();
    png_with(info, ColorType::Rgba, BitDepth::Eight, &pixels)
}

fn webp_with_exif(exif: &[u8]) -> Vec<u8> {
    let plain = lossless();
    riff(&[
        (b"VP8X", &extension(0b1000, WIDTH, HEIGHT)),
        (b"VP8L", &plain[20..]),
        (b"EXIF", exif),
    ])
}

fn shown(file: &[u8]) -> Shown {
    Shown::of(&Picture::decoded(file).unwrap().square_png(256).unwrap())
}

#[test]
fn every_format_becomes_a_square_with_the_picture_in_its_middle() {
    let files = [
        png_of(WIDTH, HEIGHT, fields),
        BASELINE.to_vec(),
        PROGRESSIVE.to_vec(),
        CMYK.to_vec(),
        lossless(),
        LOSSY.to_vec(),
    ];
    for (number, file) in files.iter().enumerate() {
        let shown = shown(file);
        assert_eq!(shown.side, 48, "{number}: never larger than it was");
        assert_eq!(shown.fields(48, 32), [0, 1, 2, 3], "{number}");
        for y in [0, 7, 40, 47] {
            assert_eq!(shown.at(24, y)[3], 0, "{number}: above and below it nothing shows");
        }
    }
    let grey = shown(GREY);
    let [r, g, b, a] = grey.at(12, 16);
    assert!(
        r == g && g == b && a == 255 && (50..100).contains(&r),
        "{r} {g} {b} {a}"
    );
    let alpha = shown(LOSSY_ALPHA);
    assert_eq!((alpha.field(12, 16).0, alpha.at(36, 32)[3]), (0, 0));
}

#[test]
fn samples_of_all_sizes_become_bytes() {
    let info = || png::Info::with_size(2, 1);
    let first = |file: &[u8]| shown(file).at(0, 0);
    let sixteen = [0x12, 0xff, 0x34, 0xff, 0x56, 0xff, 0xff, 0xff];
    let sixteen = png_with(info(), ColorType::Rgba, BitDepth::Sixteen, &[sixteen, sixteen].concat());
    assert_eq!(first(&sixteen), [0x12, 0x34, 0x56, 0xff]);
    let mut palette = info();
    palette.palette = Some((&[1, 2, 3, 4, 5, 6]).into());
    palette.trns = Some((&[255, 0]).into());
    let indexed = shown(&png_with(palette, ColorType::Indexed, BitDepth::One, &[0b0100_0000]));
    assert_eq!((indexed.at(0, 0), indexed.at(1, 0)[3]), ([1, 2, 3, 255], 0));
    let bits = png_with(info(), ColorType::Grayscale, BitDepth::One, &[0b1000_0000]);
    assert_eq!(first(&bits), [255, 255, 255, 255]);
    let alpha = png_with(info(), ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 255, 7, 255]);
    assert_eq!(first(&alpha), [7, 7, 7, 255]);
}

#[test]
fn pictures_are_turned_upright() {
    // Where row 0 and column 0 of what is stored belong (Exif 2.32, section 4.6.4).
    let upright = [
        (1, [0, 1, 2, 3]),
        (2, [1, 0, 3, 2]),
        (3, [3, 2, 1, 0]),
        (4, [2, 3, 0, 1]),
        (5, [0, 2, 1, 3]),
        (6, [2, 0, 3, 1]),
        (7, [3, 1, 2, 0]),
        (8, [1, 3, 0, 2]),
        (9, [0, 1, 2, 3]),
    ];
    for (orientation, expected) in upright {
        let (across, down) = if (5..9).contains(&orientation) {
            (32, 48)
        } else {
            (48, 32)
        };
        for big in [true, false] {
            let exif = exif(orientation, big);
            for (format, file) in [jpeg_with_exif, png_with_exif, webp_with_exif].iter().enumerate() {
                let fields = shown(&file(&exif)).fields(across, down);
                assert_eq!(fields, expected, "orientation {orientation} in format {format}");
            }
        }
    }
    let whole = exif(6, true);
    for length in 0..whole.len() - 4 {
        assert!(Turn::of(&whole[..length]).is_none(), "{length} bytes");
    }
}

#[test]
fn of_what_moves_the_first_picture_is_kept() {
    let first = lossless();
    let mut frame = vec![0; 6];
    frame.extend_from_slice(&[
        WIDTH.to_le_bytes()[0] - 1,
        0,
        0,
        HEIGHT.to_le_bytes()[0] - 1,
        0,
        0,
        100,
        0,
        0,
        0,
    ]);
    frame.extend_from_slice(&first[12..]);
    let file = riff(&[
        (b"VP8X", &extension(0b1_0010, WIDTH, HEIGHT)),
        (b"ANIM", &[0; 6]),
        (b"ANMF", &frame),
        (b"ANMF", &frame),
    ]);
    assert_eq!(shown(&file).fields(48, 32), [0, 1, 2, 3]);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(ColorType::Rgba);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&colours()).unwrap();
    writer.write_image_data(&vec![0; colours().len()]).unwrap();
    writer.finish().unwrap();
    assert_eq!(shown(&file).fields(48, 32), [0, 1, 2, 3]);
}

#[test]
fn what_is_transparent_does_not_shine_through() {
    let shown = shown(&png_of(600, 600, |x, _| {
        if x < 301 { [200, 0, 0, 255] } else { [0, 255, 0, 0] }
    }));
    let row = (0..256).map(|x| shown.at(x, 100));
    let edges = row.filter(|pixel| (1..255).contains(&pixel[3])).inspect(|pixel| {
        assert!(pixel[0] > 180 && pixel[1] < 10, "{pixel:?}");
    });
    assert!(edges.count() > 0);
}

#[test]
fn long_pictures_keep_a_line() {
    for (width, height) in [(1, 3072), (3072, 1)] {
        let shown = shown(&png_of(width, height, |_, _| [1, 2, 3, 255]));
        assert_eq!((shown.side, shown.at(127, 127)[3] | shown.at(128, 128)[3]), (256, 255));
    }
}

#[test]
fn no_side_is_longer_than_the_limit() {
    let mut sized = Vec::new();
    for (width, height) in [(3073, 1), (1, 3073), (60_000, 60_000), (0, 16), (16, 0)] {
        let mut png = png_of(16, 16, fields);
        png[16..20].copy_from_slice(&u32::to_be_bytes(width));
        png[20..24].copy_from_slice(&u32::to_be_bytes(height));
        sized.push(("png", png));
        for (name, file) in [("baseline", BASELINE), ("progressive", PROGRESSIVE)] {
            let mut jpeg = file.to_vec();
            let frame = jpeg
                .windows(4)
                .position(|m| m[0] == 0xff && [0xc0, 0xc2].contains(&m[1]) && m[2] == 0);
            let sides = frame.unwrap() + 5;
            jpeg[sides..sides + 2].copy_from_slice(&(height as u16).to_be_bytes());
            jpeg[sides + 2..sides + 4].copy_from_slice(&(width as u16).to_be_bytes());
            sized.push((name, jpeg));
        }
        if width > 0 && height > 0 {
            let plain = lossless();
            sized.push((
                "webp",
                riff(&[(b"VP8X", &extension(0, width, height)), (b"VP8L", &plain[20..])]),
            ));
        }
        let mut plain = lossless();
        let sides = (width.wrapping_sub(1) & 0x3fff) | (height.wrapping_sub(1) & 0x3fff) << 14;
        plain[21..25].copy_from_slice(&sides.to_le_bytes());
        sized.push(("lossless webp", plain));
    }
    for (name, file) in sized {
        assert!(Picture::decoded(&file).is_err(), "{name}: {:?}", &file[..26]);
    }
    assert!(Picture::decoded(&png_of(3072, 1, |_, _| [1; 4])).is_ok());
}

#[test]
fn no_frame_of_a_webp_is_larger_than_its_file_may_be() {
    let at = LOSSY.windows(4).position(|name| name == b"VP8 ").unwrap();
    let frame = |side: u16| {
        let mut frame = LOSSY[at + 8..].to_vec();
        frame[6..8].copy_from_slice(&side.to_le_bytes());
        frame[8..10].copy_from_slice(&side.to_le_bytes());
        frame
    };
    let mut moving = vec![0; 6];
    moving.extend_from_slice(&[47, 0, 0, 31, 0, 0, 100, 0, 0, 0]);
    moving.extend_from_slice(&chunk(b"VP8 ", &frame(0x3fff)));
    for (name, file) in [
        ("alone", riff(&[(b"VP8 ", &frame(0x3fff))])),
        (
            "extended",
            riff(&[(b"VP8X", &extension(0, WIDTH, HEIGHT)), (b"VP8 ", &frame(3073))]),
        ),
        (
            "moving",
            riff(&[
                (b"VP8X", &extension(2, WIDTH, HEIGHT)),
                (b"ANIM", &[0; 6]),
                (b"ANMF", &moving),
            ]),
        ),
    ] {
        assert!(larger_within(&file), "{name}");
        assert!(Picture::decoded(&file).is_err(), "{name}");
    }
    assert!(!larger_within(LOSSY) && !larger_within(LOSSY_ALPHA));
}

#[test]
fn past_kanidm_what_ends_too_early_is_refused_or_shown_as_far_as_it_goes() {
    for file in [png_of(WIDTH, HEIGHT, fields), lossless()] {
        for length in 0..file.len() - 13 {
            assert!(Picture::decoded(&file[..length]).is_err(), "{length} bytes");
        }
    }
    let shown = shown(&BASELINE[..BASELINE.len() - 20]);
    assert_eq!(shown.field(12, 16).0, 0);
}
