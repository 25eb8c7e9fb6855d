//! The frame of a message: eight octets of header, then so many octets of elements. Every integer is big-endian.

use crate::enrol::capf::command::Command;
use crate::error::{Error, Result};

/// The first octet of every message.
pub const PROTOCOL: u8 = 0x55;
/// The octets of a header.
pub const HEADER_LEN: usize = 8;
/// The longest body that is read, whatever the header says.
pub const MAX_BODY: usize = 16 * 1024;

/// The code of every message that is not as the protocol has it.
pub(crate) const MALFORMED: &str = "capf-message";

/// What stands before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The command's octet; not every one is known.
    command: u8,
    /// The session: chosen by the server, echoed by the device.
    session: u32,
    /// The length of the body, at most [`MAX_BODY`].
    length: usize,
}

impl Header {
    /// Reads a header. Errors: `capf-message` for another protocol and for a body over [`MAX_BODY`].
    pub fn read(octets: [u8; HEADER_LEN]) -> Result<Self> {
        let [protocol, command, s0, s1, s2, s3, l0, l1] = octets;
        if protocol != PROTOCOL {
            return Err(malformed("not a CAPF message"));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length > MAX_BODY {
            return Err(malformed("message too large"));
        }
        Ok(Self { command, session: u32::from_be_bytes([s0, s1, s2, s3]), length })
    }

    /// The session that the sender says it is in.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// How many octets of body follow, at most [`MAX_BODY`].
    pub fn body_len(&self) -> usize {
        self.length
    }

    /// The command. Errors: `capf-message` "unknown command" (CAPF-09).
    pub fn command(&self) -> Result<Command> {
        Command::known(self.command).ok_or_else(|| malformed("unknown command"))
    }
}

/// A whole message, to be written at once. Errors: `internal` if the body is too long for its length.
pub fn write(command: Command, session: u32, body: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(body.len()).map_err(|_| Error::internal("a CAPF message is too long"))?;
    let mut message = Vec::with_capacity(HEADER_LEN + body.len());
    message.extend([PROTOCOL, command.code()]);
    message.extend(session.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(body);
    Ok(message)
}

/// A message that is not as the protocol has it.
pub(crate) fn malformed(text: impl Into<String>) -> Error {
    Error::malformed(MALFORMED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_command_session_and_length() {
        let header = Header::read([0x55, 2, 0xde, 0xad, 0xbe, 0xef, 0x40, 0x00]).unwrap();
        assert_eq!(header.command().unwrap(), Command::AuthResponse);
        assert_eq!((header.session(), header.body_len()), (0xdead_beef, 16_384));
    }

    #[test]
    fn capf_06_a_body_over_the_cap_is_refused_by_its_header() {
        for length in [[0x40, 0x01], [0xff, 0xff]] {
            let refused = Header::read([0x55, 2, 0, 0, 0, 1, length[0], length[1]]).unwrap_err();
            assert_eq!((refused.code(), refused.detail()), (MALFORMED, "message too large"));
        }
    }

    #[test]
    fn capf_09_commands_that_do_not_exist_are_refused() {
        for command in [0, 24, 255] {
            let header = Header::read([0x55, command, 0, 0, 0, 1, 0, 0]).unwrap();
            assert_eq!(header.command().unwrap_err().detail(), "unknown command");
        }
    }

    #[test]
    fn another_protocol_is_refused() {
        let tls_alert = [0x15, 3, 1, 0, 2, 2, 40, 0];
        assert_eq!(Header::read(tls_alert).unwrap_err().detail(), "not a CAPF message");
    }

    #[test]
    fn a_message_is_written_octet_for_octet() {
        let written = write(Command::EndSession, 0x0102_0304, &[1, 0, 1, 9]).unwrap();
        assert_eq!(written, [0x55, 15, 1, 2, 3, 4, 0, 4, 1, 0, 1, 9]);
        assert!(write(Command::EndSession, 1, &vec![0; 65_536]).is_err());
    }
}
