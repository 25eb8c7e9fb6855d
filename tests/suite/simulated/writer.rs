//! Writes lists and signed files, good or bad, from the formats' description alone; the signature is always made last, so that
//! what is bad is what was meant to be.

use std::sync::Arc;

use super::key::Key;

pub const SAST: u16 = 0;
pub const CCM_TFTP: u16 = 2;
pub const TFTP: u16 = 3;
pub const CAPF: u16 = 4;
pub const TVS: u16 = 21;

/// One element of a header; a container's value is what follows it.
#[derive(Clone, Debug)]
pub struct Piece {
    pub tag: u8,
    pub length: usize,
    pub value: Vec<u8>,
}

/// A list or file to be written.
#[derive(Clone)]
pub struct Draft {
    pub signer: Arc<Key>,
    pub digest: u8,
    pub pieces: Vec<Piece>,
    pub body: Vec<u8>,
    /// In place of the true one.
    pub header_length: Option<usize>,
}

/// An element with its true length.
pub fn piece(tag: u8, value: &[u8]) -> Piece {
    Piece { tag, length: value.len(), value: value.to_vec() }
}

/// A container of this length.
pub fn container(tag: u8, length: usize) -> Piece {
    Piece { tag, length, value: Vec::new() }
}

pub fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

impl Draft {
    /// A list of this file name with these certificates in their roles.
    pub fn list(name: &str, signer: &Arc<Key>, entries: &[(u16, &Arc<Key>)]) -> Self {
        let body = entries.iter().flat_map(|(role, key)| record(*role, key)).collect();
        Self { body, ..Self::new([1, 2], name, signer, 3) }
    }

    /// A signed file.
    pub fn file(name: &str, signer: &Arc<Key>, content: &[u8]) -> Self {
        Self { body: content.to_vec(), ..Self::new([1, 0], name, signer, 3) }
    }

    /// The header that both have.
    pub fn new(version: [u8; 2], name: &str, signer: &Arc<Key>, digest: u8) -> Self {
        let of_signer =
            [piece(4, &text(&signer.name)), piece(6, &text(&signer.name)), piece(5, &signer.serial)];
        let names = of_signer.iter().map(|piece| 3 + piece.length).sum();
        let mut pieces = vec![piece(1, &version), piece(2, &[0, 0]), container(3, names)];
        pieces.extend(of_signer);
        pieces.extend([container(7, 15), piece(8, &[digest]), container(9, 8)]);
        pieces.extend([piece(10, &[0]), piece(11, &[signer.modulus()])]);
        pieces.push(piece(12, &vec![0; signer.sign_len()]));
        pieces.extend([piece(14, &text(name)), piece(15, &[0x6b, 0x49, 0xd2, 0])]);
        Self { signer: Arc::clone(signer), digest, pieces, body: Vec::new(), header_length: None }
    }

    /// The same with another element of this tag.
    pub fn put(mut self, tag: u8, value: &[u8]) -> Self {
        *self.piece(tag) = piece(tag, value);
        self
    }

    /// The same with another length told.
    pub fn lie(mut self, tag: u8, more: isize) -> Self {
        let piece = self.piece(tag);
        piece.length = piece.length.checked_add_signed(more).unwrap();
        self
    }

    /// The same with one element more, at the end of the header.
    pub fn with(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// The same with one element more, in this place.
    pub fn with_at(mut self, place: usize, piece: Piece) -> Self {
        self.pieces.insert(place, piece);
        self
    }

    /// The same with these two elements each in the other's place.
    pub fn swapped(mut self, one: u8, other: u8) -> Self {
        let place = |tag| self.pieces.iter().position(|piece| piece.tag == tag).unwrap();
        let (one, other) = (place(one), place(other));
        self.pieces.swap(one, other);
        self
    }

    /// The same with other records.
    pub fn of(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    fn piece(&mut self, tag: u8) -> &mut Piece {
        self.pieces.iter_mut().find(|piece| piece.tag == tag).unwrap()
    }

    /// The file.
    pub fn bytes(mut self) -> Vec<u8> {
        let bare: usize = self.pieces.iter().map(|piece| 3 + piece.value.len()).sum();
        let length = self.header_length.unwrap_or(bare.next_multiple_of(4));
        self.piece(2).value = u16::try_from(length).unwrap().to_be_bytes().to_vec();
        let tail = [vec![13; bare.next_multiple_of(4) - bare], self.body.clone()].concat();
        let unsigned = written(self.pieces.iter().filter(|piece| piece.tag != 12));
        let signature = self.signer.sign(self.digest, &[unsigned, tail.clone()].concat());
        if let Some(place) = self.pieces.iter_mut().find(|piece| piece.tag == 12) {
            place.value = signature;
        }
        let head = written(self.pieces.iter());
        [head, tail].concat()
    }
}

fn written<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Vec<u8> {
    let one = |piece: &Piece| {
        let length = u16::try_from(piece.length).unwrap().to_be_bytes();
        [&[piece.tag], &length[..], &piece.value].concat()
    };
    pieces.flat_map(one).collect()
}

/// A record with its certificate.
pub fn record(role: u16, key: &Key) -> Vec<u8> {
    with_length(&[described(role, key), element(9, &key.der)].concat())
}

/// A record with the hash of its certificate in place of it.
pub fn hashed_record(role: u16, key: &Key) -> Vec<u8> {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(&key.der);
    with_length(&[described(role, key), element(11, &hash), element(12, &[2])].concat())
}

/// What stands in every record.
pub fn described(role: u16, key: &Key) -> Vec<u8> {
    [
        element(2, &text("")),
        element(3, &text(&key.name)),
        element(5, &text(&key.name)),
        element(6, &key.serial),
        element(4, &role.to_be_bytes()),
        element(7, &key.public),
        element(8, &key.signature),
    ]
    .concat()
}

/// A record of these elements.
pub fn with_length(elements: &[u8]) -> Vec<u8> {
    [element(1, &u16::try_from(5 + elements.len()).unwrap().to_be_bytes()), elements.to_vec()].concat()
}
