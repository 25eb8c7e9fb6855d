//! How each row of lists is tried.

use std::sync::Arc;

use signet::phone::Boot;

use super::key::{Key, Sort, key, of};
use super::stand::{Stand, foreign_itl, itl};
use super::world::{Answer, Behind, Files, Spoil, tvs};
use super::writer::{
    CAPF, Draft, Piece, SAST, TFTP, TVS, container, described, element, hashed_record, piece, record,
    with_length,
};

/// How the boots of a row went.
pub async fn attempt(id: &str) -> Vec<Boot> {
    match id.strip_prefix("PHONELIST-").unwrap().parse().unwrap() {
        number @ 1..20 => vec![held(number).await],
        number @ 20..40 => asked(number).await,
        number => spoiled(number).await,
    }
}

/// A CTL that its signer signs; others may sign lists too.
fn ctl(signer: &Arc<Key>, others: &[&Arc<Key>]) -> Vec<u8> {
    let entries: Vec<(u16, &Arc<Key>)> =
        std::iter::once((SAST, signer)).chain(others.iter().map(|key| (SAST, *key))).collect();
    Draft::list("CTLFile.tlv", signer, &entries).bytes()
}

fn itl_of(signer: &Arc<Key>, entries: &[(u16, &Arc<Key>)]) -> Vec<u8> {
    Draft::list("ITLFile.tlv", signer, entries).bytes()
}

async fn first(ctl: Option<Vec<u8>>, itl: Option<Vec<u8>>) -> Boot {
    let mut stand = Stand::fresh().await;
    stand.offer(ctl, itl);
    stand.boot().await
}

/// What the lists that a phone holds, or has not, make of new ones.
async fn held(number: u32) -> Boot {
    let (recovery, other, tftp) = (key("recovery"), key("other"), key("tftp"));
    let newer = || itl().put(15, &[0x6b, 0x49, 0xd2, 1]).bytes();
    match number {
        1 => first(Some(ctl(&recovery, &[])), Some(newer())).await,
        2 => first(None, Some(newer())).await,
        3 => first(Some(ctl(&recovery, &[])), None).await,
        4 => {
            let mut stand = Stand::fresh().await;
            stand.offer(Some(ctl(&recovery, &[])), Some(foreign_itl().bytes()));
            let boot = stand.boot().await;
            assert!(stand.phone.installed.ctl.is_some() && stand.phone.installed.itl.is_none());
            boot
        }
        5 => first(None, Some(itl_of(&recovery, &[(SAST, &other)]))).await,
        6 => first(None, Some(itl_of(&tftp, &[(SAST, &other), (TFTP, &tftp)]))).await,
        7 => {
            let mut stand = Stand::usual().await;
            stand.boot().await
        }
        8 => after(Stand::usual().await, newer()).await,
        9 => {
            let both = itl_of(&recovery, &[(SAST, &recovery), (SAST, &other)]);
            after(Stand::holding(None, Some(both)).await, foreign_itl().bytes()).await
        }
        10 => after(Stand::usual().await, itl_of(&tftp, &[(SAST, &tftp)])).await,
        11 => after(Stand::usual().await, foreign_itl().bytes()).await,
        12 => {
            let mut stand = Stand::holding(Some(ctl(&recovery, &[])), Some(itl().bytes())).await;
            stand.offer(Some(ctl(&recovery, &[])), Some(foreign_itl().bytes()));
            stand.boot().await
        }
        13 => after(Stand::holding(Some(ctl(&recovery, &[])), None).await, foreign_itl().bytes()).await,
        14 => with_ctl(ctl(&recovery, &[])).await,
        15 => with_ctl(ctl(&other, &[])).await,
        16 => {
            let mut stand = Stand::usual().await;
            stand.offer(Some(ctl(&recovery, &[&other])), Some(foreign_itl().bytes()));
            stand.boot().await
        }
        17 => {
            let twin = Arc::new(Key::new("recovery", "recovery", Sort::Rsa2048));
            after(Stand::usual().await, itl_of(&twin, &[(SAST, &twin)])).await
        }
        18 => {
            let mut stand = Stand::usual().await;
            stand.offer(None, Some(foreign_itl().bytes()));
            assert!(stand.boot().await.refused_list.is_some());
            stand.phone.forget_lists();
            stand.boot().await
        }
        _ => {
            let mut stand = Stand::fresh().await;
            stand.files.put("ITLFile.tlv", newer());
            stand.boot().await
        }
    }
}

