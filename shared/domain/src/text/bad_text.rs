//! Why a text is not accepted.

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It is shorter than its minimum.
    #[error("must not be empty")]
    Empty,
    /// It is longer than this maximum, in characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It has control characters. Line breaks and tabs are allowed in types of several lines only.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// It has characters that are not shown but change how the text beside them is shown, or that are none.
    #[error("must not contain characters that turn the direction of writing, or that are no characters")]
    Hidden,
    /// It does not have the form of its type, such as an e-mail address. The text says what is required.
    #[error("{0}")]
    Form(&'static str),
}
