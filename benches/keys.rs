//! What a private-key operation costs, and what it costs to hand one to the pool.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use rsa::RsaPublicKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::{Decrypter, KeyStore, KeyTransport};
use signet::random::Random;
use signet::x509::key::KeyAlgorithm;
use spki::DecodePublicKey;

fn vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), "benchmark", &Random::system()).unwrap();
    (dir, vault)
}

fn sign(c: &mut Criterion) {
    let (_dir, vault) = vault();
    let message = [0x5a; 1024];
    for algorithm in KeyAlgorithm::ALL {
        let signer = vault.generate(&algorithm.as_str().parse().unwrap(), algorithm).unwrap();
        let digest = signer.default_digest();
        c.bench_function(&format!("sign/{algorithm}"), |b| {
            b.iter(|| signer.sign(digest, black_box(&message)).unwrap());
        });
    }
}

fn open_key(c: &mut Criterion) {
    let (_dir, vault) = vault();
    vault.generate(&"ra".parse().unwrap(), KeyAlgorithm::Rsa2048).unwrap();
    let decrypter = vault.decrypter(&"ra".parse().unwrap()).unwrap();
    let public = RsaPublicKey::from_public_key_der(decrypter.public_key().spki()).unwrap();
    let good = public.encrypt(&mut Rng(Random::system()), rsa::Pkcs1v15Encrypt, &[7; 16]).unwrap();
    let oaep =
        public.encrypt(&mut Rng(Random::system()), rsa::Oaep::<sha2::Sha256>::new(), &[7; 32]).unwrap();
    let open = |decrypter: &Arc<dyn Decrypter>, transport, ciphertext: &[u8], len| {
        decrypter.open_key(transport, black_box(ciphertext), len)
    };
    c.bench_function("open/rsa-2048 pkcs1", |b| {
        b.iter(|| open(&decrypter, KeyTransport::Pkcs1, &good, 16));
    });
    // An envelope that fails must not be told apart by its time: these two stand side by side.
    c.bench_function("open/rsa-2048 pkcs1, bad padding", |b| {
        b.iter(|| open(&decrypter, KeyTransport::Pkcs1, &oaep, 16));
    });
    c.bench_function("open/rsa-2048 pkcs1, wrong length", |b| {
        b.iter(|| open(&decrypter, KeyTransport::Pkcs1, &good, 24));
    });
    c.bench_function("open/rsa-2048 oaep sha-256", |b| {
        b.iter(|| open(&decrypter, KeyTransport::OaepSha256, &oaep, 32));
    });
}

fn pool(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let pool = Pool::per_core(1024);
    c.bench_function("pool/one hop at a time", |b| {
        b.iter(|| runtime.block_on(pool.run(|| black_box(1))).unwrap());
    });
    c.bench_function("pool/64 hops at once", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut jobs = tokio::task::JoinSet::new();
                for _ in 0..64 {
                    let pool = pool.clone();
                    jobs.spawn(async move { pool.run(|| black_box(1)).await.unwrap() });
                }
                jobs.join_all().await
            })
        });
    });
}

fn unlock(c: &mut Criterion) {
    let (dir, vault) = vault();
    drop(vault);
    let mut group = c.benchmark_group("vault");
    group.sample_size(10);
    group.bench_function("open with the password (argon2id)", |b| {
        b.iter(|| Vault::open(dir.path(), "benchmark", &Random::system()).unwrap());
    });
    group.finish();
}

struct Rng(Random);

impl TryRng for Rng {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_be_bytes(self.0.bytes().unwrap()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_be_bytes(self.0.bytes().unwrap()))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(out).unwrap();
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

criterion_group!(benches, sign, open_key, pool, unlock);
criterion_main!(benches);
