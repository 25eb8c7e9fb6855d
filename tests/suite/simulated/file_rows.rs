//! How each row of signed files is tried.

use std::sync::Arc;

use signet::phone::Boot;

use super::key::{Key, Sort, key, of};
use super::stand::{NAME, Stand, itl};
use super::world::{Answer, Behind, tvs};
use super::writer::{Draft, TFTP, piece, record};

const CONTENT: &[u8] = b"<device><fullConfig>true</fullConfig></device>";

fn name() -> String {
    format!("{NAME}.cnf.xml.sgn")
}

fn signed(by: &Arc<Key>) -> Draft {
    Draft::file(&name(), by, CONTENT)
}

/// How the boots of a row went.
pub async fn attempt(id: &str) -> Vec<Boot> {
    match id.strip_prefix("PHONEFILE-").unwrap().parse().unwrap() {
        number @ 1..10 => vec![vouched(number).await],
        10 => vec![remembered(86_400, 86_399, 1).await],
        11 => vec![remembered(86_400, 86_400, 2).await],
        12 => vec![remembered(0, 0, 2).await],
        13 => {
            let mut stand = Stand::usual().await;
            stand.world.configuration = true;
            vec![stand.boot().await]
        }
        19 => large().await,
        number => {
            let (mut stand, mut boots) = (Stand::usual().await, Vec::new());
            for file in files(number) {
                boots.push(configured(&mut stand, file).await);
            }
            boots
        }
    }
}

async fn configured(stand: &mut Stand, file: Vec<u8>) -> Boot {
    stand.files.put(&name(), file);
    stand.world.configuration = true;
    stand.boot().await
}

/// Who signed it, and what TVS says of him.
async fn vouched(number: u32) -> Boot {
    let stranger = key("another-tftp");
    let by_tvs = async |answer: Answer| {
        let service = tvs(&key("tvs"), answer).await;
        asking(&service, &stranger).await
    };
    match number {
        1 => configured(&mut Stand::usual().await, signed(&key("tftp")).bytes()).await,
        2 => configured(&mut Stand::usual().await, signed(&key("callmanager")).bytes()).await,
        3 => configured(&mut Stand::usual().await, signed(&key("recovery")).bytes()).await,
        4 => configured(&mut Stand::usual().await, signed(&stranger).bytes()).await,
        5 => by_tvs(Answer::is(&stranger, &[3])).await,
        6 => by_tvs(Answer::is(&stranger, &[0, 1, 4, 21])).await,
        7 => by_tvs(Answer::invalid()).await,
        8 => by_tvs(Answer::is(&key("tftp"), &[3])).await,
        _ => by_tvs(Answer::valid(&[3])).await,
    }
}

async fn asking(service: &Behind, signer: &Arc<Key>) -> Boot {
    let mut stand = Stand::usual().await;
    stand.phone.tvs = Some(service.at.to_string());
    configured(&mut stand, signed(signer).bytes()).await
}

/// TVS vouched for the signer with this TTL; so much later there is none but one that does not.
async fn remembered(ttl: u32, later: u64, answers: usize) -> Boot {
    let stranger = key("another-tftp");
    let vouches = tvs(&key("tvs"), Answer { ttl, ..Answer::is(&stranger, &[3]) }).await;
    let denies = tvs(&key("tvs"), Answer::invalid()).await;
    let mut stand = Stand::usual().await;
    stand.phone.tvs = Some(vouches.at.to_string());
    let first = configured(&mut stand, signed(&stranger).bytes()).await;
    assert_eq!(first.fault(), None);
    stand.phone.tvs = Some(denies.at.to_string());
    stand.later(later);
    let second = stand.boot().await;
    assert_eq!(vouches.came() + denies.came(), answers);
    second
}

/// The list has the signer as TFTP; the header calls his key one of 2048 bits, and of 4096.
async fn large() -> Vec<Boot> {
    let odd = of("odd", Sort::Rsa3072);
    let list = itl().of([itl().body, record(TFTP, &odd)].concat()).bytes();
    let (mut stand, mut boots) = (Stand::holding(None, Some(list)).await, Vec::new());
    for code in [2, 3] {
        boots.push(configured(&mut stand, signed(&odd).put(11, &[code]).bytes()).await);
    }
    boots
}

fn files(number: u32) -> Vec<Vec<u8>> {
    let tftp = key("tftp");
    let good = signed(&tftp).bytes();
    match number {
        14 => vec![Draft::file("SEP000000000000.cnf.xml.sgn", &tftp, CONTENT).bytes()],
        15 => (1..good.len()).map(|end| good[..end].to_vec()).collect(),
        16 => (0..good.len()).map(|place| flipped(&good, place)).collect(),
        17 => vec![signed(&tftp).put(1, &[2, 0]).bytes(), signed(&tftp).put(1, &[1, 2]).bytes()],
        18 => vec![Draft { digest: 2, ..signed(&tftp).put(8, &[2]) }.bytes()],
        20 => vec![[&good[..], b" "].concat(), good[..good.len() - 1].to_vec()],
        21 => {
            let lies = [(3, 1), (3, -2), (7, 3), (9, -4)];
            lies.map(|(tag, more)| signed(&tftp).lie(tag, more).bytes()).to_vec()
        }
        22 => vec![signed(&tftp).with(piece(15, &[0; 4])).bytes()],
        23 => vec![Draft::file(&name(), &tftp, &vec![b' '; 1 << 20]).bytes()],
        24 => vec![Draft { digest: 1, ..signed(&tftp).put(8, &[1]) }.bytes()],
        _ => vec![signed(&tftp).with_at(2, piece(28, &[1, 1])).bytes()],
    }
}

pub fn flipped(good: &[u8], place: usize) -> Vec<u8> {
    let mut file = good.to_vec();
    file[place] ^= 1 << (place % 8);
    file
}
