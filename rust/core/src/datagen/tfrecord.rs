//! TFRECORD: records as `TFRecordWriter` frames them, each a `tf.train.Example` with one feature of bytes.
//!
//! Records have 64 KiB with all that belongs to them, so that each can be made for itself; the last one takes what is
//! left.

use super::blocks::Blocks;
use super::object::{NAME, too_small};
use crate::checksum::crc32c;
use crate::error::Result;

/// Bytes of each record but the last one; whole blocks.
pub(super) const RECORD: u64 = 64 << 10;
/// Length, and its checksum.
const HEADER: usize = 12;
/// Checksum of the data.
const FOOTER: usize = 4;
/// Bytes of a length within the message. Shorter numbers are filled up, so that a record of any size can be made:
/// readers of protocol buffers take a number in more bytes than it needs.
const LENGTH: usize = 3;
/// A message that holds nothing but the next one, and the feature's name.
const WRAPPER: usize = 1 + LENGTH;
const KEY: usize = 2 + NAME.len();
const MESSAGE: usize = 5 * WRAPPER + KEY;
/// All that is not the feature's bytes.
const FRAME: u64 = (HEADER + MESSAGE + FOOTER) as u64;

/// Tags of protocol buffers: a field's number and "has a length".
const FIELD_1: u8 = 0x0a;
const FIELD_2: u8 = 0x12;

/// How an object is cut into records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records {
    /// Records of full size.
    pub full: u64,
    /// Bytes of the record after them; 0 if there is none.
    last: u64,
}

impl Records {
    /// # Errors
    /// `InvalidInput` if `size` leaves no room for a record that holds something.
    pub fn new(size: u64) -> Result<Self> {
        if size <= FRAME {
            return Err(too_small("TFRECORD", size, FRAME + 1));
        }
        let (full, last) = (size / RECORD, size % RECORD);
        // What is too little for a record goes to the one before.
        let (full, last) = match (1..=FRAME).contains(&last) {
            true => (full - 1, last + RECORD),
            false => (full, last),
        };
        Ok(Records { full, last })
    }

    /// Writes the records of an object from `offset` on, which begins one, as many as fit.
    pub fn fill(&self, blocks: &Blocks, object: u64, offset: u64, bytes: &mut [u8]) {
        let mut rest = bytes;
        let mut number = offset / RECORD;
        while !rest.is_empty() {
            let len = if number < self.full {
                RECORD
            } else {
                self.last
            };
            let (record, after) = rest.split_at_mut(len as usize);
            write(record, |data| blocks.fill(object, number * RECORD, data));
            rest = after;
            number += 1;
        }
    }
}

fn write(record: &mut [u8], fill: impl FnOnce(&mut [u8])) {
    let data = HEADER..record.len() - FOOTER;
    record[..8].copy_from_slice(&(data.len() as u64).to_le_bytes());
    let sum = masked(&record[..8]);
    record[8..HEADER].copy_from_slice(&sum);
    example(&mut record[data.clone()], fill);
    let sum = masked(&record[data.clone()]);
    record[data.end..].copy_from_slice(&sum);
}

/// `Example { features { feature { key: NAME, value { bytes_list { value } } } } }`
fn example(message: &mut [u8], fill: impl FnOnce(&mut [u8])) {
    let mut rest = message;
    // Example.features and Features.feature; then the name, and what belongs to it.
    rest = wrap(FIELD_1, rest);
    rest = wrap(FIELD_1, rest);
    let (key, after) = rest.split_at_mut(KEY);
    key[..2].copy_from_slice(&[FIELD_1, NAME.len() as u8]);
    key[2..].copy_from_slice(NAME.as_bytes());
    rest = wrap(FIELD_2, after);
    // Feature.bytes_list and BytesList.value.
    rest = wrap(FIELD_1, rest);
    rest = wrap(FIELD_1, rest);
    fill(rest);
}

/// Writes the tag and length of a field that takes all of `message`, and gives its place.
fn wrap(tag: u8, message: &mut [u8]) -> &mut [u8] {
    let (wrapper, inner) = message.split_at_mut(WRAPPER);
    let len = inner.len();
    // Seven bits each, the least first; the highest bit says that another byte follows.
    let bits = |turn: usize| (len >> (7 * turn) & 0x7f) as u8;
    wrapper.copy_from_slice(&[tag, bits(0) | 0x80, bits(1) | 0x80, bits(2)]);
    inner
}

/// CRC-32C, turned and moved, so that a checksum of bytes that hold checksums is worth something.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let sum = crc32c(bytes);
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_add_up_to_the_size() {
        for size in [
            FRAME + 1,
            RECORD - 1,
            RECORD,
            RECORD + 1,
            RECORD + FRAME,
            RECORD + FRAME + 1,
            7 * RECORD + 5,
        ] {
            let records = Records::new(size).unwrap();
            assert_eq!(records.full * RECORD + records.last, size);
            assert!(records.last == 0 || records.last > FRAME, "{size}");
        }
        let error = Records::new(FRAME).unwrap_err();
        assert!(error.to_string().contains("43"), "{error}");
    }

    #[test]
    fn a_record_is_framed_as_tensorflow_does_it() {
        let mut record = [0xff; 45];

        write(&mut record, |data| data.copy_from_slice(b"abc"));

        assert_eq!(record[..8], 29u64.to_le_bytes());
        assert_eq!(
            record[12..41],
            *b"\x0a\x99\x80\x00\x0a\x95\x80\x00\x0a\x04data\x12\x8b\x80\x00\x0a\x87\x80\x00\x0a\x83\x80\x00abc"
        );
        assert_eq!(record[41..], masked(&record[12..41]));
    }

    #[test]
    fn checksums_are_masked_as_tensorflow_does_it() {
        // The header of an empty record, as TFRecordWriter writes it.
        assert_eq!(masked(&[0; 8]), [0x29, 0x03, 0x98, 0x07]);
    }
}
