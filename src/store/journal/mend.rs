//! One bit of a frame is wrong, as disks and memory make them: the checksum says which.
//!
//! A checksum is linear: what it is off by depends on the place of the wrong bit alone, not on the frame. So the place
//! is found by letting a lone bit run through the checksum from the end of the frame to its beginning. Without this a
//! damaged last frame could not be told from one whose writing was interrupted, and would be cut off: an answered
//! commit would be lost.

use super::frame::{CHECKSUM_BYTES, Frame, HEADER_BYTES, Id, checksum, claimed_length};

/// CRC-32C, its bits reversed (RFC 3720 §12.1).
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// In a longer frame chance finds a bit too often: one interrupted frame in ten thousand would pass for a damaged one.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Magic and length: with a wrong bit there it is not known where the frame ends.
const LENGTH_BITS: usize = 64;

/// The frame at the beginning of `bytes` with its one wrong bit put right, and the place of the byte it is in. `None`
/// where that is not what is wrong.
pub fn mended(bytes: &[u8], id: &Id) -> Option<(usize, Vec<u8>)> {
    if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES {
        return None;
    }
    let wrong_bit = match claimed_length(bytes).filter(|length| *length <= bytes.len()) {
        Some(length) => wrong_bit(&bytes[..length], id),
        None => None,
    };
    let candidates = wrong_bit.into_iter().chain(0..LENGTH_BITS);
    candidates.into_iter().find_map(|bit| {
        let mut header = bytes[..HEADER_BYTES].to_vec();
        if bit < LENGTH_BITS {
            header[bit / 8] ^= 1 << (bit % 8);
        }
        let length = claimed_length(&header).filter(|length| *length <= bytes.len().min(FRAME_BYTES_MAX))?;
        let mut frame = bytes[..length].to_vec();
        *frame.get_mut(bit / 8)? ^= 1 << (bit % 8);
        let good = Frame::read(&frame, id).is_some_and(|frame| frame.commits().is_ok());
        good.then_some((bit / 8, frame))
    })
}

/// By its number from the beginning of the frame.
fn wrong_bit(frame: &[u8], id: &Id) -> Option<usize> {
    let (covered, sum) = frame.split_at(frame.len() - CHECKSUM_BYTES);
    let stored = u32::from_le_bytes(sum.try_into().ok()?);
    // An interrupted write did not reach the checksum.
    if stored == 0 || frame.len() > FRAME_BYTES_MAX {
        return None;
    }
    let off_by = checksum(id, covered) ^ stored;
    if off_by.is_power_of_two() {
        return Some(covered.len() * 8 + off_by.trailing_zeros() as usize);
    }
    let mut lone = [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| 1_u32 << bit);
    (0..covered.len()).rev().find_map(|byte| {
        lone = lone.map(|sum| (0..8).fold(sum, |sum, _| (sum >> 1) ^ (POLYNOMIAL & (sum & 1).wrapping_neg())));
        let bit = lone.iter().position(|sum| *sum == off_by)?;
        Some(byte * 8 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::super::frame::FrameBuilder;
    use super::*;
    use crate::store::{Key, Seq, Write};

    const ID: Id = [7; 16];

    /// A frame, and the zeros of the rest of its file.
    fn frame() -> (Vec<u8>, usize) {
        let mut builder = FrameBuilder::default();
        builder.start(Seq(5));
        for n in 1..4 {
            builder.push(&[Write::Put {
                key: Key(vec![n]),
                value: vec![n; 40],
                expires_at: None,
            }]);
        }
        let mut bytes = builder.finish(&[1; 16], &ID).to_vec();
        let length = bytes.len();
        bytes.resize(length + 500, 0);
        (bytes, length)
    }

    #[test]
    fn any_one_bit_is_found_and_put_right() {
        let (good, length) = frame();
        for bit in 0..length * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (at, mended) = mended(&bytes, &ID).unwrap_or_else(|| panic!("bit {bit}"));
            assert_eq!((at, mended.as_slice()), (bit / 8, &good[..length]), "bit {bit}");
        }
    }

    #[test]
    fn what_was_interrupted_and_what_is_damaged_more_is_left_alone() {
        let (good, length) = frame();
        for written in 0..length - CHECKSUM_BYTES {
            let mut bytes = good.clone();
            bytes[written..].fill(0);
            assert!(mended(&bytes, &ID).is_none(), "{written} bytes were written");
            assert!(
                mended(&good[..written], &ID).is_none(),
                "the file ends after {written} bytes"
            );
        }
        let mut bytes = good.clone();
        bytes[50] ^= 1;
        bytes[60] ^= 1;
        assert!(mended(&bytes, &ID).is_none());
        assert!(mended(&good, &[8; 16]).is_none(), "the frame of another journal");
    }
}
