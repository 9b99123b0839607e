//! A font for tests: it has widths and heights, but no outlines.

use std::ops::RangeInclusive;

/// A font of 1,000 units per em.
pub(crate) struct TestFont {
    /// Ascender, descender and line gap, for systems that don't know the other ones.
    pub(crate) hhea: [i16; 3],
    /// Ascender, descender and line gap in the table `OS/2`.
    pub(crate) typo: [i16; 3],
    /// Whether those in `OS/2` count.
    pub(crate) use_typo_metrics: bool,
    /// The letters that it has, besides the space.
    pub(crate) letters: RangeInclusive<char>,
    /// The width of a character.
    pub(crate) width: fn(char) -> u16,
    pub(crate) is_hmtx_transformed: bool,
    /// Whether it has axes of variation, but no table of their widths.
    pub(crate) is_variable: bool,
    /// A table that is missing.
    pub(crate) without: Option<&'static [u8; 4]>,
    /// The length of the last table in the directory, if it is not the actual one.
    pub(crate) declared_length: Option<u32>,
}

impl Default for TestFont {
    fn default() -> Self {
        Self {
            hhea: [950, -250, 0],
            typo: [750, -250, 0],
            use_typo_metrics: false,
            letters: 'a'..='z',
            width: |_| 500,
            is_hmtx_transformed: false,
            is_variable: false,
            without: None,
            declared_length: None,
        }
    }
}

/// The offset of numbers in a table, and their values.
type Fields<'a> = &'a [(usize, &'a [i16])];

fn table(length: usize, fields: Fields) -> Vec<u8> {
    let mut table = vec![0; length];
    for (offset, values) in fields {
        for (index, value) in values.iter().enumerate() {
            let start = offset + 2 * index;
            table[start..start + 2].copy_from_slice(&value.to_be_bytes());
        }
    }
    table
}

impl TestFont {
    /// The characters of the glyphs after the first one, which stands for all other characters.
    fn characters(&self) -> Vec<char> {
        [' '].into_iter().chain(self.letters.clone()).collect()
    }

    fn tables(&self) -> Vec<([u8; 4], Vec<u8>)> {
        let characters = self.characters();
        let count = i16::try_from(characters.len() + 1).expect("a small number");
        let widths = [0].into_iter().chain(characters.iter().map(|letter| (self.width)(*letter)));
        let hmtx = if self.is_hmtx_transformed {
            [3].into_iter().chain(widths.flat_map(u16::to_be_bytes)).collect()
        } else {
            widths.flat_map(|width| [width.to_be_bytes(), [0; 2]].concat()).collect()
        };
        let selection = if self.use_typo_metrics { 1 << 7 } else { 0 };
        // Format 12 (OpenType, cmap): groups of characters.
        let mut cmap = table(12, &[(2, &[1, 3, 10])]);
        cmap[11] = 12;
        cmap.extend([0, 12, 0, 0]);
        let length = 16 + 12 * characters.len();
        for number in [length, 0, characters.len()] {
            cmap.extend(u32::try_from(number).expect("a small number").to_be_bytes());
        }
        for (glyph, character) in (1_u32..).zip(characters) {
            for number in [u32::from(character), u32::from(character), glyph] {
                cmap.extend(number.to_be_bytes());
            }
        }
        let mut tables = vec![
            (*b"cmap", cmap),
            // As they are, which is not the default for these two.
            (*b"glyf", vec![1, 2, 3]),
            (*b"loca", vec![4]),
            (*b"head", table(54, &[(18, &[1000])])),
            (*b"hhea", table(36, &[(0, &[1]), (4, &self.hhea), (34, &[count])])),
            (*b"hmtx", hmtx),
            (*b"maxp", table(6, &[(0, &[0, 0x5000, count])])),
            (*b"OS/2", table(96, &[(0, &[4]), (62, &[selection]), (68, &self.typo)])),
        ];
        if self.is_variable {
            tables.insert(0, (*b"fvar", vec![0; 16]));
        }
        tables.retain(|(tag, _)| self.without.is_none_or(|without| without != tag));
        tables
    }

    /// Returns the compressed tables: a stream without compression (RFC 7932, 9.2).
    pub(crate) fn compressed(&self) -> Vec<u8> {
        let data: Vec<u8> = self.tables().into_iter().flat_map(|(_, table)| table).collect();
        let length = u32::try_from(data.len()).expect("a small number");
        let head = ((length - 1) << 4 | 1 << 20).to_le_bytes();
        [&head[..3], &data, &[3]].concat()
    }

    /// Returns the font in the format WOFF2.
    pub(crate) fn to_woff2(&self) -> Vec<u8> {
        let tables = self.tables();
        let last = tables.len() - 1;
        let mut directory = Vec::new();
        for (index, (tag, table)) in tables.iter().enumerate() {
            let is_transformed = self.is_hmtx_transformed && tag == b"hmtx";
            // The last one is stored with its index, and the others with their tags.
            if index == last {
                directory.push(6);
            } else {
                let version = match tag {
                    b"glyf" | b"loca" => 3,
                    _ => u8::from(is_transformed),
                };
                directory.push(63 | version << 6);
                directory.extend(tag);
            }
            let length = u32::try_from(table.len()).expect("a small number");
            let declared = self.declared_length.filter(|_| index == last).unwrap_or(length);
            directory.extend(base128(declared));
            if is_transformed {
                directory.extend(base128(length));
            }
        }
        let compressed = self.compressed();
        let size = u32::try_from(48 + directory.len() + compressed.len()).expect("a small number");
        let compressed_size = u32::try_from(compressed.len()).expect("a small number");
        let count = u16::try_from(tables.len()).expect("a small number");
        let mut file = b"wOF2\0\x01\0\0".to_vec();
        file.extend(size.to_be_bytes());
        file.extend(count.to_be_bytes());
        file.extend([0; 6]);
        file.extend(compressed_size.to_be_bytes());
        file.extend([0; 24]);
        file.extend(directory);
        file.extend(compressed);
        file
    }
}

/// Encodes a number in the variable length of WOFF2.
fn base128(number: u32) -> Vec<u8> {
    let groups: Vec<_> = (0..5).rev().map(|group| (number >> (7 * group)) & 127).collect();
    let start = groups.iter().position(|group| *group != 0).unwrap_or(4);
    let last = groups.len() - 1;
    (start..=last)
        .map(|index| {
            let more = if index == last { 0 } else { 128 };
            u8::try_from(groups[index] | more).unwrap_or_default()
        })
        .collect()
}
