//! Rows of `COPY … TO STDOUT (FORMAT binary)`: for reading a whole zone, where rows of a query would cost the most. The
//! format is that of the PostgreSQL manual, COPY, "Binary Format".

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use futures::StreamExt;
use futures::stream::BoxStream;
use sqlx::PgConnection;
use uuid::Uuid;

/// What the binary format begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Rows on their way out of the server. Whoever stops before the last one has no further use of the connection.
pub struct CopyOut<'c> {
    chunks: BoxStream<'c, Result<Bytes, sqlx::Error>>,
    rows: Rows,
}

impl<'c> CopyOut<'c> {
    /// Begins a statement, which must be a `COPY … TO STDOUT (FORMAT binary)`. It takes no parameters: the zone is that of
    /// the transaction.
    pub async fn begin(
        conn: &'c mut PgConnection,
        statement: &'static str,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            chunks: conn.copy_out_raw(statement).await?,
            rows: Rows::default(),
        })
    }

    /// The next rows, at most so many; none after the last one.
    pub async fn next<T>(
        &mut self,
        most: usize,
        mut read: impl FnMut(&mut Fields<'_>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, sqlx::Error> {
        let mut found = Vec::with_capacity(most);
        while found.len() < most {
            if let Some(mut fields) = self.rows.next().map_err(decode)? {
                found.push(read(&mut fields).map_err(decode)?);
            } else if let Some(chunk) = self.chunks.next().await {
                self.rows.push(&chunk?);
            } else {
                break;
            }
        }
        Ok(found)
    }
}

/// Bytes that are no rows of this format, or not of the columns that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's copy can't be read")]
pub struct Malformed;

fn decode(malformed: Malformed) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(malformed))
}

/// What has arrived and is not read yet. Rows may be parted anywhere.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    /// How much of it was read.
    read: usize,
    has_begun: bool,
    is_over: bool,
}

impl Rows {
    fn push(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// The next row, if all of it is here.
    fn next(&mut self) -> Result<Option<Fields<'_>>, Malformed> {
        if self.is_over {
            return Ok(None);
        }
        let unread = self.bytes.get(self.read..).unwrap_or_default();
        let mut rest = unread;
        if !self.has_begun && skip_header(&mut rest)?.is_none() {
            return Ok(None);
        }
        let Some(count) = take(&mut rest).map(i16::from_be_bytes) else {
            return Ok(None);
        };
        let Ok(count) = usize::try_from(count) else {
            self.is_over = true; // -1 is the trailer.
            return Ok(None);
        };
        let fields = rest;
        for _ in 0..count {
            let Some(length) = take(&mut rest).map(i32::from_be_bytes) else {
                return Ok(None);
            };
            let length = usize::try_from(length).unwrap_or(0); // -1 is NULL.
            let Some((_, after)) = rest.split_at_checked(length) else {
                return Ok(None);
            };
            rest = after;
        }
        self.has_begun = true;
        self.read += unread.len() - rest.len();
        Ok(Some(Fields(fields)))
    }
}

