//! What a file is, by what is in it.

/// So much of the beginning is looked at: in it a camera has said how large its image is.
pub const ENOUGH: usize = 1024 * 1024;

/// With so much one can tell what it is.
pub const LEAST: usize = 8;

/// What may be attached. Nothing that a browser runs, and nothing that is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
    Pdf,
}

impl Kind {
    pub fn of(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', ..] => Some(Self::Pdf),
            _ => None,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    /// How many pixels its image says that it has, which is what it takes to show it. What does not say is no image; a document has none.
    pub fn pixels(self, beginning: &[u8]) -> Option<u64> {
        match self {
            Self::Png => {
                let side = |at: usize| Some(u64::from(u32::from_be_bytes(beginning.get(at..at + 4)?.try_into().ok()?)));
                Some(side(16)?.saturating_mul(side(20)?))
            }
            Self::Jpeg => jpeg_pixels(beginning),
            Self::Pdf => Some(0),
        }
    }
}

/// From segment to segment until the one that has the frame's size.
fn jpeg_pixels(bytes: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            // Filling.
            0xff => at += 1,
            // Frames, but for three that are tables.
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => return Some((number(at + 5)? * number(at + 7)?) as u64),
            _ => at += 2 + number(at + 2)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_says_what_it_is() {
        assert_eq!(Kind::of(b"%PDF-1.7\n"), Some(Kind::Pdf));
        assert_eq!(Kind::of(b"\x89PNG\r\n\x1a\n"), Some(Kind::Png));
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe0"), Some(Kind::Jpeg));
        for other in [&b"<script>alert(1)</script>"[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"<svg xmlns=", b"GIF89a", b"MZ\x90", b"%PDF", b""]
        {
            assert_eq!(Kind::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_image_says_how_large_it_is() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &50_000_u32.to_be_bytes(), &40_000_u32.to_be_bytes()].concat();
        assert_eq!(Kind::Png.pixels(&png), Some(2_000_000_000));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x0b\x08\x0c\x00\x10\x00\x01";
        assert_eq!(Kind::Jpeg.pixels(jpeg), Some(0x0c00 * 0x1000));
        assert_eq!(Kind::Jpeg.pixels(&jpeg[..12]), None);
    }
}
