//! The character encoding of a file: recognised by its bytes, and decoded to UTF-8. Spreadsheets save CSV files in what
//! their country used before Unicode, or in UTF-16.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The bytes at the start of a file in which UTF-16 without a mark is looked for.
const HEAD: usize = 4_096;
/// Valid sequences of UTF-8 for each invalid byte from which on a file is UTF-8 with some damage.
const SOUND: u64 = 10;

/// Recognises the encoding of a file that is fed to it in chunks.
pub struct EncodingGuess {
    head: Vec<u8>,
    detector: EncodingDetector,
    /// The end of the last chunk, which may be the beginning of a character.
    rest: Vec<u8>,
    valid: u64,
    invalid: u64,
}

impl std::fmt::Debug for EncodingGuess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = (self.valid, self.invalid);
        formatter.debug_struct("EncodingGuess").field("counts", &counts).finish_non_exhaustive()
    }
}

impl Default for EncodingGuess {
    fn default() -> Self {
        let detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        Self { head: Vec::new(), detector, rest: Vec::new(), valid: 0, invalid: 0 }
    }
}

impl EncodingGuess {
    /// Looks at the next chunk.
    pub fn feed(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.detector.feed(bytes, false);
        let mut text = std::mem::take(&mut self.rest);
        text.extend_from_slice(bytes);
        for chunk in text.utf8_chunks() {
            let sequences = chunk.valid().chars().filter(|character| !character.is_ascii()).count();
            self.valid = self.valid.saturating_add(u64::try_from(sequences).unwrap_or(u64::MAX));
            self.invalid = self.invalid.saturating_add(u64::from(!chunk.invalid().is_empty()));
        }
        // A character that is cut by the end of the chunk is looked at again with the next one.
        let cut = text.utf8_chunks().last().map_or(0, |last| last.invalid().len());
        if (1..4).contains(&cut) {
            self.invalid = self.invalid.saturating_sub(1);
            self.rest = text.split_off(text.len().saturating_sub(cut));
        }
    }

    /// The name of the encoding, as <https://encoding.spec.whatwg.org/> has it; nothing for UTF-8.
    pub fn finish(mut self) -> Option<&'static str> {
        let marks = [(&[0xff, 0xfe][..], UTF_16LE), (&[0xfe, 0xff], UTF_16BE)];
        let marked = marks.into_iter().find(|(mark, _)| self.head.starts_with(mark)).map(|(_, encoding)| encoding);
        if let Some(wide) = marked.or_else(|| unmarked_utf_16(&self.head)) {
            return Some(wide.name());
        }
        let damaged = self.invalid.saturating_add(u64::from(!self.rest.is_empty()));
        if damaged.saturating_mul(SOUND) <= self.valid {
            return None;
        }
        self.detector.feed(&[], true);
        let guessed = self.detector.guess(None, Utf8Detection::Deny);
        (guessed != UTF_8).then(|| guessed.name())
    }
}

/// UTF-16 of mostly Latin text has a zero in every second byte.
fn unmarked_utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    // Other files have no zeros at all.
    match half {
        0..8 => None,
        _ if odd * 10 > half * 4 && even * 50 < half => Some(UTF_16LE),
        _ if even * 10 > half * 4 && odd * 50 < half => Some(UTF_16BE),
        _ => None,
    }
}

/// Decodes a file that is fed to it in chunks.
pub struct Transcoder(Decoder);

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Transcoder").field(&self.0.encoding().name()).finish()
    }
}

impl Transcoder {
    /// A transcoder from the encoding with this name; nothing for one that is not known.
    pub fn new(name: &str) -> Option<Self> {
        Some(Self(Encoding::for_label(name.as_bytes())?.new_decoder_with_bom_removal()))
    }

    /// The name of the encoding.
    pub fn name(&self) -> &'static str {
        self.0.encoding().name()
    }

    /// The next chunk in UTF-8. What cannot be decoded becomes U+FFFD.
    pub fn decode(&mut self, bytes: &[u8], is_last: bool) -> Vec<u8> {
        let mut decoded = String::new();
        let mut read = 0;
        loop {
            let rest = bytes.get(read..).unwrap_or_default();
            decoded.reserve(self.0.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len()));
            let (result, more, _) = self.0.decode_to_string(rest, &mut decoded, is_last);
            read += more;
            if result == CoderResult::InputEmpty {
                return decoded.into_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Handle,Title,Variant Price\nkosa,Коса расписная ручной работы,9\nlagan,Блюдо большое синее,12\n";
    const CHINESE: &str = "Handle,Title,Variant Price\nhu,紫砂茶壶手工制作,9\nbei,青花瓷茶杯套装,12\n";

    fn guess(bytes: &[u8], size: usize) -> Option<&'static str> {
        let mut guess = EncodingGuess::default();
        bytes.chunks(size).for_each(|chunk| guess.feed(chunk));
        guess.finish()
    }

    fn encoded(text: &str, name: &str) -> Vec<u8> {
        Encoding::for_label(name.as_bytes()).unwrap().encode(text).0.into_owned()
    }

    fn wide(text: &str, mark: &[u8], bytes_of: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.iter().copied().chain(text.encode_utf16().flat_map(bytes_of)).collect()
    }

    #[test]
    fn encodings_of_spreadsheets_are_recognised_and_decoded_in_chunks_of_any_size() {
        let files = [
            (encoded(TEXT, "windows-1251"), "windows-1251", TEXT),
            (encoded(CHINESE, "gbk"), "GBK", CHINESE),
            (wide(TEXT, &[0xff, 0xfe], u16::to_le_bytes), "UTF-16LE", TEXT),
            (wide(TEXT, &[0xfe, 0xff], u16::to_be_bytes), "UTF-16BE", TEXT),
            (wide("Handle,Title,Variant Price\nbowl,Bowl,9\n", &[], u16::to_le_bytes), "UTF-16LE", ""),
        ];
        for (file, name, text) in files {
            for size in [1, 7, 1_000] {
                assert_eq!(guess(&file, size), Some(name));
                let mut transcoder = Transcoder::new(name).unwrap();
                let mut read: Vec<u8> = file.chunks(size).flat_map(|chunk| transcoder.decode(chunk, false)).collect();
                read.extend(transcoder.decode(&[], true));
                assert!(text.is_empty() || String::from_utf8(read).unwrap() == text, "{name}");
            }
        }
        assert!(Transcoder::new("klingon").is_none());
    }

    #[test]
    fn utf_8_stays_utf_8_also_with_some_damage() {
        let mut damaged = TEXT.repeat(3).into_bytes();
        damaged.insert(40, 0xe9);
        for file in [TEXT.as_bytes(), CHINESE.as_bytes(), b"plain", b"", &damaged, "\u{feff}Коса".as_bytes()] {
            for size in [1, 2, 3, 1_000] {
                assert_eq!(guess(file, size), None, "{}", String::from_utf8_lossy(file));
            }
        }
    }
}