/// The ITL comes to a phone, which keeps the old one if it refuses it.
async fn after(mut stand: Stand, itl: Vec<u8>) -> Boot {
    let before = stand.phone.installed.clone();
    stand.offer(None, Some(itl.clone()));
    let boot = stand.boot().await;
    let holds =
        |installed: &signet::phone::state::Installed| installed.itl.as_ref().map(|list| list.file().to_vec());
    match boot.refused_list {
        Some(_) => assert_eq!(holds(&stand.phone.installed), holds(&before)),
        None => assert_eq!(holds(&stand.phone.installed), Some(itl)),
    }
    boot
}

async fn with_ctl(ctl: Vec<u8>) -> Boot {
    let mut stand = Stand::usual().await;
    stand.offer(Some(ctl), Some(itl().bytes()));
    stand.boot().await
}

/// A signer that the phone does not know, and a TVS.
async fn asked(number: u32) -> Vec<Boot> {
    let (right, valid) = (key("tvs"), Answer::valid(&[0]));
    match number {
        20 => vec![with_tvs(&tvs(&right, valid).await).await],
        21 => vec![with_tvs(&tvs(&right, Answer::invalid()).await).await],
        22 => vec![with_tvs(&tvs(&right, Answer::valid(&[2, 3, 21])).await).await],
        23 => {
            let mut stand = Stand::usual().await;
            stand.phone.tvs = Some("127.0.0.1:1".into());
            vec![after(stand, foreign_itl().bytes()).await]
        }
        24 => {
            let mut boots = Vec::new();
            for shown in ["stranger", "callmanager", "capf"] {
                boots.push(with_tvs(&tvs(&key(shown), valid.clone()).await).await);
            }
            boots
        }
        25 => vec![tvs_of_the_ctl(&tvs(&right, valid).await).await],
        26 => {
            let closes = Behind::serve(&right, |stream| async move { drop(stream) }).await;
            vec![with_tvs(&closes).await]
        }
        27 => {
            let other: [Spoil; 3] = [|f| changed(f, 0, 0x55), |f| changed(f, 2, 1), |f| changed(f, 7, 2)];
            spoiled_answers(&right, &other).await
        }
        28 => vec![with_tvs(&tvs(&right, Answer { status: None, ..valid }).await).await],
        29 => {
            let lies: [Spoil; 2] = [|f| changed(f, 12, 200), |f| changed(f, 11, 0xff)];
            spoiled_answers(&right, &lies).await
        }
        30 => {
            let cut: [Spoil; 2] = [|f| f[..9].to_vec(), |f| f[..f.len() - 1].to_vec()];
            spoiled_answers(&right, &cut).await
        }
        _ => vec![hashed_tvs(&tvs(&right, valid).await).await],
    }
}

fn changed(mut frame: Vec<u8>, place: usize, value: u8) -> Vec<u8> {
    frame[place] = value;
    frame
}

async fn spoiled_answers(shown: &Key, how: &[Spoil]) -> Vec<Boot> {
    let mut boots = Vec::new();
    for spoil in how {
        let service = tvs(shown, Answer { spoil: *spoil, ..Answer::valid(&[0]) }).await;
        boots.push(with_tvs(&service).await);
    }
    boots
}

async fn with_tvs(service: &Behind) -> Boot {
    let mut stand = Stand::usual().await;
    stand.phone.tvs = Some(service.at.to_string());
    let boot = after(stand, foreign_itl().bytes()).await;
    assert_eq!(service.came(), 1, "it was asked");
    boot
}

/// TVS stands in the CTL alone, by mistake.
async fn tvs_of_the_ctl(service: &Behind) -> Boot {
    let recovery = key("recovery");
    let ctl = Draft::list("CTLFile.tlv", &recovery, &[(SAST, &recovery), (TVS, &key("tvs"))]).bytes();
    let itl = itl_of(&recovery, &[(SAST, &recovery)]);
    let mut stand = Stand::holding(Some(ctl.clone()), Some(itl)).await;
    stand.phone.tvs = Some(service.at.to_string());
    stand.offer(Some(ctl), Some(foreign_itl().bytes()));
    stand.boot().await
}

/// The list has the hash of TVS's certificate.
async fn hashed_tvs(service: &Behind) -> Boot {
    let recovery = key("recovery");
    let body = [hashed_record(SAST, &recovery), hashed_record(TVS, &key("tvs"))].concat();
    let mut stand = Stand::holding(None, Some(itl().of(body).bytes())).await;
    stand.phone.tvs = Some(service.at.to_string());
    after(stand, foreign_itl().bytes()).await
}

