//! Apostrophes: the same characters are parts of words and quotation marks.

/// Whether a character is one of those that are typed for the modifier of `o‘` and `g‘` and for the hard sign.
pub(super) fn is_apostrophe(character: char) -> bool {
    matches!(character, '‘' | '’' | 'ʻ' | 'ʼ' | '\'' | '`')
}

/// Whether single quotation marks are open at a place in a text.
#[derive(Default)]
pub(super) struct Quotation {
    is_open: bool,
}

impl Quotation {
    /// Notes a character that belongs to no word.
    pub(super) fn pass(&mut self, character: char) {
        match character {
            '‘' => self.is_open = true,
            '’' => self.is_open = false,
            '\'' => self.is_open = !self.is_open,
            _ => {}
        }
    }

    /// Whether this character at the end of a word is a closing quotation mark.
    pub(super) fn is_closed_by(&self, character: char) -> bool {
        self.is_open && matches!(character, '’' | '\'')
    }
}
