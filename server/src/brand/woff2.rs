//! Reads the tables of a font in the format WOFF2 (W3C, WOFF File Format 2.0).
//!
//! Outlines are not restored: only the tables that state metrics are of interest, and of these only
//! `hmtx` can be transformed, in a way that keeps the widths.

use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc as Alloc,
};
use std::{collections::HashMap, ops::Range};

/// Maximum size of all tables of a font, in bytes.
const MAX_TABLES_BYTES: usize = 16 * 1024 * 1024;
/// The version of the format that begins a file with several fonts.
const COLLECTION: &[u8; 4] = b"ttcf";
/// Tags that may be stored as their index in the list of known tags (4.1). The other ones in that
/// list are of tables that nothing here reads.
const KNOWN_TAGS: [(u8, &[u8; 4]); 10] = [
    (0, b"cmap"),
    (1, b"head"),
    (2, b"hhea"),
    (3, b"hmtx"),
    (4, b"maxp"),
    (6, b"OS/2"),
    (10, b"glyf"),
    (11, b"loca"),
    (39, b"avar"),
    (47, b"fvar"),
];
/// The index that is followed by a tag.
const OTHER_TAG: u8 = 63;

/// The error for a file that is cut off or otherwise invalid.
const DAMAGED: &str = "names a damaged WOFF2 font";

/// The tables of a font.
pub(super) struct Tables {
    data: Vec<u8>,
    ranges: HashMap<[u8; 4], Range<usize>>,
    /// The horizontal metrics, if they were transformed.
    restored_hmtx: Option<Vec<u8>>,
}

impl Tables {
    /// Reads the tables of a file. The error continues a sentence that begins with a setting.
    pub(super) fn read(file: &[u8]) -> Result<Self, String> {
        if !file.starts_with(b"wOF2") {
            return Err("names a file that is not a WOFF2 font".to_owned());
        }
        if file.get(4..8) == Some(COLLECTION) {
            return Err("names a collection of fonts, and not a single font".to_owned());
        }
        let header = Header::read(file).ok_or(DAMAGED)?;
        let size: usize = header.entries.iter().map(|entry| entry.length).sum();
        if size > MAX_TABLES_BYTES {
            return Err(format!("names a font of more than {} MiB", MAX_TABLES_BYTES >> 20));
        }
        let data = decompress(header.compressed, size).ok_or(DAMAGED)?;
        let mut ranges = HashMap::new();
        let (mut start, mut is_hmtx_transformed) = (0, false);
        for Entry { tag, length, is_transformed } in header.entries {
            let range = start..start + length;
            start = range.end;
            match &tag {
                b"hmtx" => is_hmtx_transformed = is_transformed,
                // Unknown transformations. Nothing reads the other tables that have one.
                _ if is_transformed => continue,
                _ => {}
            }
            ranges.insert(tag, range);
        }
        let mut tables = Self { data, ranges, restored_hmtx: None };
        if is_hmtx_transformed {
            tables.restored_hmtx = Some(tables.restore_hmtx().ok_or(DAMAGED)?);
        }
        Ok(tables)
    }

    /// Returns a table.
    pub(super) fn get(&self, tag: [u8; 4]) -> Option<&[u8]> {
        if tag == *b"hmtx"
            && let Some(restored) = &self.restored_hmtx
        {
            return Some(restored);
        }
        self.data.get(self.ranges.get(&tag)?.clone())
    }

    /// Restores the widths of the horizontal metrics (5.4): after a byte of flags there are all
    /// widths. The side bearings that follow are not needed and become 0.
    fn restore_hmtx(&self) -> Option<Vec<u8>> {
        let count = usize::from(Reader(self.get(*b"hhea")?.get(34..)?).u16()?);
        let widths = self.get(*b"hmtx")?.get(1..=2 * count)?;
        Some(widths.chunks_exact(2).flat_map(|width| [width[0], width[1], 0, 0]).collect())
    }
}

/// The parts of a file before the compressed data (4), and that data.
struct Header<'a> {
    entries: Vec<Entry>,
    compressed: &'a [u8],
}

/// An entry of the table directory (4.1).
struct Entry {
    tag: [u8; 4],
    /// The length in the decompressed data.
    length: usize,
    is_transformed: bool,
}

impl<'a> Header<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(file.get(8..)?);
        if usize::try_from(reader.u32()?).ok()? != file.len() {
            return None;
        }
        let count = reader.u16()?;
        reader.take(6)?;
        let compressed_length = usize::try_from(reader.u32()?).ok()?;
        reader.take(24)?;
        let entries = (0..count).map(|_| Entry::read(&mut reader)).collect::<Option<Vec<_>>>()?;
        Some(Self { entries, compressed: reader.take(compressed_length)? })
    }
}

