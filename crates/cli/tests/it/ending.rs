//! [`Ending`]: a thread of a test that panics must not leave the others going.

use std::sync::atomic::{AtomicBool, Ordering};

/// Says that it is over when it is dropped.
pub(crate) struct Ending<'t>(pub(crate) &'t AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
