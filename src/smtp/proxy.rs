//! The PROXY protocol (HAProxy's proxy-protocol.txt, versions 1 and 2): before all else a proxy tells whose
//! connection it hands on.
//!
//! Whether a header must come is never guessed from what comes: the configuration names the proxies. The header is
//! read to its end and not an octet further, so that what is behind it is the session's. proxy-header reads what it
//! says; where it ends is found here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// How long a header may take. A proxy sends it with the first packet, without waiting for anybody.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a header of version 1 begins, and how it ends; octets of the shortest and the longest.
const TEXT: &[u8] = b"PROXY ";
const TEXT_END: &[u8] = b"\r\n";
const TEXT_SHORTEST: usize = "PROXY UNKNOWN\r\n".len();
const TEXT_LONGEST: usize = 107;

/// How a header of version 2 begins: the signature; with a command and a length its head is complete.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The command LOCAL after the signature: the proxy speaks for itself, and what else it says is to be ignored.
const BINARY_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20";
const BINARY_HEAD: usize = 16;
/// Addresses need 216 octets at most; the rest is for extensions, of which we read none.
const BINARY_LONGEST: usize = 4096;

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHeader {
    /// The connection was closed before its first octet: somebody looks whether we are there.
    #[error("closed by the proxy at once")]
    Unused,
    /// It was closed in the middle of the header.
    #[error("closed by the proxy before the end of its PROXY header")]
    Torn,
    /// It did not come in time.
    #[error("no PROXY header came within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// Something else came.
    #[error("what came first is no PROXY header")]
    Malformed,
    /// It is longer than any that is right.
    #[error("the PROXY header is longer than {0} octets")]
    TooLong(usize),
    /// The connection is broken.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Whose connection it is, by the header. `None`: the proxy's own, or nobody knows.
pub(super) async fn announced(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, NoHeader> {
    let header = timeout(PATIENCE, header(stream)).await.map_err(|_| NoHeader::TimedOut)??;
    source(&header)
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, NoHeader> {
    let mut header = Vec::new();
    loop {
        let missing = missing(&header)?;
        if missing == 0 {
            return Ok(header);
        }
        let read = stream.take(u64::try_from(missing).unwrap_or(1)).read_buf(&mut header).await?;
        if read == 0 {
            return Err(if header.is_empty() { NoHeader::Unused } else { NoHeader::Torn });
        }
    }
}

/// How many octets the header has at least, after those that are there: 0 once it is complete.
fn missing(header: &[u8]) -> Result<usize, NoHeader> {
    let begins_as = |signature: &[u8]| header.iter().zip(signature).all(|(octet, expected)| octet == expected);
    if begins_as(TEXT) {
        missing_of_text(header)
    } else if begins_as(BINARY) {
        missing_of_binary(header)
    } else {
        Err(NoHeader::Malformed)
    }
}

fn missing_of_text(header: &[u8]) -> Result<usize, NoHeader> {
    match memmem::find(header, TEXT_END) {
        Some(end) if end + TEXT_END.len() == header.len() => Ok(0),
        // Its line ends before the shortest header does.
        Some(_) => Err(NoHeader::Malformed),
        None if header.len() >= TEXT_LONGEST => Err(NoHeader::TooLong(TEXT_LONGEST)),
        None => Ok(TEXT_SHORTEST.saturating_sub(header.len()).max(1)),
    }
}

fn missing_of_binary(header: &[u8]) -> Result<usize, NoHeader> {
    let Some(&[_, _, high, low]) = header.get(BINARY.len()..BINARY_HEAD) else {
        return Ok(BINARY_HEAD - header.len());
    };
    let whole = BINARY_HEAD + usize::from(u16::from_be_bytes([high, low]));
    if whole > BINARY_LONGEST {
        return Err(NoHeader::TooLong(BINARY_LONGEST));
    }
    Ok(whole.saturating_sub(header.len()))
}

/// The source that a whole header names.
fn source(header: &[u8]) -> Result<Option<SocketAddr>, NoHeader> {
    if header.starts_with(BINARY_LOCAL) {
        return Ok(None);
    }
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let (header, _) = ProxyHeader::parse(header, config).map_err(|_| NoHeader::Malformed)?;
    match header.proxied_address() {
        None => Ok(None),
        Some(address) if address.protocol == Protocol::Stream => {
            Ok(Some(SocketAddr::new(address.source.ip().to_canonical(), address.source.port())))
        }
        // Nobody speaks SMTP over datagrams.
        Some(_) => Err(NoHeader::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// Sends octets in pieces and closes; what they announce, and what is left for the session.
    async fn read(octets: &[u8], piece: usize) -> (Result<Option<SocketAddr>, String>, Vec<u8>) {
        let (mut theirs, mut ours) = duplex(piece);
        let sent = octets.to_vec();
        let sending = tokio::spawn(async move {
            // Whoever reads no further takes no more.
            let _ = theirs.write_all(&sent).await;
        });
        let announced = announced(&mut ours).await.map_err(|error| error.to_string());
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).await.unwrap();
        sending.await.unwrap();
        (announced, rest)
    }

    fn address(text: &str) -> Option<SocketAddr> {
        Some(text.parse().unwrap())
    }

    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [BINARY, &[command, family], &length, block].concat()
    }

    const V4: &[u8] = b"\xc6\x33\x64\x07\xc0\x00\x02\x01\x9c\x40\x00\x19";
    const V6: &[u8] =
        b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x9c\x40\0\x19";

    #[rstest]
    #[case(b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n".to_vec(), address("198.51.100.7:40000"))]
    #[case(b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n".to_vec(), address("[2001:db8::7]:40000"))]
    #[case(b"PROXY TCP6 ::ffff:198.51.100.7 ::1 40000 25\r\n".to_vec(), address("198.51.100.7:40000"))]
    #[case(b"PROXY UNKNOWN\r\n".to_vec(), None)]
    #[case(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(), None)]
    #[case(binary(0x21, 0x11, V4), address("198.51.100.7:40000"))]
    #[case(binary(0x21, 0x11, &[V4, b"\x05\0\x03abc"].concat()), address("198.51.100.7:40000"))]
    #[case(binary(0x21, 0x21, V6), address("[2001:db8::7]:40000"))]
    #[case(binary(0x21, 0x00, b"what is unspecified is ignored"), None)]
    #[case(binary(0x21, 0x31, &[0; 216]), None)]
    #[case(binary(0x20, 0x00, b""), None)]
    #[case(binary(0x20, 0x11, b"short"), None)]
    #[tokio::test]
    async fn a_header_is_read_and_nothing_behind_it(#[case] header: Vec<u8>, #[case] expected: Option<SocketAddr>) {
        for behind in [&b""[..], b"EHLO client.example\r\n"] {
            for piece in [1, 7, 4096] {
                let (announced, rest) = read(&[&header, behind].concat(), piece).await;
                assert_eq!(announced.as_ref(), Ok(&expected));
                assert_eq!(rest, behind);
            }
        }
    }

    #[rstest]
    #[case(b"".to_vec(), "closed by the proxy at once")]
    #[case(b"PROXY TCP4 198.51.100.7".to_vec(), "closed by the proxy before the end of its PROXY header")]
    #[case(binary(0x21, 0x11, V4)[..20].to_vec(), "closed by the proxy before the end of its PROXY header")]
    #[case(b"EHLO client.example\r\n".to_vec(), "what came first is no PROXY header")]
    #[case(b"\r\nEHLO client.example\r\n".to_vec(), "what came first is no PROXY header")]
    #[case(b"PROXY \r\n and more of it".to_vec(), "what came first is no PROXY header")]
    #[case(b"PROXY TCP4 198.51.100.7 192.0.2.1 40000\r\n".to_vec(), "what came first is no PROXY header")]
    #[case(b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n".to_vec(), "what came first is no PROXY header")]
    #[case(b"PROXY TCP4 198.51.100.7 192.0.2.1 65536 25\r\n".to_vec(), "what came first is no PROXY header")]
    #[case([b"PROXY TCP4 ".to_vec(), vec![b'1'; 200]].concat(), "the PROXY header is longer than 107 octets")]
    #[case(binary(0x21, 0x11, b"short"), "what came first is no PROXY header")]
    #[case(binary(0x21, 0x12, V4), "what came first is no PROXY header")]
    #[case(binary(0x22, 0x11, V4), "what came first is no PROXY header")]
    #[case(binary(0x11, 0x11, V4), "what came first is no PROXY header")]
    #[case(binary(0x21, 0x41, V4), "what came first is no PROXY header")]
    #[case(binary(0x21, 0x11, &[0; 4096]), "the PROXY header is longer than 4096 octets")]
    #[tokio::test]
    async fn what_is_no_header_is_told_apart(#[case] octets: Vec<u8>, #[case] expected: &str) {
        for piece in [1, 4096] {
            assert_eq!(read(&octets, piece).await.0, Err(expected.to_owned()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_header_is_not_waited_for() {
        let (mut theirs, mut ours) = duplex(64);
        let dripping = tokio::spawn(async move {
            for octet in b"PROXY UNKNOWN\r\n" {
                tokio::time::sleep(PATIENCE / 4).await;
                if theirs.write_all(&[*octet]).await.is_err() {
                    return;
                }
            }
        });
        let began = tokio::time::Instant::now();
        assert!(matches!(announced(&mut ours).await, Err(NoHeader::TimedOut)));
        assert_eq!(began.elapsed(), PATIENCE);
        drop(ours);
        dripping.await.unwrap();
    }

    proptest! {
        #[test]
        fn any_octets_are_bounded(
            start in prop::sample::select(vec![&b""[..], TEXT, b"PROXY TCP4 ", b"PROXY TCP6 ", BINARY, BINARY_LOCAL]),
            octets in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let octets = [start, &octets].concat();
            let mut length = 0;
            // As they are read: never more than is missing.
            while let Ok(missing) = missing(&octets[..length]) {
                prop_assert!(length + missing <= BINARY_LONGEST);
                if missing == 0 {
                    let _ = source(&octets[..length]);
                    break;
                }
                if length + missing > octets.len() {
                    break;
                }
                length += missing;
            }
        }

        #[test]
        fn any_address_is_read_back(source: SocketAddr, destination: SocketAddr) {
            prop_assume!(source.is_ipv4() == destination.is_ipv4());
            let written = ProxyHeader::with_address(proxy_header::ProxiedAddress::stream(source, destination));
            let (mut text, mut binary) = (Vec::new(), Vec::new());
            written.encode_v1(&mut text).unwrap();
            written.encode_v2(&mut binary).unwrap();
            for header in [text, binary] {
                prop_assert_eq!(missing(&header).unwrap(), 0);
                let read = super::source(&header).unwrap().unwrap();
                prop_assert_eq!((read.ip(), read.port()), (source.ip().to_canonical(), source.port()));
            }
        }
    }
}
