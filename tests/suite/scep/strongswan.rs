//! strongSwan's pki as a SCEP client.