/// Lists that are bad, or look so, for a phone that holds the usual one.
async fn spoiled(number: u32) -> Vec<Boot> {
    let mut boots = Vec::new();
    match number {
        40 => boots.extend(unreachable().await),
        _ => {
            let mut stand = Stand::usual().await;
            for list in files(number) {
                stand.offer(None, Some(list));
                boots.push(stand.boot().await);
            }
        }
    }
    boots
}

/// Nobody there, another protocol, a body that is cut off.
async fn unreachable() -> Vec<Boot> {
    let mut boots = Vec::new();
    let away = Files::serve().await.at;
    let noise = Behind::serve(&key("tvs"), |stream| async move { drop(stream) }).await;
    for at in [away, noise.at] {
        let mut stand = Stand::usual().await;
        stand.world.lists = Some(at.to_string());
        boots.push(stand.boot().await);
    }
    boots
}

fn files(number: u32) -> Vec<Vec<u8>> {
    let (recovery, good) = (key("recovery"), itl().bytes());
    let short = itl().of(record(SAST, &recovery)).bytes();
    let sha1 = Draft { digest: 1, ..itl().put(8, &[1]) };
    match number {
        41 => vec![sha1.bytes()],
        42 => vec![Draft { digest: 2, ..itl().put(8, &[2]) }.bytes(), itl().put(8, &[0]).bytes()],
        43 => {
            let odd = of("odd", Sort::Rsa3072);
            let odd = Draft::list("ITLFile.tlv", &odd, &[(SAST, &odd)]);
            vec![odd.clone().put(11, &[3]).bytes(), odd.bytes()]
        }
        44 => {
            let ec = of("ec", Sort::P256);
            vec![Draft::list("ITLFile.tlv", &ec, &[(SAST, &ec)]).bytes()]
        }
        45 => [0, 4].map(|code| itl().put(11, &[code]).bytes()).to_vec(),
        46 => {
            vec![itl().put(1, &[1, 0]).bytes(), itl().put(1, &[2, 0]).bytes(), itl().put(1, &[1, 3]).bytes()]
        }
        47 => vec![Draft::list("CTLFile.tlv", &recovery, &[(SAST, &recovery)]).bytes()],
        48 => (1..short.len()).map(|end| short[..end].to_vec()).collect(),
        49 => (0..short.len()).step_by(3).map(|place| flipped(&short, place)).collect(),
        50 => [9, 200, 60_000].map(|length| Draft { header_length: Some(length), ..itl() }.bytes()).to_vec(),
        51 => containers(),
        52 => vec![itl().with(piece(15, &[0; 4])).bytes(), itl().with(piece(14, b"ITL\0")).bytes()],
        53 => {
            let files = [&b"ITLFile.tlv"[..], b"ITL\xff\0"].map(|name| itl().put(14, name).bytes());
            let names = [named(4, b"CN=X"), named(6, b"CN=\xff\0")];
            [files, names].concat()
        }
        54 => [5, 14, 8, 12, 4, 6, 15].map(without).to_vec(),
        55 => records(),
        56 => vec![[&good[..], &[0]].concat(), itl().of([itl().body, vec![1, 0, 2, 0, 4]].concat()).bytes()],
        57 => vec![itl().of(record(CAPF, &key("capf")).repeat(400)).bytes()],
        58 => {
            let body = [hashed_record(SAST, &recovery), hashed_record(TVS, &key("tvs"))].concat();
            vec![itl().of(body).bytes()]
        }
        59 => {
            let large = of("large", Sort::Rsa4096);
            vec![itl().of([itl().body, record(SAST, &large)].concat()).bytes(), large_signs(&large)]
        }
        60 => vec![itl().with_at(2, piece(28, &[1, 1])).with(piece(99, b"later")).bytes()],
        number => misshapen(number),
    }
}

/// Truly signed, and not as the format has it.
fn misshapen(number: u32) -> Vec<Vec<u8>> {
    match number {
        61 => {
            let pairs = [(4, 6), (14, 15), (12, 14), (1, 2)];
            pairs.map(|(one, other)| itl().swapped(one, other).bytes()).to_vec()
        }
        62 => padded(),
        63 => [3, 5].map(|octets| itl().put(15, &vec![0; octets]).bytes()).to_vec(),
        64 => bodies([3, 5, 6, 4, 7, 8].map(|tag| lacking(tag, &key("capf")))),
        65 => {
            let other = key("other");
            let values = [(6, &other.serial), (7, &other.public), (8, &other.signature), (9, &other.der)];
            bodies(values.map(|(tag, value)| instead(tag, value)))
        }
        66 => {
            let values: [(u8, &[u8]); 4] = [(2, b"no.nul"), (3, b"CN=\xff\0"), (5, b""), (10, &[127, 0, 1])];
            bodies(values.map(|(tag, value)| instead(tag, value)))
        }
        _ => [[1, 2], [2, 0]].map(|version| itl().with_at(2, piece(28, &version)).bytes()).to_vec(),
    }
}

