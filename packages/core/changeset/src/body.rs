//! The entry lists of UPLOAD and DOWNLOAD messages: decimal fields, each followed by one space,
//! then the bytes of a changeset, back to back (protocol 7 to 14). The head of the message and its
//! compression are TypeScript's.

/// What a message body may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Number of entries.
    pub entries_max: usize,
    /// Size of one changeset.
    pub changeset_bytes_max: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        // An UPLOAD is 16 MB at most, and an entry takes ten bytes at least.
        Self {
            entries_max: 1 << 20,
            changeset_bytes_max: 1 << 26,
        }
    }
}

/// One changeset of an UPLOAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadEntry<'a> {
    /// Version of the client's history that the changeset made.
    pub client_version: u64,
    /// Last server version the client had integrated before.
    pub server_version: u64,
    /// Origin timestamp: milliseconds since 2015-01-01.
    pub timestamp: u64,
    /// Origin file ident; 0 is the uploading client itself.
    pub origin_file_ident: u64,
    /// The changeset as it was emitted.
    pub changeset: &'a [u8],
}

/// One changeset of a DOWNLOAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadEntry<'a> {
    /// Version of the server's history; never 0.
    pub server_version: u64,
    /// Last client version that the server had integrated before.
    pub client_version: u64,
    /// Origin timestamp: milliseconds since 2015-01-01.
    pub timestamp: u64,
    /// Origin file ident.
    pub origin_file_ident: u64,
    /// Size before compaction; only used to count progress.
    pub original_size: u64,
    /// The changeset.
    pub changeset: &'a [u8],
}

/// Why a body is not a list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// A field is not a plain decimal number followed by a space.
    #[error("bad number in message body at byte {0}")]
    Number(usize),
    /// A number beyond 2^63 − 1.
    #[error("number out of range in message body at byte {0}")]
    Range(usize),
    /// A changeset runs past the end of the body.
    #[error("message body is truncated at byte {0}")]
    Truncated(usize),
    /// An entry with server version 0.
    #[error("server version 0 in message body at byte {0}")]
    ServerVersion(usize),
    /// More or larger entries than [`BodyLimits`] allow.
    #[error("message body exceeds a limit at byte {0}")]
    Limit(usize),
}

impl BodyError {
    /// A number for each variant that never changes.
    pub fn code(self) -> u32 {
        match self {
            Self::Number(_) => 1,
            Self::Range(_) => 2,
            Self::Truncated(_) => 3,
            Self::ServerVersion(_) => 4,
            Self::Limit(_) => 5,
        }
    }
}

/// Reads the body of an UPLOAD; changesets stay where they are.
pub fn parse_upload_body(
    body: &[u8],
    limits: BodyLimits,
) -> Result<Vec<UploadEntry<'_>>, BodyError> {
    let mut scanner = Scanner {
        body,
        position: 0,
        limits,
    };
    let mut entries = Vec::new();
    while scanner.more(entries.len())? {
        entries.push(UploadEntry {
            client_version: scanner.number()?,
            server_version: scanner.number()?,
            timestamp: scanner.number()?,
            origin_file_ident: scanner.number()?,
            changeset: scanner.changeset()?,
        });
    }
    Ok(entries)
}

/// Reads the body of a DOWNLOAD; changesets stay where they are.
pub fn parse_download_body(
    body: &[u8],
    limits: BodyLimits,
) -> Result<Vec<DownloadEntry<'_>>, BodyError> {
    let mut scanner = Scanner {
        body,
        position: 0,
        limits,
    };
    let mut entries = Vec::new();
    while scanner.more(entries.len())? {
        let start = scanner.position;
        let server_version = scanner.number()?;
        if server_version == 0 {
            return Err(BodyError::ServerVersion(start));
        }
        entries.push(DownloadEntry {
            server_version,
            client_version: scanner.number()?,
            timestamp: scanner.number()?,
            origin_file_ident: scanner.number()?,
            original_size: scanner.number()?,
            changeset: scanner.changeset()?,
        });
    }
    Ok(entries)
}

/// Appends an entry of an UPLOAD.
pub fn write_upload_entry(out: &mut Vec<u8>, entry: &UploadEntry<'_>) {
    write_number(out, entry.client_version);
    write_number(out, entry.server_version);
    write_number(out, entry.timestamp);
    write_number(out, entry.origin_file_ident);
    write_number(out, entry.changeset.len() as u64);
    out.extend_from_slice(entry.changeset);
}

/// Appends an entry of a DOWNLOAD.
pub fn write_download_entry(out: &mut Vec<u8>, entry: &DownloadEntry<'_>) {
    write_number(out, entry.server_version);
    write_number(out, entry.client_version);
    write_number(out, entry.timestamp);
    write_number(out, entry.origin_file_ident);
    write_number(out, entry.original_size);
    write_number(out, entry.changeset.len() as u64);
    out.extend_from_slice(entry.changeset);
}

