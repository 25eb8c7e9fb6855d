//! The packets of TFTP (RFC 1350 §5, RFC 2347, 2348, 2349).

/// The longest request (RFC 2347).
pub const MOST_REQUEST: usize = 512;
/// Block sizes that may be asked for (RFC 2348).
const BLOCK_SIZES: std::ops::RangeInclusive<u32> = 8..=65_464;
/// The largest block that is sent: no datagram is taken apart on its way.
const LARGEST_BLOCK: u32 = 1428;
/// Timeouts in seconds that are agreed to (RFC 2349 has up to 255).
const TIMEOUTS: std::ops::RangeInclusive<u32> = 1..=10;

/// What comes from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// It wants to read.
    Read(Request),
    /// It has this block.
    Acknowledgement(u16),
    /// It gives up.
    Error,
}

/// A request to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the file.
    pub name: String,
    /// The block size that is agreed to, if one was asked for.
    pub block_size: Option<u16>,
    /// The seconds after which a block is sent again, if they were asked for and are agreed to.
    pub timeout: Option<u8>,
    /// Whether the size is asked for.
    pub size: bool,
}

/// Error codes that are sent (RFC 1350, appendix).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 0: see the text.
    Undefined,
    /// 1.
    NotFound,
    /// 2.
    AccessViolation,
    /// 4.
    IllegalOperation,
}

impl Code {
    fn number(self) -> u16 {
        match self {
            Self::Undefined => 0,
            Self::NotFound => 1,
            Self::AccessViolation => 2,
            Self::IllegalOperation => 4,
        }
    }
}

/// Why a packet is answered by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its number.
    pub code: Code,
    /// For people.
    pub text: &'static str,
}

impl Packet {
    /// Reads a datagram. An option that is not known, or whose value is none that is allowed, is left out of the answer
    /// (RFC 2347). Errors: what to tell the client.
    pub fn read(datagram: &[u8]) -> Result<Self, Refused> {
        let (code, rest) = datagram.split_first_chunk().ok_or(illegal("no operation"))?;
        match u16::from_be_bytes(*code) {
            1 if datagram.len() > MOST_REQUEST => Err(illegal("a request has at most 512 bytes")),
            1 => request(rest).map(Self::Read),
            2 => Err(Refused { code: Code::AccessViolation, text: "files are only read here" }),
            4 => match rest {
                [high, low] => Ok(Self::Acknowledgement(u16::from_be_bytes([*high, *low]))),
                _ => Err(illegal("an acknowledgement names one block")),
            },
            5 => Ok(Self::Error),
            _ => Err(illegal("no such operation")),
        }
    }
}

/// A block of a file.
pub fn data(block: u16, bytes: &[u8]) -> Vec<u8> {
    [&3u16.to_be_bytes(), &block.to_be_bytes(), bytes].concat()
}

/// An error.
pub fn error(code: Code, text: &str) -> Vec<u8> {
    [&5u16.to_be_bytes(), &code.number().to_be_bytes(), text.as_bytes(), &[0]].concat()
}

/// What of the options is agreed to; none if nothing is (RFC 2347).
pub fn agreed(request: &Request, size: usize) -> Option<Vec<u8>> {
    let options = [
        ("blksize", request.block_size.map(u64::from)),
        ("timeout", request.timeout.map(u64::from)),
        ("tsize", request.size.then(|| u64::try_from(size).unwrap_or(u64::MAX))),
    ];
    let mut packet = 6u16.to_be_bytes().to_vec();
    for (name, value) in options {
        if let Some(value) = value {
            packet.extend(format!("{name}\0{value}\0").bytes());
        }
    }
    (packet.len() > 2).then_some(packet)
}

fn illegal(text: &'static str) -> Refused {
    Refused { code: Code::IllegalOperation, text }
}

