//! What a role may be allowed.

/// One right, as `certificates:issue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See and find certificates.
    CertificatesRead,
    /// Have certificates issued.
    CertificatesIssue,
    /// Revoke certificates.
    CertificatesRevoke,
    /// See challenges (never their secrets).
    ChallengesRead,
    /// Make and withdraw challenges.
    ChallengesCreate,
    /// See requests that wait.
    RequestsRead,
    /// Approve and deny them.
    RequestsDecide,
    /// See CAs.
    CasRead,
    /// Make CAs, sign CRLs, export and remove keys.
    CasManage,
    /// Bring in CAs of other programs, with what they issued and revoked.
    CasImport,
    /// See profiles.
    ProfilesRead,
    /// Check and reload the policies.
    ProfilesReload,
    /// See, make and revoke tokens.
    TokensManage,
    /// Read and verify the audit log.
    AuditRead,
    /// Check the store.
    CheckRun,
    /// See scheduled work.
    TasksRead,
    /// Run scheduled work now, or cancel it.
    TasksManage,
    /// See notices, and whom they go to.
    NoticesRead,
    /// Have a channel of notices tried out.
    NoticesTest,
    /// Take a backup of everything, keys included (encrypted).
    BackupCreate,
    /// See devices and their history (never authentication strings).
    DevicesRead,
    /// Add, change and delete devices, and say what is to be done with them.
    DevicesWrite,
    /// See clusters, their anchors and releases.
    TrustRead,
    /// Make and change clusters and anchors.
    TrustWrite,
    /// Publish lists to phones.
    TrustPublish,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::CertificatesRead,
        Self::CertificatesIssue,
        Self::CertificatesRevoke,
        Self::ChallengesRead,
        Self::ChallengesCreate,
        Self::RequestsRead,
        Self::RequestsDecide,
        Self::CasRead,
        Self::CasManage,
        Self::CasImport,
        Self::ProfilesRead,
        Self::ProfilesReload,
        Self::TokensManage,
        Self::AuditRead,
        Self::CheckRun,
        Self::TasksRead,
        Self::TasksManage,
        Self::NoticesRead,
        Self::NoticesTest,
        Self::BackupCreate,
        Self::DevicesRead,
        Self::DevicesWrite,
        Self::TrustRead,
        Self::TrustWrite,
        Self::TrustPublish,
    ];

    /// As written in `roles.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificatesRead => "certificates:read",
            Self::CertificatesIssue => "certificates:issue",
            Self::CertificatesRevoke => "certificates:revoke",
            Self::ChallengesRead => "challenges:read",
            Self::ChallengesCreate => "challenges:create",
            Self::RequestsRead => "requests:read",
            Self::RequestsDecide => "requests:decide",
            Self::CasRead => "cas:read",
            Self::CasManage => "cas:manage",
            Self::CasImport => "cas:import",
            Self::ProfilesRead => "profiles:read",
            Self::ProfilesReload => "profiles:reload",
            Self::TokensManage => "tokens:manage",
            Self::AuditRead => "audit:read",
            Self::CheckRun => "check:run",
            Self::TasksRead => "tasks:read",
            Self::TasksManage => "tasks:manage",
            Self::NoticesRead => "notices:read",
            Self::NoticesTest => "notices:test",
            Self::BackupCreate => "backup:create",
            Self::DevicesRead => "devices:read",
            Self::DevicesWrite => "devices:write",
            Self::TrustRead => "trust:read",
            Self::TrustWrite => "trust:write",
            Self::TrustPublish => "trust:publish",
        }
    }

    /// Reads what `roles.toml` says; none for an unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == word)
    }

    /// Whether its holder can change something.
    pub fn changes(self) -> bool {
        match self {
            Self::CertificatesIssue
            | Self::CertificatesRevoke
            | Self::ChallengesCreate
            | Self::RequestsDecide
            | Self::CasManage
            | Self::CasImport
            | Self::ProfilesReload
            | Self::TokensManage
            | Self::TasksManage
            | Self::NoticesTest
            | Self::DevicesWrite
            | Self::TrustWrite
            | Self::TrustPublish => true,
            Self::CertificatesRead
            | Self::ChallengesRead
            | Self::RequestsRead
            | Self::CasRead
            | Self::ProfilesRead
            | Self::AuditRead
            | Self::CheckRun
            | Self::TasksRead
            | Self::NoticesRead
            | Self::BackupCreate
            | Self::DevicesRead
            | Self::TrustRead => false,
        }
    }
}
