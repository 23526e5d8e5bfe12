//! Copies within a service: one request up to its limit, then concurrent parts. No byte passes through here.

use std::sync::Arc;

use super::{PER_OBJECT, SplitStore};
use crate::checksum::{Algorithm, Checksum};
use crate::client::described;
use crate::error::{Error, ErrorKind, Result};
use crate::gate::Ask;
use crate::types::{CopyLimits, CopyResult, CopySource, WriteOptions, WriteReply};
use crate::uri::Key;

impl SplitStore {
    /// Whether this store can make objects of those of `other` without their bytes passing through here.
    pub(crate) fn copies_from(&self, other: &SplitStore) -> bool {
        let (ours, theirs) = (self.store.info(), other.store.info());
        ours.capability.copies.is_some() && ours.service == theirs.service
    }

    /// Has the service copy an object, with its metadata and content type, unless `write` has others.
    ///
    /// # Errors
    /// `Precondition` if the source is replaced meanwhile; `Integrity` if the copy has another checksum than it;
    /// `Unsupported` from an endpoint that does not know the requests.
    pub(crate) async fn copy(
        &self,
        source: &CopySource,
        key: &Key,
        write: &WriteOptions,
    ) -> Result<CopyResult> {
        let Some(limits) = self.store.info().capability.copies else {
            let detail = "the store makes no copies by itself";
            return Err(Error::new(ErrorKind::Unsupported, detail));
        };
        let (size, stored) = (source.meta.size, source.meta.checksum);
        let as_it_is = *write == WriteOptions::default();
        let (reply, parts_sum) = if as_it_is && size <= limits.max_single {
            let work = self.store.copy(source, key);
            (self.request(Ask::single(0), work).await?, None)
        } else if size == 0 {
            let detail = "there is no part to copy with other properties";
            return Err(Error::new(ErrorKind::Unsupported, detail));
        } else {
            self.copy_parts(source.clone(), key, limits, write).await?
        };
        compare(stored, reply.checksum)?;
        let known = [reply.checksum, parts_sum, stored].into_iter().flatten();
        let crc32c = known
            .into_iter()
            .find(|sum| sum.algorithm == Algorithm::Crc32c);
        Ok(CopyResult {
            etag: reply.etag,
            size,
            // A 32-bit checksum kept in 64 bits.
            crc32c: crc32c.map(|sum| sum.value as u32),
            version_id: reply.version_id,
        })
    }

    async fn copy_parts(
        &self,
        source: CopySource,
        key: &Key,
        limits: CopyLimits,
        write: &WriteOptions,
    ) -> Result<(WriteReply, Option<Checksum>)> {
        let size = source.meta.size;
        let options = described(&source.meta, write, true);
        let mut upload = self.upload(key, options, Some(size));
        // Of what the service moves itself, a part takes no memory here.
        upload.part_size = upload.part_size.max(limits.part_size);
        upload.depth = PER_OBJECT;
        let (part_size, source) = (upload.part_size, Arc::new(source));
        upload.begin_copy().await?;
        let mut start = 0;
        while start < size {
            let end = size.min(start.saturating_add(part_size));
            upload.copy_part(&source, start..end).await?;
            start = end;
        }
        let joined = upload.join().await?;
        Ok((joined.reply, joined.crc32c))
    }
}

/// Refuses a copy whose checksum is not that of its source, where both are told in one algorithm.
fn compare(source: Option<Checksum>, copy: Option<Checksum>) -> Result<()> {
    match (source, copy) {
        (Some(source), Some(copy)) if source.algorithm == copy.algorithm && source != copy => {
            let detail = format!(
                "the copy has {:?} {}, its source {}",
                copy.algorithm,
                copy.to_base64(),
                source.to_base64()
            );
            Err(Error::new(ErrorKind::Integrity, detail))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_like_checksums_are_compared() {
        let sum = |algorithm, data: &[u8]| Some(Checksum::of(algorithm, data));
        let crc32c = sum(Algorithm::Crc32c, b"a");

        compare(crc32c, crc32c).unwrap();
        compare(crc32c, None).unwrap();
        compare(crc32c, sum(Algorithm::Crc64Nvme, b"b")).unwrap();
        let error = compare(crc32c, sum(Algorithm::Crc32c, b"b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
    }
}
