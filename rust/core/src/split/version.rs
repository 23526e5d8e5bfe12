//! Reads of one version of an object that is still to be found out: the first answer pins the rest.

use super::{First, SplitStore};
use crate::buffer::{Buffer, IoBufMut};
use crate::error::Result;
use crate::span::Span;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;

impl SplitStore {
    /// Size and etag, as an answer without bytes.
    pub(crate) async fn ask(&self, key: &Key) -> Result<ReadReply> {
        let meta = self.store.stat(key).await?;
        if meta.size == 0 && self.store.info().scheme.is_local() {
            // It may tell no size and have bytes, which only a read finds out.
            let into = Destination::Fill(self.take_part(0)?);
            let options = ReadOptions::default();
            self.store
                .read(key, ByteRange::Whole, into, &options)
                .await?;
        }
        Ok(ReadReply {
            size: meta.size,
            etag: meta.etag,
            ..ReadReply::default()
        })
    }

    /// `len` bytes of the version that is known, which has them.
    pub(crate) async fn read_block(
        &self,
        key: &Key,
        offset: u64,
        len: u64,
        known: &ReadReply,
        span: &Span,
    ) -> Result<Buffer> {
        let memory = self.take_part(len)?;
        let part = self.read_part(key, offset, memory, known, span.clone());
        Ok(part.await?.0.freeze())
    }

    /// Fills `memory` from `offset` on as far as the object goes, and gives back what is filled, and the answer that tells
    /// size and etag: `known`, where it was given.
    ///
    /// # Errors
    /// As [`Self::read`]; `Precondition` if the object is not the `known` one any more.
    pub(crate) async fn read_at(
        &self,
        key: &Key,
        offset: u64,
        mut memory: IoBufMut,
        known: Option<ReadReply>,
        span: &Span,
    ) -> Result<(IoBufMut, ReadReply)> {
        let window = match known {
            Some(_) => 0,
            None => usize::try_from(self.part_size)
                .unwrap_or(usize::MAX)
                .min(memory.len()),
        };
        let mut rest = memory.split_off(window);
        let known = match known {
            Some(known) => known,
            None => {
                let range = ByteRange::Bounded {
                    offset,
                    len: window as u64,
                };
                let first = First {
                    key: key.clone(),
                    range,
                    etag: None,
                    algorithm: None,
                    into: Destination::Fill(memory),
                    span: span.clone(),
                };
                match self.first(first).await {
                    Ok((head, reply)) => {
                        memory = head;
                        memory.truncate(reply.filled);
                        reply
                    }
                    Err(error) if error.code() == Some("InvalidRange") => {
                        rest.truncate(0);
                        return Ok((rest, self.ask(key).await?));
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let next = offset + memory.len() as u64;
        rest.truncate(usize::try_from(known.size.saturating_sub(next)).unwrap_or(usize::MAX));
        if memory.len() == window {
            for (part, _) in self
                .read_parts(key, self.cut(next, rest), &known, span)
                .await?
            {
                memory = memory.unsplit(part);
            }
        }
        Ok((memory, known))
    }
}
