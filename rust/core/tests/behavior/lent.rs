//! Memory of the caller, as a destination.

use std::ptr::NonNull;

use s3dlio::IoBufMut;
use tokio::sync::oneshot;

/// A vector that a read fills, looked at when the read has let go of it.
pub struct Lent {
    memory: Vec<u8>,
    released: oneshot::Receiver<()>,
}

#[expect(unsafe_code, reason = "lends a vector as the destination")]
pub fn lend(len: usize) -> (IoBufMut, Lent) {
    let mut memory = vec![0; len];
    let ptr = NonNull::new(memory.as_mut_ptr()).unwrap();
    let (owner, released) = oneshot::channel::<()>();
    // SAFETY: `Lent` keeps the vector, and gives it out only when every piece is gone.
    let piece = unsafe { IoBufMut::foreign(ptr, len, Box::new(owner)) };
    (piece, Lent { memory, released })
}

impl Lent {
    pub async fn back(self) -> Vec<u8> {
        let Lent { memory, released } = self;
        released.await.unwrap_err();
        memory
    }
}
