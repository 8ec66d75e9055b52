//! What lets stored items outlive the code: functions are replaced one by one, so an older release reads and changes
//! what a newer one has written.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// The name under which a deserializer of stored items offers an enum's value that this release does not know. An enum
/// that can be shown with such a value has a variant that is read from this name and written as `other`. Requests are
/// read by a deserializer that refuses the name.
pub const UNKNOWN_VALUE: &str = "\u{0}other";

/// What a stored item held when it was read, so that a write can give back what this release does not know. Opaque to
/// everybody but the reader of the table. Equal to any other: it is no content.
#[derive(Clone, Default)]
pub struct Kept(Option<Arc<dyn Any + Send + Sync>>);

impl Kept {
    /// Nothing: of a new item.
    pub const NOTHING: Self = Self(None);

    pub fn new(original: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(original)))
    }

    /// What was kept; nothing for a new item.
    pub fn original<T: Any>(&self) -> Option<&T> {
        self.0.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kept")
    }
}

impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Kept {}

thread_local! {
    static UNJUDGED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read`, in which texts are deserialized as they were stored: an earlier or a later release has judged them by
/// its own rules, and what was accepted once can always be read. A deserializer hides itself from what it is nested in,
/// in serde's buffers and conversions, so the texts cannot ask it.
pub fn unjudged<T>(read: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            UNJUDGED.set(self.0);
        }
    }
    let _reset = Reset(UNJUDGED.replace(true));
    read()
}

/// Whether texts are read as they were stored.
pub(crate) fn is_unjudged() -> bool {
    UNJUDGED.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Handle;

    #[test]
    fn texts_are_judged_again_as_soon_as_the_reading_has_ended_or_panicked() {
        let read = || serde_json::from_str::<Handle>("\"kosa-360º\"");
        assert!(read().is_err());
        assert_eq!(unjudged(read).unwrap().as_str(), "kosa-360º");
        assert!(read().is_err());
        let panicked = std::panic::catch_unwind(|| unjudged(|| -> () { panic!("while reading") }));
        assert!(panicked.is_err() && read().is_err());
    }
}
