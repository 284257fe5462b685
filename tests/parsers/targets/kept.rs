//! What is read back from disks and files: the checksums are right here, so that what stands behind them is reached.

use super::block_on;
use grantd::control::transfer;
use grantd::model as m;
use grantd::platform::picture::Picture;
use grantd::store::codec;
use grantd::store::export::{Block, ExportReader};
use grantd::store::journal::frame::{CHECKSUM_BYTES, Frame, FrameBuilder, HEADER_BYTES, MAGIC, hash};
use grantd::store::memory::MemoryStore;
use grantd::store::{StoreError, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

const ID: [u8; 16] = [7; 16];
const RECORD_HEADER: [u8; 5] = [1, 0, 0, 0, 0];

/// A record that was read is written and read again as the same.
fn record_of<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(record) = codec::decode::<T>(bytes) else { return };
    let written = codec::encode(&record).expect("what was read can be written");
    let read: T = codec::decode(&written).unwrap_or_else(|e: StoreError| panic!("{e}"));
    assert_eq!(codec::encode(&read).expect("again"), written);
}

macro_rules! records {
    ($($record:ty),* $(,)?) => {
        const RECORDS: &[fn(&[u8])] = &[$(record_of::<$record>),*];
    };
}

records![
    m::access_request::AccessRequest,
    m::api_key::ApiKey,
    m::app::App,
    m::attempts::Attempts,
    m::callback_secret::CallbackSecret,
    m::code::Code,
    m::delivery::Delivery,
    m::document::Document,
    m::dossier::Dossier,
    m::dossier::Submission,
    m::endpoint::Endpoint,
    m::event::Event,
    m::failure::Failure,
    m::family::Family,
    m::grant::Grant,
    m::installation::ResetReceipt,
    m::issued_token::IssuedToken,
    m::kept_answer::KeptAnswer,
    m::last_use::LastUse,
    m::link::Link,
    m::mail::Mail,
    m::member::Member,
    m::organization::Organization,
    m::personal_token::PersonalToken,
    m::pushed_request::PushedRequest,
    m::receipt::Receipt,
    m::reminder::Reminder,
    m::revoked_token::RevokedToken,
    m::session::Session,
    m::settings::Settings,
    m::signing_key::SigningKeyRecord,
    m::subscription::Subscription,
    m::subscription::SubscriptionReceipt,
    m::usage::Usage,
    m::used_once::UsedOnce,
    m::user::User,
];

/// The first byte says which record the rest is to be.
pub fn record(data: &[u8]) {
    let Some((which, body)) = data.split_first() else {
        return;
    };
    let mut bytes = [&RECORD_HEADER, body].concat();
    bytes[1..5].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    RECORDS[usize::from(*which) % RECORDS.len()](&bytes);
    RECORDS[usize::from(*which) % RECORDS.len()](data);
}

/// A frame that was read is the one that its commits make.
pub fn frame(data: &[u8]) {
    if let Some(frame) = Frame::read(data, &ID) {
        let _ = frame.commits();
    }
    let mut bytes = [&MAGIC, &[0; 4], data].concat();
    bytes.resize(bytes.len().max(HEADER_BYTES), 0);
    let length = (bytes.len() + CHECKSUM_BYTES) as u32;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&ID), &bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    let Some(frame) = Frame::read(&bytes, &ID) else { return };
    let _ = hash(frame.bytes);
    assert!(frame.last().0 >= frame.first.0, "a frame holds a commit");
    let Ok(commits) = frame.commits() else { return };
    assert_eq!(commits.len(), frame.count as usize);
    let mut builder = FrameBuilder::default();
    builder.start(frame.first);
    commits.iter().for_each(|writes: &Vec<Write>| builder.push(writes));
    assert_eq!(
        builder.finish(&frame.previous, &ID),
        bytes,
        "the same commits are the same frame"
    );
}

/// Blocks of a kind, a length and what is in them, each with the checksum it ought to have.
pub fn export(data: &[u8]) {
    let mut bytes = [b"grantdx1".as_slice(), &ID].concat();
    let mut rest = data;
    while let Some(([kind, low, high], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (payload, after) = after.split_at(length);
        bytes.push(*kind);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        rest = after;
    }
    thread_local! {
        static FILE: NamedTempFile = NamedTempFile::new().expect("a temporary file");
    }
    FILE.with(|file| {
        for bytes in [&bytes, data] {
            std::fs::write(file.path(), bytes).expect("written");
            let Ok(mut reader) = ExportReader::open(file.path()) else {
                continue;
            };
            while let Ok(block) = reader.block() {
                match block {
                    Block::Frame(bytes) => {
                        let _ = Frame::read(&bytes, &reader.id).map(|frame| frame.commits());
                    }
                    Block::Records(_) => {}
                    Block::End { .. } => break,
                }
            }
        }
    });
}

/// An import takes what an export has, or says what is wrong.
pub fn import(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let store = MemoryStore::new();
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    if let Ok(records) = block_on(transfer::import(&store, |_| true, lines)) {
        assert!(records <= text.lines().count() as u64);
    }
}

/// A picture that was decoded can be drawn and decoded again. The checksums of PNG are put right.
pub fn picture(data: &[u8]) {
    let Ok(picture) = Picture::decoded(&with_checksums(data)) else {
        return;
    };
    let drawn = picture.square_png(32).expect("what was decoded can be drawn");
    let again = Picture::decoded(&drawn);
    assert!(again.is_ok(), "what was drawn can be decoded");
}

fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(covered) = bytes.get(at + 4..end) else { break };
        let sum = crc32(covered);
        let Some(place) = bytes.get_mut(end..end + 4) else {
            break;
        };
        place.copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
    if data.starts_with(b"\x89PNG") {
        bytes
    } else {
        data.to_vec()
    }
}

/// Of PNG (ISO 3309), a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}