fn request(rest: &[u8]) -> Result<Request, Refused> {
    let broken = illegal("a request is a name, a mode and options, each ended by NUL");
    let text = std::str::from_utf8(rest).ok().and_then(|text| text.strip_suffix('\0')).ok_or(broken)?;
    let mut words = text.split('\0');
    let name = words.next().filter(|name| !name.is_empty()).ok_or(broken)?;
    let mode = words.next().ok_or(broken)?;
    if !mode.eq_ignore_ascii_case("octet") {
        return Err(illegal("files are sent as they are: mode octet"));
    }
    let mut request = Request { name: name.to_owned(), block_size: None, timeout: None, size: false };
    while let Some(option) = words.next() {
        let value = words.next().ok_or(broken)?;
        take(&mut request, option, value);
    }
    Ok(request)
}

fn take(request: &mut Request, option: &str, value: &str) {
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let Some(value) = is_number.then(|| value.parse::<u32>().ok()).flatten() else { return };
    match option.to_ascii_lowercase().as_str() {
        "blksize" if BLOCK_SIZES.contains(&value) => {
            request.block_size = u16::try_from(value.min(LARGEST_BLOCK)).ok();
        }
        "timeout" if TIMEOUTS.contains(&value) => request.timeout = u8::try_from(value).ok(),
        "tsize" if value == 0 => request.size = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &[u8]) -> Result<Packet, Refused> {
        Packet::read(&[&[0, 1], rest].concat())
    }

    fn plain(name: &str) -> Request {
        Request { name: name.into(), block_size: None, timeout: None, size: false }
    }

    #[test]
    fn a_request_is_read_with_its_options() {
        assert_eq!(read(b"ITLFile.tlv\0octet\0"), Ok(Packet::Read(plain("ITLFile.tlv"))));
        let asked = read(b"ITLFile.tlv\0OCTET\0blksize\x001024\0tsize\x000\0timeout\x003\0");
        let request =
            Request { block_size: Some(1024), timeout: Some(3), size: true, ..plain("ITLFile.tlv") };
        assert_eq!(asked, Ok(Packet::Read(request.clone())));
        let packet = agreed(&request, 5000).unwrap();
        assert_eq!(packet, b"\0\x06blksize\x001024\0timeout\x003\0tsize\x005000\0");
        assert_eq!(agreed(&plain("x"), 5000), None);
    }

    /// TFTP-01 to TFTP-04.
    #[test]
    fn an_option_out_of_its_range_is_left_out() {
        let with = |option: &str| read(format!("x\0octet\0{option}\0").as_bytes());
        for option in [
            "blksize\x007",
            "blksize\x0065465",
            "blksize\0-1",
            "blksize\0",
            "timeout\x000",
            "timeout\x00256",
            "tsize\x005",
            "windowsize\x0016",
            "blksize\x00+512",
            "blksize\x0099999999999",
        ] {
            assert_eq!(with(option), Ok(Packet::Read(plain("x"))), "{option:?}");
        }
        let large = Request { block_size: Some(1428), ..plain("x") };
        assert_eq!(with("blksize\x0065464"), Ok(Packet::Read(large)));
    }

    /// TFTP-05 to TFTP-09.
    #[test]
    fn what_is_no_request_to_read_is_refused() {
        let code = |datagram: &[u8]| Packet::read(datagram).unwrap_err().code;
        assert_eq!(code(b"\0\x02x\0octet\0"), Code::AccessViolation);
        assert_eq!(code(b"\0\x01x\0netascii\0"), Code::IllegalOperation);
        assert_eq!(code(b"\0\x01x\0octet\0blksize\0"), Code::IllegalOperation);
        assert_eq!(code(b"\0\x01\xff\0octet\0"), Code::IllegalOperation);
        assert_eq!(
            code(&[b"\0\x01".as_slice(), &[b'x'; 504], b"\0octet\0"].concat()),
            Code::IllegalOperation
        );
        assert_eq!(code(b"\0\x04\0"), Code::IllegalOperation);
        assert_eq!(code(b"\0\x09"), Code::IllegalOperation);
        let whole = b"\0\x01ITLFile.tlv\0octet\0";
        for cut in 0..whole.len() {
            assert!(Packet::read(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn blocks_and_errors_are_written() {
        assert_eq!(data(258, b"ab"), [0, 3, 1, 2, b'a', b'b']);
        assert_eq!(error(Code::NotFound, "no"), [0, 5, 0, 1, b'n', b'o', 0]);
    }
}