/// Goes past signature, flags and extension; `None` if not all of it is here.
fn skip_header(rest: &mut &[u8]) -> Result<Option<()>, Malformed> {
    let begin = rest.get(..SIGNATURE.len()).unwrap_or(rest);
    if !SIGNATURE.starts_with(begin) {
        return Err(Malformed);
    }
    let Some(after) = rest.get(SIGNATURE.len() + size_of::<i32>()..) else {
        return Ok(None);
    };
    *rest = after;
    let Some(extension) = take(rest).map(u32::from_be_bytes) else {
        return Ok(None);
    };
    let extension = usize::try_from(extension).map_err(|_| Malformed)?;
    let Some(after) = rest.get(extension..) else {
        return Ok(None);
    };
    *rest = after;
    Ok(Some(()))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

/// The fields of a row, in their order; `None` is NULL.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let length = take(&mut self.0).map(i32::from_be_bytes);
        let Ok(length) = usize::try_from(length.ok_or(Malformed)?) else {
            return Ok(None);
        };
        let (field, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(Some(field))
    }

    fn array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Malformed> {
        let field = self.next()?;
        let array = field.map(|bytes| bytes.try_into().map_err(|_| Malformed));
        array.transpose()
    }

    /// A `bigint`.
    pub fn bigint(&mut self) -> Result<Option<i64>, Malformed> {
        Ok(self.array()?.map(i64::from_be_bytes))
    }

    /// A `smallint`.
    pub fn smallint(&mut self) -> Result<Option<i16>, Malformed> {
        Ok(self.array()?.map(i16::from_be_bytes))
    }

    /// A `uuid`.
    pub fn uuid(&mut self) -> Result<Option<Uuid>, Malformed> {
        Ok(self.array()?.map(Uuid::from_bytes))
    }

    /// A `date`: days since 2000-01-01.
    pub fn date(&mut self) -> Result<Option<NaiveDate>, Malformed> {
        const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("BUG: this is a day");
        let Some(days) = self.array()?.map(i32::from_be_bytes) else {
            return Ok(None);
        };
        let distance = Days::new(u64::from(days.unsigned_abs()));
        let day = if days < 0 {
            FIRST.checked_sub_days(distance)
        } else {
            FIRST.checked_add_days(distance)
        };
        day.map(Some).ok_or(Malformed)
    }

    /// A `text`.
    pub fn text(&mut self) -> Result<Option<&'a str>, Malformed> {
        let field = self.next()?;
        let text = field.map(|bytes| str::from_utf8(bytes).map_err(|_| Malformed));
        text.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (i64, Option<NaiveDate>, Option<String>);

    fn read(fields: &mut Fields<'_>) -> Result<Row, Malformed> {
        let number = fields.bigint()?.ok_or(Malformed)?;
        Ok((number, fields.date()?, fields.text()?.map(str::to_owned)))
    }

    /// What is read of chunks of that size.
    fn read_all(bytes: &[u8], size: usize) -> Result<Vec<Row>, Malformed> {
        let mut rows = Rows::default();
        let mut found = Vec::new();
        for chunk in bytes.chunks(size) {
            rows.push(chunk);
            while let Some(mut fields) = rows.next()? {
                found.push(read(&mut fields)?);
            }
        }
        Ok(found)
    }

    /// A header and two rows: `1, 2020-02-29, 券` and `-2, NULL, NULL`, as the server writes them.
    fn copied() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9]);
        bytes.extend([0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0, 0, 0, 4, 0, 0, 0x1c, 0xc4, 0, 0, 0, 3]);
        bytes.extend("券".as_bytes());
        bytes.extend([0, 3, 0, 0, 0, 8]);
        bytes.extend((-2_i64).to_be_bytes());
        bytes.extend([0xff; 8]);
        bytes.extend([0xff, 0xff]);
        bytes
    }

    #[test]
    fn rows_are_read_wherever_they_are_parted() {
        let day = "2020-02-29".parse().ok();
        let rows = vec![(1, day, Some("券".to_owned())), (-2, None, None)];
        let bytes = copied();
        for size in 1..=bytes.len() {
            assert_eq!(read_all(&bytes, size), Ok(rows.clone()), "{size}");
        }
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        let text = b"1\t2020-02-29\t\\N\n";
        assert_eq!(read_all(text, text.len()), Err(Malformed));
        let mut fields = Fields(&[0, 0, 0, 2, 0, 1]);
        assert_eq!(fields.bigint(), Err(Malformed), "of another length");
        assert_eq!(Fields(&[0, 0, 0, 2, 0]).text(), Err(Malformed), "cut off");
        assert_eq!(Fields(&[]).date(), Err(Malformed), "one column too few");
        assert_eq!(
            Fields(&[0, 0, 0, 1, 0xff]).text(),
            Err(Malformed),
            "no UTF-8"
        );
    }
}
