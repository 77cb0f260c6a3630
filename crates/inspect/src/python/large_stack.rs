//! [`on_large_stack`]: work on a thread whose stack is large enough for the deepest tree that is walked.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

use super::source::Budget;

/// Says that the thread at hand has the stack that the budget asks for.
pub(crate) struct LargeStack(());

/// Does `work` on a thread with the stack that `budget` asks for. Where there can be none, the work is done
/// at once, and told why. Blocks.
pub(crate) fn on_large_stack<T: Send>(
    budget: &Budget,
    work: impl FnOnce(Result<&LargeStack, &str>) -> T + Send,
) -> T {
    let waiting = Mutex::new(Some(work));
    let take = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .take()
            .expect("the work is taken once: by the thread, or where there is none")
    };
    scope(|scope| {
        let thread = Builder::new()
            .name("python-analysis".to_owned())
            .stack_size(budget.stack_bytes)
            .spawn_scoped(scope, || take()(Ok(&LargeStack(()))));
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => take()(Err(&format!("no thread for the analysis: {error}"))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_even_where_there_is_no_such_thread() {
        let name = |budget: &Budget| {
            on_large_stack(budget, |stack| {
                let name = std::thread::current().name().map(str::to_owned);
                (name, stack.map(|_| ()).map_err(str::to_owned))
            })
        };
        let (own, stack) = name(&Budget::default());
        assert_eq!((own.as_deref(), stack), (Some("python-analysis"), Ok(())));
        let (own, stack) = name(&Budget {
            stack_bytes: 1 << 60,
            ..Budget::default()
        });
        assert_ne!(own.as_deref(), Some("python-analysis"));
        assert!(stack.is_err_and(|why| why.starts_with("no thread for the analysis")));
    }
}