/// The body of an UPLOAD.
pub fn write_upload_body(entries: &[UploadEntry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        write_upload_entry(&mut out, entry);
    }
    out
}

/// The body of a DOWNLOAD.
pub fn write_download_body(entries: &[DownloadEntry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        write_download_entry(&mut out, entry);
    }
    out
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
    out.push(b' ');
}

struct Scanner<'a> {
    body: &'a [u8],
    position: usize,
    limits: BodyLimits,
}

impl<'a> Scanner<'a> {
    fn more(&self, entries: usize) -> Result<bool, BodyError> {
        if self.position == self.body.len() {
            return Ok(false);
        }
        if entries >= self.limits.entries_max {
            return Err(BodyError::Limit(self.position));
        }
        Ok(true)
    }

    /// A plain decimal number of 0 to 2^63 − 1 and the space after it.
    fn number(&mut self) -> Result<u64, BodyError> {
        const DIGITS_MAX: usize = 19;
        let start = self.position;
        let mut number = 0_u64;
        let mut digits = 0;
        loop {
            match self.body.get(self.position) {
                Some(digit @ b'0'..=b'9') if digits < DIGITS_MAX => {
                    number = number * 10 + u64::from(digit - b'0');
                    digits += 1;
                }
                Some(b'0'..=b'9') => return Err(BodyError::Range(start)),
                Some(b' ') if digits > 0 => break,
                _ => return Err(BodyError::Number(start)),
            }
            self.position += 1;
        }
        self.position += 1;
        if number > i64::MAX.cast_unsigned() {
            return Err(BodyError::Range(start));
        }
        Ok(number)
    }

    fn changeset(&mut self) -> Result<&'a [u8], BodyError> {
        let size = self.number()?;
        let rest = self.body.get(self.position..).unwrap_or_default();
        let size = usize::try_from(size).map_err(|_| BodyError::Truncated(self.position))?;
        if size > self.limits.changeset_bytes_max {
            return Err(BodyError::Limit(self.position));
        }
        let changeset = rest
            .get(..size)
            .ok_or(BodyError::Truncated(self.position))?;
        self.position += size;
        Ok(changeset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_entries_survive_the_round_trip() {
        let entries = [
            UploadEntry {
                client_version: 2,
                server_version: 0,
                timestamp: 17,
                origin_file_ident: 0,
                changeset: b"",
            },
            UploadEntry {
                client_version: i64::MAX.cast_unsigned(),
                server_version: 9,
                timestamp: 0,
                origin_file_ident: 3,
                changeset: b" 1 2 ",
            },
        ];
        let body = write_upload_body(&entries);
        assert_eq!(body, b"2 0 17 0 0 9223372036854775807 9 0 3 5  1 2 ");
        assert_eq!(
            parse_upload_body(&body, BodyLimits::default()),
            Ok(entries.to_vec())
        );
    }

    #[test]
    fn download_entries_survive_the_round_trip() {
        let entries = [DownloadEntry {
            server_version: 5,
            client_version: 4,
            timestamp: 3,
            origin_file_ident: 2,
            original_size: 100,
            changeset: &[0x3f, 0, 1],
        }];
        let body = write_download_body(&entries);
        assert_eq!(body, b"5 4 3 2 100 3 \x3f\0\x01");
        assert_eq!(
            parse_download_body(&body, BodyLimits::default()),
            Ok(entries.to_vec())
        );
    }

    #[test]
    fn damaged_bodies_are_refused() {
        let limits = BodyLimits {
            entries_max: 1,
            changeset_bytes_max: 4,
        };
        let upload =
            |body: &str| parse_upload_body(body.as_bytes(), limits).map(|entries| entries.len());
        assert_eq!(upload(""), Ok(0));
        assert_eq!(upload("1 2 3 0 4 abcd"), Ok(1));
        assert_eq!(upload("1 2 3 0 4 abc"), Err(BodyError::Truncated(10)));
        assert_eq!(upload("1 2 3 0 5 abcde"), Err(BodyError::Limit(10)));
        assert_eq!(upload("1 2 3 0 0 1 2 3 0 0 "), Err(BodyError::Limit(10)));
        assert_eq!(upload("1 2 -3 0 0 "), Err(BodyError::Number(4)));
        assert_eq!(upload("+1 2 3 0 0 "), Err(BodyError::Number(0)));
        assert_eq!(upload("1  2 3 0 0 "), Err(BodyError::Number(2)));
        assert_eq!(upload("1 2 3 0 0"), Err(BodyError::Number(8)));
        assert_eq!(
            upload("9223372036854775808 2 3 0 0 "),
            Err(BodyError::Range(0))
        );
        assert_eq!(
            upload("10000000000000000000 2 3 0 0 "),
            Err(BodyError::Range(0))
        );
        let zero = parse_download_body(b"0 2 3 0 0 0 ", limits);
        assert_eq!(zero, Err(BodyError::ServerVersion(0)));
    }
}
