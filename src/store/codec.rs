//! How a record becomes bytes: format byte ‖ crc32c of the rest ‖ CBOR with named members.
//!
//! The one file that may name serde_cbor, which is archived: it reads only what this program wrote and checksummed,
//! never anything from the network. Members are named, so a later version can add some (`#[serde(default)]`).

use super::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 5;
const USUAL_BYTES: usize = 1024;

pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    // Few records are longer: they are written without moving what is there already.
    let mut out = Vec::with_capacity(USUAL_BYTES);
    out.extend_from_slice(&[FORMAT, 0, 0, 0, 0]);
    serde_cbor::to_writer(&mut out, record)
        .map_err(|e| StoreError::Corrupt(format!("a record cannot be encoded: {e}")))?;
    let sum = crc32c::crc32c(&out[HEADER_BYTES..]);
    out[1..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
    Ok(out)
}

pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(format!("a record cannot be read: {why}"));
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(corrupt(format!("{} bytes are too few", bytes.len())));
    };
    if header[0] != FORMAT {
        return Err(corrupt(format!("format {} is not {FORMAT}", header[0])));
    }
    if crc32c::crc32c(body).to_le_bytes() != header[1..] {
        return Err(corrupt("its checksum does not match".into()));
    }
    serde_cbor::from_slice(body).map_err(|e| corrupt(e.to_string()))
}
