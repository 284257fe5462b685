//! Names that people give, to themselves and to things.

use icu_normalizer::ComposingNormalizerBorrowed;

/// 1 to `chars_max` characters, none of them invisible, without the blanks at its ends.
pub fn name(text: &str, chars_max: usize) -> Option<String> {
    let name = text.trim();
    let good = !name.is_empty() && name.chars().count() <= chars_max && !name.chars().any(deceives);
    good.then(|| name.to_owned())
}

/// Whether a text is spelled as Unicode spells it (NFC): what looks the same to everybody is then the same here.
pub fn normal(text: &str) -> bool {
    ComposingNormalizerBorrowed::new_nfc().is_normalized(text)
}

/// Characters that make a text look like another one to the person who has to trust it: controls, spaces without width,
/// and those that turn the reading direction (Unicode TR 36 §2.10). The joiners of U+200C and U+200D belong to scripts.
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}
