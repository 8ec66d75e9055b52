//! Signed chunks: the SDK signs each chunk of a streamed body, in a chain that starts with the request's signature. The
//! endpoint replaces that signature, which invalidates the chain, so chunk signatures are removed; sizes and trailing
//! checksums stay (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>).

use bytes::Bytes;

/// Turns signed chunks into unsigned ones, incrementally as the body arrives.
#[derive(Debug)]
pub(super) struct Unsigned {
    expected: Expected,
    /// The beginning of a line whose end has not arrived yet.
    line: Vec<u8>,
}

/// The part of the body that comes next.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A line with a chunk's size and signature.
    Size,
    /// This many remaining bytes of a chunk, its line end included.
    Data(usize),
    /// Lines after the last chunk.
    Trailer,
}

/// The longest line in bytes: a trailing header's name with a checksum or a signature.
const MAX_LINE_LENGTH: usize = 4096;

impl Default for Unsigned {
    fn default() -> Self {
        Self { expected: Expected::Size, line: Vec::new() }
    }
}

impl Unsigned {
    /// Converts a piece of the body. A malformed body stays malformed, so that the S3 implementation rejects it.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(piece.len());
        let mut rest = piece;
        while !rest.is_empty() {
            if let Expected::Data(left) = self.expected {
                let (data, after) = rest.split_at(left.min(rest.len()));
                out.extend_from_slice(data);
                rest = after;
                let left = left - data.len();
                self.expected = if left == 0 { Expected::Size } else { Expected::Data(left) };
                continue;
            }
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (start_of_line, after) = rest.split_at(end);
            self.line.extend_from_slice(start_of_line);
            rest = after;
            if self.line.ends_with(b"\n") || self.line.len() > MAX_LINE_LENGTH {
                let line = std::mem::take(&mut self.line);
                self.line_ended(&line, &mut out);
            }
        }
        Bytes::from(out)
    }

    fn line_ended(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if matches!(self.expected, Expected::Trailer) {
            if !line.starts_with(b"x-amz-trailer-signature:") {
                out.extend_from_slice(line);
            }
            return;
        }
        let line = String::from_utf8_lossy(line);
        let size = line.split([';', '\r', '\n']).next().unwrap_or_default();
        out.extend_from_slice(size.as_bytes());
        out.extend_from_slice(b"\r\n");
        self.expected = match usize::from_str_radix(size, 16) {
            Ok(0) | Err(_) => Expected::Trailer,
            Ok(size) => Expected::Data(size.saturating_add(2)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_go_and_everything_else_stays_however_the_body_is_cut() {
        let signed = b"5;chunk-signature=aa\r\na\r\nbc\r\n3;chunk-signature=bb\r\nxyz\r\n0;chunk-signature=cc\r\n\
                       x-amz-checksum-crc32:AAAA\r\nx-amz-trailer-signature:dd\r\n\r\n";
        let unsigned = b"5\r\na\r\nbc\r\n3\r\nxyz\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        for size in 1..signed.len() {
            let mut chain = Unsigned::default();
            let passed: Vec<u8> = signed.chunks(size).flat_map(|piece| chain.feed(piece)).collect();
            assert_eq!(String::from_utf8_lossy(&passed), String::from_utf8_lossy(unsigned), "pieces of {size}");
        }
    }
}
