use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Go's names of the architectures of node images.
pub const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// The kind of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit little-endian ELF file for an architecture with this name in Go.
    Executable(&'static str),
    /// An ELF file for another architecture.
    OtherMachine,
    NotElf,
}

/// Determines the kind of a file from its header.
///
/// Source: the ELF header of the System V ABI, `e_ident` and `e_machine`.
pub fn kind(path: &Path) -> io::Result<Kind> {
    let mut head = Vec::with_capacity(20);
    File::open(path)?.take(20).read_to_end(&mut head)?;
    Ok(kind_of_head(&head))
}

fn kind_of_head(head: &[u8]) -> Kind {
    let Some((b"\x7fELF", rest)) = head.split_at_checked(4) else {
        return Kind::NotElf;
    };
    match rest {
        // 64-bit, little-endian; e_machine is at offset 18 of the file.
        [2, 1, ..] if rest.len() >= 16 => match u16::from_le_bytes([rest[14], rest[15]]) {
            62 => Kind::Executable("amd64"),
            183 => Kind::Executable("arm64"),
            _ => Kind::OtherMachine,
        },
        _ => Kind::OtherMachine,
    }
}

/// The header of an ELF file for tests.
#[cfg(test)]
pub fn head_for(architecture: &str) -> Vec<u8> {
    let machine: u16 = if architecture == "amd64" { 62 } else { 183 };
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(18, 0);
    head.extend(machine.to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distinguishes_architectures() {
        assert_eq!(kind_of_head(&head_for("amd64")), Kind::Executable("amd64"));
        assert_eq!(kind_of_head(&head_for("arm64")), Kind::Executable("arm64"));
        assert_eq!(kind_of_head(b"#!/bin/sh"), Kind::NotElf);
        assert_eq!(kind_of_head(b"\x7fELF\x01\x01"), Kind::OtherMachine);
        assert_eq!(kind_of_head(b""), Kind::NotElf);
    }

    proptest! {
        #[test]
        fn accepts_any_header(head in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = kind_of_head(&head);
        }
    }
}
