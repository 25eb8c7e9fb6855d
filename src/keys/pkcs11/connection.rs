//! A session with a token, logged in, and what is asked over it.

use std::collections::{BTreeSet, HashMap};

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};

use super::encoding;
use super::fault::Fault;
use super::login::Login;
use crate::keys::token::hex;
use crate::x509::key::KeyAlgorithm;

/// A session of one thread.
pub(super) struct Connection {
    context: Pkcs11,
    slot: Slot,
    session: Session,
    /// The private keys by CKA_ID.
    keys: HashMap<Vec<u8>, ObjectHandle>,
}

impl Connection {
    /// Finds the token by label or serial number and logs in. Errors: `Lost` if it is not there; `Pin`.
    pub fn open(context: &Pkcs11, token: &str, login: &Login) -> Result<Self, Fault> {
        let (slot, info) = find(context, token)?;
        // It is closed by hand: after the module was initialised anew its number may be another session's.
        let session = context.open_ro_session_no_drop(slot)?;
        let connection = Self { context: context.clone(), slot, session, keys: HashMap::new() };
        match login.log_in(&connection.session, &info) {
            Ok(()) => Ok(connection),
            Err(fault) => {
                connection.close();
                Err(fault)
            }
        }
    }

    /// Ends the session; only as long as the module was not initialised anew.
    pub fn close(self) {
        // A dead session cannot be closed, and needs not be.
        let _ = self.session.close();
    }

    /// Signs with the private key of this CKA_ID. Errors: `Absent` if there is none.
    pub fn sign(&mut self, object: &[u8], mechanism: &Mechanism<'_>, data: &[u8]) -> Result<Vec<u8>, Fault> {
        let key = self.private_key(object)?;
        Ok(self.session.sign(mechanism, key, data)?)
    }

    /// Asks the token whether it is there, and the keys of these CKA_IDs too. Errors: `Lost`, `Absent`.
    pub fn look(&mut self, objects: &BTreeSet<Vec<u8>>) -> Result<(), Fault> {
        self.context.get_token_info(self.slot)?;
        self.session.get_session_info()?;
        for object in objects {
            self.keys.remove(object);
            self.private_key(object)?;
        }
        Ok(())
    }

    /// Makes a key pair that cannot leave the token, and returns the public half (SubjectPublicKeyInfo).
    /// What a broken-off attempt with the same CKA_ID left is removed. Errors: `Refused` also where the token would let
    /// the private key out.
    pub fn generate(
        &mut self,
        algorithm: KeyAlgorithm,
        object: &[u8],
        label: &str,
    ) -> Result<Vec<u8>, Fault> {
        let writing = Writing(self.context.open_rw_session(self.slot)?);
        writing.destroy(object)?;
        let (mechanism, public, private) = templates(algorithm, object, label);
        let (public, private) = writing.0.generate_key_pair(&mechanism, &public, &private)?;
        let made = writing.0.get_attributes(public, encoding::public_parts(algorithm)).map_err(Fault::from);
        let kept = is_kept(&writing.0, private);
        match (made.map(|parts| encoding::spki(algorithm, &parts)), kept) {
            (Ok(Some(spki)), Ok(true)) => Ok(spki),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
            (Ok(None), _) => {
                Err(Fault::Refused("it does not give the public half of the key it made".to_owned()))
            }
            (_, Ok(false)) => {
                writing.destroy(object)?;
                Err(Fault::Refused("it would let the private key out: the key was removed again".to_owned()))
            }
        }
    }

    /// The public half (SubjectPublicKeyInfo) of the key pair of this CKA_ID, read as one of `algorithm`; none if it is
    /// another, or the token keeps no public half. Errors: `Refused` if the private key may leave the token.
    pub fn public_half(&mut self, object: &[u8], algorithm: KeyAlgorithm) -> Result<Option<Vec<u8>>, Fault> {
        let key = self.private_key(object)?;
        if !is_kept(&self.session, key)? {
            return Err(Fault::Refused("the private key may leave the token: it is not taken".to_owned()));
        }
        let wanted = [
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Token(true),
            Attribute::Id(object.to_vec()),
            Attribute::KeyType(encoding::key_type(algorithm)),
        ];
        let Some(public) = self.session.find_objects(&wanted)?.first().copied() else { return Ok(None) };
        let parts = self.session.get_attributes(public, encoding::public_parts(algorithm))?;
        Ok(encoding::spki(algorithm, &parts))
    }

