//! HDF5: a file whose root group holds one dataset of bytes.
//!
//! All of the format's structures stand before the data, in their checksummed versions: superblock 2 and object
//! headers 2 of the [specification](https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html). Libraries that
//! write HDF5 make whole files, in memory or on disk; what is sent while it is made needs no more than this head.

use bytes::Bytes;

use super::object::{NAME, data_offset};
use crate::error::Result;

/// "Undefined address".
const NOWHERE: u64 = u64::MAX;
const SUPERBLOCK: usize = 48;
/// Where data begins at the earliest: all structures fit.
const HEAD: u64 = 192;

/// Types of messages in object headers.
const DATASPACE: u8 = 0x01;
const LINK_INFO: u8 = 0x02;
const DATATYPE: u8 = 0x03;
const FILL_VALUE: u8 = 0x05;
const LINK: u8 = 0x06;
const DATA_LAYOUT: u8 = 0x08;
const GROUP_INFO: u8 = 0x0a;

/// What stands before the data in a file of `size` bytes, all the rest of which is the data.
///
/// # Errors
/// `InvalidInput` if `size` leaves no room for data.
pub(super) fn head(size: u64) -> Result<Bytes> {
    let (data, len) = data_offset("HDF5", size, HEAD, 0)?;
    let group = SUPERBLOCK as u64;
    // The length of the group's header does not depend on the address in it.
    let dataset = group + root_group(0).len() as u64;

    let mut head = superblock(size, group);
    head.extend(root_group(dataset));
    head.extend(dataset_header(data, len));
    debug_assert!(head.len() as u64 <= HEAD, "all structures fit");
    // Fits: it is one page at most.
    head.resize(data as usize, 0);
    Ok(head.into())
}

fn superblock(file_size: u64, root: u64) -> Vec<u8> {
    let mut block = b"\x89HDF\r\n\x1a\n".to_vec();
    // Version; bytes of an offset, of a length; flags.
    block.extend([2, 8, 8, 0]);
    for address in [0, NOWHERE, file_size, root] {
        block.extend(address.to_le_bytes());
    }
    sealed(block)
}

fn root_group(dataset: u64) -> Vec<u8> {
    // Links are messages of this header, not rows of a table elsewhere.
    let mut link_info = vec![0, 0];
    link_info.extend([NOWHERE.to_le_bytes(), NOWHERE.to_le_bytes()].concat());
    // Version, flags: a hard link whose name is as long as one byte tells.
    let mut link = vec![1, 0, NAME.len() as u8];
    link.extend(NAME.as_bytes());
    link.extend(dataset.to_le_bytes());
    object_header(&[
        (LINK_INFO, link_info),
        (GROUP_INFO, vec![0, 0]),
        (LINK, link),
    ])
}

fn dataset_header(address: u64, len: u64) -> Vec<u8> {
    // Version, dimensions, flags, simple.
    let mut dataspace = vec![2, 1, 0, 1];
    dataspace.extend(len.to_le_bytes());
    // Version 1 and class 0; unsigned, little-endian; 1 byte, of which 8 bits from bit 0 on count.
    let datatype = vec![0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0];
    // Version; allocated late, written if set, not set.
    let fill_value = vec![3, 0x0a];
    // Version, contiguous.
    let mut layout = vec![3, 1];
    layout.extend([address.to_le_bytes(), len.to_le_bytes()].concat());
    object_header(&[
        (DATASPACE, dataspace),
        (DATATYPE, datatype),
        (FILL_VALUE, fill_value),
        (DATA_LAYOUT, layout),
    ])
}

fn object_header(messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, message) in messages {
        body.push(*kind);
        body.extend((message.len() as u16).to_le_bytes());
        body.push(0);
        body.extend(message);
    }
    let mut header = b"OHDR".to_vec();
    // Version; flags: the length of the messages takes one byte.
    header.extend([2, 0, body.len() as u8]);
    header.extend(body);
    sealed(header)
}

/// With the checksum that the format puts after its structures.
fn sealed(mut structure: Vec<u8>) -> Vec<u8> {
    structure.extend(lookup3(&structure).to_le_bytes());
    structure
}

/// Bob Jenkins's `hashlittle` from his lookup3.c, begun with 0.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = bytes;
    while rest.len() > 12 {
        let (triple, after) = rest.split_at(12);
        add(triple, &mut a, &mut b, &mut c);
        mix(&mut a, &mut b, &mut c);
        rest = after;
    }
    if rest.is_empty() {
        return c;
    }
    let mut last = [0; 12];
    last[..rest.len()].copy_from_slice(rest);
    add(&last, &mut a, &mut b, &mut c);
    finish(&mut a, &mut b, &mut c);
    c
}

fn add(triple: &[u8], a: &mut u32, b: &mut u32, c: &mut u32) {
    for (word, bytes) in [a, b, c].into_iter().zip(triple.as_chunks().0) {
        *word = word.wrapping_add(u32::from_le_bytes(*bytes));
    }
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    for round in [[4, 6, 8], [16, 19, 4]] {
        for turn in round {
            *a = a.wrapping_sub(*c) ^ c.rotate_left(turn);
            *c = c.wrapping_add(*b);
            // The next turn has the roles of (b, c, a).
            (*a, *b, *c) = (*b, *c, *a);
        }
    }
}

fn finish(a: &mut u32, b: &mut u32, c: &mut u32) {
    for turn in [14, 11, 25, 16, 4, 14, 24] {
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(turn));
        // The next turn has the roles of (b, c, a).
        (*a, *b, *c) = (*b, *c, *a);
    }
    // Seven turns end one before the roles are back.
    (*a, *b, *c) = (*c, *a, *b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_hashes_hold() {
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }

    #[test]
    fn the_head_ends_where_the_data_begin() {
        assert_eq!(head(193).unwrap().len(), 192);
        assert_eq!(head(1 << 40).unwrap().len(), 4096);
        let error = head(192).unwrap_err();
        assert!(error.to_string().contains("193"), "{error}");
    }
}
