//! Keys made by aws-lc, encrypted at rest (argon2id, AES-256-GCM).
