//! Whose pages these are: `[branding]` of `grantd.toml`, and a logo in the data directory.

use super::pages::Asset;
use super::reader::{Item, Problems, Table};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::Path;
use url::Url;

const NAME_CHARS_MAX: usize = 40;
const LOGO_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Branding {
    /// In place of the host's name, above every page.
    pub name: Option<String>,
    pub accent: Option<Colour>,
    /// At the foot of every page.
    pub website: Option<String>,
    pub help: Option<String>,
    pub privacy_policy: Option<String>,
    pub terms: Option<String>,
}

/// Red, green, blue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour([u8; 3]);

/// The first bytes of the pictures browsers know.
const PICTURES: [(&[u8], &str, &str); 3] = [
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (b"\xff\xd8\xff", "jpeg", "image/jpeg"),
    (b"RIFF", "webp", "image/webp"),
];

pub(super) fn read(table: &Table<'_>) -> Branding {
    let Some(table) = table.table("branding") else {
        return Branding::default();
    };
    let link = |key| table.get(key).and_then(|item| link(&item));
    let branding = Branding {
        name: table.get("name").and_then(|item| name(&item)),
        accent: table.get("accent").and_then(|item| colour(&item)),
        website: link("website"),
        help: link("help"),
        privacy_policy: link("privacy_policy"),
        terms: link("terms"),
    };
    table.finish();
    branding
}

fn name(item: &Item<'_>) -> Option<String> {
    let name = item.sentence()?;
    if name.chars().count() > NAME_CHARS_MAX {
        return item.refuse(&name, format_args!("which is longer than {NAME_CHARS_MAX} characters"));
    }
    Some(name)
}

pub(super) fn link(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" => Some(text.to_owned()),
        _ => item.refuse(text, "which is no https address"),
    }
}

fn colour(item: &Item<'_>) -> Option<Colour> {
    let text = item.text()?;
    match Colour::parse(text) {
        Some(colour) => Some(colour),
        None => item.refuse(text, "which is no colour such as \"#2f4fd0\""),
    }
}

/// The operator's picture, `portal/logo.png`, `.jpeg` or `.webp` in the data directory.
pub(super) fn logo(data_dir: &Path, problems: &Problems) -> Option<Asset> {
    PICTURES.iter().find_map(|(magic, extension, content_type)| {
        let file = data_dir.join(format!("portal/logo.{extension}"));
        let refuse = |why: &str| problems.add(format!("{} {why}", file.display()));
        match std::fs::read(&file) {
            Ok(content) if content.len() > LOGO_BYTES_MAX => {
                refuse(&format!("is larger than {LOGO_BYTES_MAX} bytes"));
                None
            }
            Ok(content) if !content.starts_with(magic) => {
                refuse("is no picture of the kind its name says");
                None
            }
            Ok(content) => Some(Asset::new("logo", extension, content_type, content.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                refuse(&format!("cannot be read: {error}"));
                None
            }
        }
    })
}

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// This much of `other` mixed in, in hundredths.
    fn mixed(self, other: Self, hundredths: u16) -> Self {
        let mut channels = self.0;
        for (channel, with) in channels.iter_mut().zip(other.0) {
            let sum = u16::from(*channel) * (100 - hundredths) + u16::from(with) * hundredths;
            *channel = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(channels)
    }

    /// As much of `towards` as it takes to be read on `ground` (WCAG 2.2 §1.4.3), and `more` hundredths besides.
    fn readable_on(self, ground: Self, towards: Self, more: u16) -> Self {
        let enough = (0..=100).find(|share| self.mixed(towards, *share).contrast(ground) >= 5.0);
        self.mixed(towards, (enough.unwrap_or(100) + more).min(100))
    }

    /// The rules that put this colour in place of the stylesheet's own, for light and for dark.
    pub(super) fn rules(self) -> String {
        const WHITE: Colour = Colour([255; 3]);
        const BLACK: Colour = Colour([0; 3]);
        const DARK_CARD: Colour = Colour([0x1a, 0x1d, 0x24]);
        const DARK_SOFT: Colour = Colour([0x23, 0x2a, 0x42]);
        const LIGHT_SOFT: Colour = Colour([0xee, 0xf1, 0xfd]);
        let set = |accent: Self, strong: Self, on: Self, soft: Self| {
            format!("--accent:{accent};--accent-strong:{strong};--on-accent:{on};--soft:{soft}")
        };
        let light = set(
            self.readable_on(LIGHT_SOFT, BLACK, 0),
            self.readable_on(LIGHT_SOFT, BLACK, 15),
            WHITE,
            LIGHT_SOFT,
        );
        let dark = set(
            self.readable_on(DARK_SOFT, WHITE, 0),
            self.readable_on(DARK_SOFT, WHITE, 15),
            DARK_CARD,
            DARK_SOFT,
        );
        format!("\n:root{{{light}}}\n@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Serialize for Colour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_is_readable_in_light_and_in_dark() {
        for text in [
            "#000000", "#ffffff", "#ffff00", "#2f4fd0", "#808080", "#ff0000", "#00ff7f",
        ] {
            let accent = Colour::parse(text).unwrap();
            let rules = accent.rules();
            let found: Vec<Colour> = rules
                .split("--")
                .filter_map(|rule| Some(rule.split_once(':')?.1))
                .filter_map(|value| Colour::parse(value.get(..7)?))
                .collect();
            for theme in found.chunks(4) {
                let [accent, strong, on, soft] = theme else {
                    panic!("{rules}")
                };
                for (front, ground) in [(accent, soft), (strong, soft), (on, accent), (on, strong)] {
                    assert!(front.contrast(*ground) >= 4.5, "{text}: {front} on {ground} in {rules}");
                }
            }
            assert_eq!(found.len(), 8);
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let [black, white, grey] = ["#000000", "#ffffff", "#767676"].map(|text| Colour::parse(text).unwrap());
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        // The lightest grey that passes on white.
        assert!((4.5..4.6).contains(&grey.contrast(white)));
    }
}
