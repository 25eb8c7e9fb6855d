//! How each row of encrypted files is tried.

use std::sync::Arc;

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use md5::{Digest, Md5};
use sha2::Sha512;
use signet::phone::Boot;
use signet::phone::keys::KeyPair;

use super::file_rows::flipped;
use super::key::{Key, Sort, key, of};
use super::stand::{NAME, Stand, own};
use super::writer::{Draft, container, piece};

const CONTENT: &[u8] = b"<device><fullConfig>true</fullConfig></device>";

/// An encrypted file before it is put together.
struct Secret {
    /// Whose it is.
    to: Arc<Key>,
    key: Vec<u8>,
    iv: Vec<u8>,
    filler: u8,
    filled: u16,
    marks: [u8; 3],
    /// What its key's size is told to be.
    bits: u16,
    digest: u8,
    plain: Vec<u8>,
}

impl Secret {
    fn to(to: &Arc<Key>) -> Self {
        Self {
            to: Arc::clone(to),
            key: vec![0x42; 16],
            iv: vec![0x24; 16],
            filler: b'\r',
            filled: u16::try_from(16 - CONTENT.len() % 16).unwrap(),
            marks: [0, 0, 1],
            bits: 2048,
            digest: 3,
            plain: Sha512::digest(CONTENT).to_vec(),
        }
    }

    fn draft(self) -> Draft {
        let true_filled = 16 - CONTENT.len() % 16;
        let mut body = CONTENT.to_vec();
        body.resize(CONTENT.len() + true_filled, self.filler);
        let aes = UnboundCipherKey::new(&AES_128, &[0x42; 16]).and_then(EncryptingKey::cbc).unwrap();
        aes.less_safe_encrypt(&mut body, EncryptionContext::Iv128((&[0x24; 16]).into())).unwrap();
        let wrapped = self.wrapped();
        let info = [piece(18, &self.marks[..1]), piece(19, &self.iv), piece(20, &self.filled.to_be_bytes())];
        let keys = [
            piece(22, &self.marks[1..2]),
            piece(23, &self.bits.to_be_bytes()),
            piece(24, &self.marks[2..]),
            piece(25, &wrapped),
        ];
        let length =
            |pieces: &[super::writer::Piece]| pieces.iter().map(|piece| 3 + piece.length).sum::<usize>();
        let (of_iv, of_key) = (length(&info), length(&keys));
        let mut draft = Draft::new([2, 0], &format!("{NAME}.cnf.xml.enc.sgn"), &key("tftp"), 3);
        draft.pieces.extend([container(16, 6 + of_iv + of_key), container(17, of_iv)]);
        draft.pieces.extend(info);
        draft.pieces.push(container(21, of_key));
        draft.pieces.extend(keys);
        draft.pieces.extend([piece(26, &[self.digest]), piece(27, &self.plain)]);
        draft.of(body)
    }

    fn wrapped(&self) -> Vec<u8> {
        let pair = KeyPair::read(&self.to.pkcs8).unwrap();
        let public =
            Pkcs1PublicEncryptingKey::new(PublicEncryptingKey::from_der(pair.public()).unwrap()).unwrap();
        let mut wrapped = vec![0; public.ciphertext_size()];
        public.encrypt(&self.key, &mut wrapped).unwrap();
        wrapped
    }

    fn bytes(self) -> Vec<u8> {
        self.draft().bytes()
    }
}

/// The plain file that says whose key is needed.
fn companion(hash: &str) -> Vec<u8> {
    let text = format!(
        "<device><fullConfig>false</fullConfig><certHash>{hash}</certHash><encrConfig>true</encrConfig></device>"
    );
    Draft::file(&format!("{NAME}.cnf.xml.sgn"), &key("tftp"), text.as_bytes()).bytes()
}

