//! [`Line`], the one switch by which every request to sources, feeds and signals can be kept from leaving.
//! What is served meanwhile is the server's business.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The line to the outside, which can be cut and restored. Clones are the same line.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<AtomicBool>);

impl Line {
    /// Lets no request leave from now on. What is under way ends.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Lets requests leave again.
    pub fn restore(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether no request may leave.
    pub fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