impl Entry {
    fn read(reader: &mut Reader) -> Option<Self> {
        let flags = reader.take(1)?[0];
        let (index, version) = (flags & 63, flags >> 6);
        let tag = if index == OTHER_TAG {
            reader.take(4)?.try_into().ok()?
        } else {
            // Tags of tables that nothing reads are not needed.
            KNOWN_TAGS.iter().find(|(known, _)| *known == index).map_or([0; 4], |(_, tag)| **tag)
        };
        // Outlines, and where each one begins, are transformed by default.
        let is_transformed = match &tag {
            b"glyf" | b"loca" => version == 0,
            _ => version != 0,
        };
        let mut length = reader.base128()?;
        if is_transformed {
            length = reader.base128()?;
        }
        Some(Self { tag, length: usize::try_from(length).ok()?, is_transformed })
    }
}

/// The rest of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Reads a number of variable length (4.1, `UIntBase128`).
    fn base128(&mut self) -> Option<u32> {
        let mut value: u32 = 0;
        for _ in 0..5 {
            let byte = self.take(1)?[0];
            value = value.checked_mul(128)? | u32::from(byte & 127);
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }
}

/// Returns the decompressed data, or `None` if it isn't valid or hasn't exactly this size.
fn decompress(compressed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut output = vec![0; size];
    // Without the extension for large windows, for which one byte could reserve a gigabyte.
    let mut state = BrotliState::new_strict(Alloc::default(), Alloc::default(), Alloc::default());
    let (mut available_in, mut consumed) = (compressed.len(), 0);
    let (mut available_out, mut written, mut total) = (size, 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut consumed,
        compressed,
        &mut available_out,
        &mut written,
        &mut output,
        &mut total,
        &mut state,
    );
    (matches!(result, BrotliResult::ResultSuccess) && written == size).then_some(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::{BrandFont, test_font::TestFont};
    use proptest::{collection::vec, prelude::*};

    fn error(file: &[u8]) -> String {
        Tables::read(file).err().expect("an error")
    }

    #[test]
    fn transformed_widths_are_restored() {
        let font = TestFont { width: |letter| letter as u16, ..TestFont::default() };
        let plain = Tables::read(&font.to_woff2()).expect("a font");
        let font = TestFont { is_hmtx_transformed: true, ..font };
        let restored = Tables::read(&font.to_woff2()).expect("a font");
        assert_eq!(restored.get(*b"hmtx"), plain.get(*b"hmtx"));
        assert_eq!(restored.get(*b"hhea"), plain.get(*b"hhea"));
        assert_eq!(restored.get(*b"glyf"), Some(&[1, 2, 3][..]));
        assert_eq!(restored.get(*b"GPOS"), None);
    }

    #[test]
    fn file_in_another_format_is_refused_with_the_reason() {
        assert!(error(b"").contains("not a WOFF2 font"));
        assert!(error(&[0; 1000]).contains("not a WOFF2 font"));
        assert!(error(b"wOFF\0\x01\0\0").contains("not a WOFF2 font"));
        assert!(error(b"wOF2ttcf").contains("collection"));
    }

    #[test]
    fn truncated_or_longer_file_is_refused() {
        let file = TestFont::default().to_woff2();
        for length in 8..file.len() {
            assert_eq!(error(&file[..length]), DAMAGED, "{length}");
            // With the length in its header.
            let mut shorter = file[..length].to_vec();
            if let Some(field) = shorter.get_mut(8..12) {
                field.copy_from_slice(&u32::try_from(length).expect("a length").to_be_bytes());
            }
            assert_eq!(error(&shorter), DAMAGED, "{length}");
        }
        assert_eq!(error(&[&file[..], b"\0"].concat()), DAMAGED);
        assert_eq!(error(&[&b"wOF2"[..], &[0; 1000]].concat()), DAMAGED);
    }

    #[test]
    fn memory_for_tables_is_bounded() {
        // 4 GiB in one table.
        let huge = TestFont { declared_length: Some(u32::MAX), ..TestFont::default() };
        assert!(error(&huge.to_woff2()).contains("16 MiB"));
        // The beginning of a stream with a window of up to 1 GiB.
        let mut large_window = TestFont::default().to_woff2();
        let start = large_window.len() - TestFont::default().compressed().len();
        large_window[start..start + 2].copy_from_slice(&[0x11, 0x3e]);
        assert_eq!(error(&large_window), DAMAGED);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..500)) {
            let _ = BrandFont::parse([&b"wOF2"[..], &bytes].concat().into());
        }

        #[test]
        fn any_damaged_font_is_read_without_panic(
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let mut file = TestFont::default().to_woff2();
            for (place, byte) in changes {
                *place.get_mut(&mut file[..]) = byte;
            }
            let _ = BrandFont::parse(file.into()).map(|font| font.to_css("/"));
        }
    }
}