/// The usual list with one record more, truly signed.
fn bodies(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    records.into_iter().map(|record| itl().of([itl().body, record].concat()).bytes()).collect()
}

/// A record without one of its elements.
fn lacking(tag: u8, key: &Key) -> Vec<u8> {
    let whole = [described(CAPF, key), element(9, &key.der)].concat();
    let (mut left, mut at) = (Vec::new(), 0);
    while at < whole.len() {
        let end = at + 3 + usize::from(u16::from_be_bytes([whole[at + 1], whole[at + 2]]));
        if whole[at] != tag {
            left.extend(&whole[at..end]);
        }
        at = end;
    }
    with_length(&left)
}

/// A record with another element of this tag.
fn instead(tag: u8, value: &[u8]) -> Vec<u8> {
    // Without the length of the whole.
    let rest = lacking(tag, &key("capf"))[5..].to_vec();
    with_length(&[rest, element(tag, value)].concat())
}

/// Padding of more than three octets, padding that something follows, and none where some is needed.
fn padded() -> Vec<Vec<u8>> {
    let bare: usize = itl().pieces.iter().map(|piece| 3 + piece.value.len()).sum();
    let full = bare.next_multiple_of(4);
    assert_ne!(bare, full, "some is needed");
    let more = itl().of([vec![13; 4], itl().body].concat());
    vec![
        Draft { header_length: Some(full + 4), ..more }.bytes(),
        Draft { header_length: Some(full + 1), ..itl() }.bytes(),
        Draft { header_length: Some(bare), ..itl() }.bytes(),
    ]
}

/// A list whose signer has another name, or whose issuer has.
fn named(tag: u8, value: &[u8]) -> Vec<u8> {
    let before = key("recovery").name.len() + 1;
    itl().put(tag, value).lie(3, value.len() as isize - before as isize).bytes()
}

fn large_signs(large: &Arc<Key>) -> Vec<u8> {
    Draft::list("ITLFile.tlv", large, &[(SAST, large), (SAST, &key("recovery"))]).bytes()
}

fn flipped(good: &[u8], place: usize) -> Vec<u8> {
    let mut file = good.to_vec();
    file[place] ^= 1 << (place % 8);
    file
}

/// Containers whose lengths lie, truly signed.
fn containers() -> Vec<Vec<u8>> {
    let lies = [(3, 1), (3, -1), (3, 200), (7, 3), (7, -4), (9, 4), (9, -4)];
    let nested = itl().with(container(16, 4)).with(container(17, 40)).with(piece(18, &[0]));
    lies.map(|(tag, more)| itl().lie(tag, more).bytes()).into_iter().chain([nested.bytes()]).collect()
}

fn without(tag: u8) -> Vec<u8> {
    let mut draft = itl();
    let gone = |piece: &Piece| piece.tag == tag;
    let length: usize = draft.pieces.iter().filter(|p| gone(p)).map(|p| 3 + p.value.len()).sum();
    draft.pieces.retain(|piece| !gone(piece));
    match tag {
        4..=6 => draft.lie(3, -(length as isize)).bytes(),
        8 => draft.lie(7, -(length as isize)).bytes(),
        _ => draft.bytes(),
    }
}

/// Records that are none, truly signed.
fn records() -> Vec<Vec<u8>> {
    let (capf, good) = (key("capf"), itl().body);
    let elements = described(CAPF, &capf);
    let der = element(9, &capf.der);
    let no_role = [element(6, &capf.serial), der.clone()].concat();
    let both = [&elements[..], &der, &element(11, &[7; 20]), &element(12, &[1])].concat();
    let bad = [
        with_length(&no_role),
        with_length(&elements),
        with_length(&both),
        with_length(&[&elements[..], &element(11, &[7; 20])].concat()),
        with_length(&[&elements[..], &der, &element(4, &[0, 0])].concat()),
        with_length(&[&elements[..], &element(9, b"no certificate")].concat()),
        with_length(&[&elements[..], &[9, 0xff, 0xff]].concat()),
        with_length(&[element(4, &[2]), der].concat()),
    ];
    bad.into_iter().map(|record| itl().of([&good[..], &record].concat()).bytes()).collect()
}
