//! Keys in a PKCS#11 token (feature `pkcs11`), beside those of the vault. A note in the key folder says which keys are in
//! the token; all else is the vault's. See `docs/decisions/keys.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use self::key::TokenKey;
use self::token::{KEY_PAIR, SIGNATURE, Token};
use super::software::{self, Vault};
use super::token::{Note, TokenSettings};
use super::{Decrypter, KeyStore, Place, Sealer, Signer, TokenStatus};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::random::Random;
use crate::x509::key::{KeyAlgorithm, PublicKey};

mod availability;
mod connection;
mod encoding;
mod fault;
mod key;
mod line;
mod login;
mod module;
mod token;

/// The vault, and a token for the keys that were made in it.
pub(super) struct TokenStore {
    vault: Vault,
    token: Arc<Token>,
    random: Random,
}

impl TokenStore {
    /// Starts the token's threads and asks it once whether it is there; if not, that is told in its status.
    /// Errors: `token-module` if the module cannot be loaded; `internal`.
    pub fn open(vault: Vault, settings: TokenSettings, random: &Random) -> Result<Self> {
        let token = Arc::new(Token::start(settings)?);
        match token.ask(SIGNATURE, |connection| connection.look(&BTreeSet::new())) {
            Err(error) if error.code() == "token-module" => Err(error),
            Ok(()) | Err(_) => Ok(Self { vault, token, random: random.clone() }),
        }
    }

    fn note(&self, id: &KeyId) -> Result<Option<Note>> {
        Note::read(self.vault.folder(), id)
    }

    fn key(&self, note: Note) -> Arc<dyn Signer> {
        self.token.watch(&note.object);
        Arc::new(TokenKey::new(&self.token, note.object, note.public))
    }

    /// Errors: `key-in-token` if the key is there, naming why `what` is not to be had.
    fn refuse_in_token(&self, id: &KeyId, what: &str) -> Result<()> {
        match self.note(id)? {
            None => Ok(()),
            Some(note) => Err(Error::conflict(
                "key-in-token",
                format!("the key {id} lies in the token {} and does not leave it: {what}", note.token),
            )),
        }
    }

    fn make(&self, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Note> {
        // Drawn, not the name: several data folders may use one token.
        let object = self.random.bytes::<16>()?.to_vec();
        let (wanted, label) = (object.clone(), format!("signet {id}"));
        let spki = self.token.ask(KEY_PAIR, move |token| token.generate(algorithm, &wanted, &label))?;
        let made = PublicKey::from_spki(&spki).ok().filter(|public| public.algorithm() == Some(algorithm));
        let Some(public) = made else {
            self.discard(object);
            let text = format!("the token {} made another key than one of {algorithm}", self.token.name());
            return Err(Error::conflict("token-refused", text));
        };
        let token = self.token.name().to_owned();
        let note = Note { token, object: object.clone(), public, adopted: false };
        if let Err(error) = note.write(self.vault.folder(), id) {
            self.discard(object);
            return Err(error);
        }
        Ok(note)
    }

    /// Removes a key pair that nobody will ask for; one that cannot be removed does no harm.
    fn discard(&self, object: Vec<u8>) {
        if let Err(error) = self.token.ask(SIGNATURE, move |token| token.destroy(&object)) {
            tracing::warn!(token = self.token.name(), %error, "a key pair of no use was left in the token");
        }
    }
}

impl KeyStore for TokenStore {
    fn generate(&self, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        self.vault.generate(id, algorithm)
    }

    fn generate_in(&self, place: Place, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        match place {
            Place::Software => self.vault.generate(id, algorithm),
            Place::Token if self.list()?.contains(id) => Err(software::key_exists(id)),
            Place::Token => Ok(self.key(self.make(id, algorithm)?)),
        }
    }

    fn adopt(&self, id: &KeyId, object: &[u8], algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        if self.list()?.contains(id) {
            return Err(software::key_exists(id));
        }
        let (token, wanted) = (self.token.name().to_owned(), object.to_vec());
        let spki = self.token.ask(SIGNATURE, move |token| token.public_half(&wanted, algorithm))?;
        let public = spki.and_then(|spki| PublicKey::from_spki(&spki).ok());
        let fits = |public: &PublicKey| public.algorithm() == Some(algorithm);
        let public = public.filter(fits).ok_or_else(|| {
            let text =
                format!("the key pair in the token is not one of {algorithm}, or its public half is missing");
            Error::invalid("wrong-key", text)
        })?;
        let note = Note { token, object: object.to_vec(), public, adopted: true };
        let key = TokenKey::new(&self.token, note.object.clone(), note.public.clone());
        // Holds that the halves belong together, and that the token lets its user sign.
        key.sign(key.default_digest(), b"signet: is this the key?")?;
        note.write(self.vault.folder(), id)?;
        Ok(self.key(note))
    }

    fn place(&self, id: &KeyId) -> Place {
        // A note that cannot be read is one.
        if matches!(self.note(id), Ok(None)) { Place::Software } else { Place::Token }
    }

    fn signer(&self, id: &KeyId) -> Result<Arc<dyn Signer>> {
        match self.note(id)? {
            Some(note) => Ok(self.key(note)),
            None => self.vault.signer(id),
        }
    }

    fn decrypter(&self, id: &KeyId) -> Result<Arc<dyn Decrypter>> {
        self.refuse_in_token(id, "it signs and decrypts nothing")?;
        self.vault.decrypter(id)
    }

    fn export(&self, id: &KeyId, passphrase: &str) -> Result<Zeroizing<String>> {
        self.refuse_in_token(id, "back the token up by its own means")?;
        self.vault.export(id, passphrase)
    }

    fn import(&self, id: &KeyId, pkcs8: &[u8]) -> Result<Arc<dyn Signer>> {
        self.vault.import(id, pkcs8)
    }

    /// Only a key that no CA ever had: one that `init` made before it failed.
    fn remove(&self, id: &KeyId) -> Result<()> {
        let Some(note) = self.note(id)? else { return self.vault.remove(id) };
        self.token.forget(&note.object);
        if !note.adopted {
            let object = note.object;
            self.token.ask(SIGNATURE, move |token| token.destroy(&object))?;
        }
        Note::remove(self.vault.folder(), id)
    }

    fn list(&self) -> Result<Vec<KeyId>> {
        let mut all = self.vault.list()?;
        all.extend(Note::names(self.vault.folder())?);
        Ok(all)
    }

    fn tls_key(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>> {
        self.refuse_in_token(id, "a TLS listener needs a key of its own")?;
        self.vault.tls_key(id)
    }

    fn sealer(&self, purpose: &str) -> Result<Sealer> {
        self.vault.sealer(purpose)
    }

    fn tokens(&self) -> Vec<TokenStatus> {
        vec![self.token.status()]
    }

    fn try_tokens_again(&self) {
        self.token.try_again();
    }
}
