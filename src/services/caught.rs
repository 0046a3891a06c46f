//! A library that panics over a server's answer ends one request, not the work.

use std::{
    any::Any,
    cell::Cell,
    future::{Future, poll_fn},
    panic::{self, AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Once,
    task::Poll,
};

thread_local! {
    /// This thread polls a request whose panic becomes a message.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Awaits a request; a panic in it is given back as its text, and printed nowhere.
///
/// # Errors
/// The text of the panic.
pub(super) async fn caught<F: Future>(request: F) -> Result<F::Output, String> {
    hook();
    let mut request = pin!(request);
    poll_fn(move |cx| {
        WITHIN.set(true);
        // What broke is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(cx)));
        WITHIN.set(false);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Err(panic) => Poll::Ready(Err(text(panic.as_ref()))),
        }
    })
    .await
}

fn hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WITHIN.get() {
                before(info);
            }
        }));
    });
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_given_back_as_text() {
        let broken = caught(async {
            tokio::task::yield_now().await;
            assert_eq!(1, "12".len(), "out of range");
        });
        assert!(broken.await.is_err_and(|text| text.contains("out of range")));
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }
}