fn hash(key: &Key) -> String {
    Md5::digest(&key.der).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn boot(stand: &mut Stand, encrypted: Option<Vec<u8>>, plain: Vec<u8>) -> Boot {
    if let Some(encrypted) = encrypted {
        stand.files.put(&format!("{NAME}.cnf.xml.enc.sgn"), encrypted);
    }
    stand.files.put(&format!("{NAME}.cnf.xml.sgn"), plain);
    stand.world.configuration = true;
    stand.boot().await
}

/// How the boots of a row went.
pub async fn attempt(id: &str) -> Vec<Boot> {
    let (lsc, mic, other) = (key("lsc"), key("mic"), key("other"));
    let ec = of("ec", Sort::P256);
    let mut stand = Stand::usual().await;
    (stand.phone.lsc, stand.phone.mic) = (own(&lsc), own(&mic));
    let full = Draft::file(&format!("{NAME}.cnf.xml.sgn"), &key("tftp"), CONTENT).bytes();
    let (for_lsc, own_hash) = (Secret::to(&lsc).bytes(), hash(&lsc));
    let boot = match id.strip_prefix("PHONEENC-").unwrap().parse().unwrap() {
        1 => boot(&mut stand, Some(for_lsc), companion(&own_hash)).await,
        2 => {
            stand.phone.lsc = None;
            boot(&mut stand, Some(Secret::to(&mic).bytes()), companion(&hash(&mic))).await
        }
        3 => boot(&mut stand, Some(Secret::to(&other).bytes()), companion(&own_hash)).await,
        4 => boot(&mut stand, Some(Secret::to(&other).bytes()), companion(&hash(&other))).await,
        5 => boot(&mut stand, None, full).await,
        6 => boot(&mut stand, Some(Secret::to(&other).bytes()), full).await,
        7 => boot(&mut stand, None, companion(&own_hash)).await,
        8 => boot(&mut stand, Some(Secret::to(&other).bytes()), companion("")).await,
        9 => {
            (stand.phone.lsc, stand.phone.mic) = (None, None);
            boot(&mut stand, Some(for_lsc), companion(&own_hash)).await
        }
        10 => {
            stand.phone.lsc = own(&ec);
            boot(&mut stand, Some(for_lsc), companion(&hash(&ec))).await
        }
        11 => {
            let draft = Secret::to(&lsc).draft();
            let stranger = Draft { signer: key("recovery"), ..draft }.put(5, &key("recovery").serial);
            boot(&mut stand, Some(stranger.bytes()), full).await
        }
        number => return spoiled(number, &mut stand).await,
    };
    vec![boot]
}

/// Files that are bad for the phone that they are for.
async fn spoiled(number: u32, stand: &mut Stand) -> Vec<Boot> {
    let lsc = key("lsc");
    let (good, plain) = (Secret::to(&lsc).bytes(), companion(&hash(&lsc)));
    let of = |change: &dyn Fn(&mut Secret)| {
        let mut secret = Secret::to(&lsc);
        change(&mut secret);
        secret.bytes()
    };
    let files: Vec<Vec<u8>> = match number {
        12 => (1..good.len()).map(|end| good[..end].to_vec()).collect(),
        13 => (0..good.len()).map(|place| flipped(&good, place)).collect(),
        14 => {
            let lies = [(16, 1), (16, -3), (16, 400), (17, 1), (17, -5), (21, 3), (21, -9)];
            lies.map(|(tag, more)| Secret::to(&lsc).draft().lie(tag, more).bytes()).to_vec()
        }
        15 => [15, 17].map(|length| of(&|s| s.iv = vec![0x24; length])).to_vec(),
        16 => {
            let mut bad = [0, 17, 258].map(|filled| of(&|s| s.filled = filled)).to_vec();
            let draft = Secret::to(&lsc).draft();
            bad.extend([draft.clone().of(Vec::new()).bytes(), draft.of(vec![7; 33]).bytes()]);
            bad
        }
        17 => {
            let marks = [[1, 0, 1], [0, 1, 1], [0, 0, 2]];
            marks.map(|marks| of(&|s| s.marks = marks)).into_iter().chain([of(&|s| s.bits = 1024)]).collect()
        }
        18 => vec![of(&|s| s.digest = 1)],
        19 => vec![of(&|s| s.filler = b' '), of(&|s| s.filled += 1)],
        20 => vec![of(&|s| s.plain = vec![7; 64])],
        21 => [15, 32].map(|length| of(&|s| s.key = vec![0x42; length])).to_vec(),
        _ => [18, 19, 20, 23, 25, 26, 27].map(|tag| Secret::to(&lsc).draft().put(tag, b"").bytes()).to_vec(),
    };
    let mut boots = Vec::new();
    for file in files {
        boots.push(boot(stand, Some(file), plain.clone()).await);
    }
    boots
}