    /// Removes the key pair of this CKA_ID.
    pub fn destroy(&mut self, object: &[u8]) -> Result<(), Fault> {
        self.keys.remove(object);
        Writing(self.context.open_rw_session(self.slot)?).destroy(object)
    }

    fn private_key(&mut self, object: &[u8]) -> Result<ObjectHandle, Fault> {
        if let Some(key) = self.keys.get(object) {
            return Ok(*key);
        }
        let wanted = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Token(true),
            Attribute::Id(object.to_vec()),
        ];
        let found = self.session.find_objects(&wanted)?;
        match found.as_slice() {
            [key] => {
                self.keys.insert(object.to_vec(), *key);
                Ok(*key)
            }
            [] => Err(Fault::Absent(format!("it holds no private key with the CKA_ID {}", hex(object)))),
            _ => {
                Err(Fault::Refused(format!("it holds several private keys with the CKA_ID {}", hex(object))))
            }
        }
    }
}

/// A session that may write. It closes itself: the module is not initialised anew while one is inside.
struct Writing(Session);

impl Writing {
    fn destroy(&self, object: &[u8]) -> Result<(), Fault> {
        for found in self.0.find_objects(&[Attribute::Token(true), Attribute::Id(object.to_vec())])? {
            self.0.destroy_object(found)?;
        }
        Ok(())
    }
}

fn find(context: &Pkcs11, wanted: &str) -> Result<(Slot, TokenInfo), Fault> {
    let mut found = Vec::new();
    for slot in context.get_slots_with_token()? {
        // A slot whose token cannot be read is not the one.
        let Ok(info) = context.get_token_info(slot) else { continue };
        if info.token_initialized() && (info.label() == wanted || info.serial_number() == wanted) {
            found.push((slot, info));
        }
    }
    let several = found.len() > 1;
    match found.pop() {
        Some(found) if !several => Ok(found),
        Some(_) => {
            Err(Fault::Lost("several tokens have this label: name its serial number instead".to_owned()))
        }
        None => Err(Fault::Lost("the module shows no token of this label or serial number".to_owned())),
    }
}

fn templates(
    algorithm: KeyAlgorithm,
    object: &[u8],
    label: &str,
) -> (Mechanism<'static>, Vec<Attribute>, Vec<Attribute>) {
    let both =
        [Attribute::Token(true), Attribute::Id(object.to_vec()), Attribute::Label(label.as_bytes().to_vec())];
    let mut public = both.to_vec();
    public.extend([Attribute::Private(false), Attribute::Verify(true)]);
    let mut private = both.to_vec();
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
    ]);
    let mechanism = match algorithm {
        KeyAlgorithm::Rsa2048 => rsa(2048, &mut public),
        KeyAlgorithm::Rsa3072 => rsa(3072, &mut public),
        KeyAlgorithm::Rsa4096 => rsa(4096, &mut public),
        KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 => {
            public.extend(
                encoding::curve(algorithm).map(|c| Attribute::EcParams(encoding::curve_parameters(&c))),
            );
            Mechanism::EccKeyPairGen
        }
    };
    (mechanism, public, private)
}

fn rsa(bits: u64, public: &mut Vec<Attribute>) -> Mechanism<'static> {
    public.push(Attribute::ModulusBits(bits.into()));
    public.push(Attribute::PublicExponent(vec![1, 0, 1]));
    Mechanism::RsaPkcsKeyPairGen
}

/// Whether the token says that the key stays.
fn is_kept(session: &Session, key: ObjectHandle) -> Result<bool, Fault> {
    let said = session.get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable])?;
    Ok(said.contains(&Attribute::Sensitive(true)) && said.contains(&Attribute::Extractable(false)))
}
