//! Sizes as people type them.

/// `512MiB` and the like, in bytes.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("it must be a number of B, KiB, MiB or GiB".to_owned()),
    };
    let number: usize = number.parse().map_err(|_| "it must begin with a whole number".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "it is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        let sizes = [("7", 7), ("7B", 7), ("2KiB", 2_048), ("512MiB", 512 << 20), ("1GiB", 1 << 30)];
        for (text, size) in sizes {
            assert_eq!(bytes(text), Ok(size));
        }
        for text in ["", "MiB", "1.5GiB", "-1", "7MB", "7 MiB", "99999999999999999999", "99999999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
