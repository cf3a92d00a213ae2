//! Which column of somebody else's file is which of our fields.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Encoding, ReadOptions, Row, RowError, Table};

/// Something that an import reads from each row.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in mappings.
    pub name: &'static str,
    /// Column names that are taken for it without a mapping; small and capital letters are the same.
    pub headers: &'static [&'static str],
    /// Whether a file without it is refused.
    pub required: bool,
}

/// How a file's columns become fields. A TOML file, options of the command line, or both:
///
/// ```toml
/// ignore = ["Thema", "Jaar"]      # columns not wanted; ["*"] for all that are not named
/// sheet = "Blad1"                 # of a workbook
/// encoding = "gb18030"            # of a CSV file
///
/// [columns]                       # field = column
/// name = "Naam"
///
/// [constants]                     # field = the same text for every row
/// currency = "EUR"
///
/// [values.outcome]                # field: text of the file = our text
/// Afgewezen = "refused"
///
/// [options]                       # further settings of the import, named in its help
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    ignore: Vec<String>,
    sheet: Option<String>,
    encoding: Option<Encoding>,
    columns: BTreeMap<String, String>,
    constants: BTreeMap<String, String>,
    values: BTreeMap<String, BTreeMap<String, String>>,
    options: toml::Table,
}

/// Why a mapping does not fit its file or the import.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or with a key that mappings do not have.
    #[error("the mapping is not valid: {0}")]
    Toml(#[from] toml::de::Error),
    /// Not `field=Column`.
    #[error("{0:?} is not a column mapping: write field=Column, such as name=Naam")]
    Option(String),
    /// A field that the import does not have.
    #[error("the mapping names the unknown field {field:?}: fields are {}", .known.join(", "))]
    UnknownField {
        /// The name in the mapping.
        field: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A column and a constant for one field.
    #[error("the mapping gives {0} a column and a constant: keep one of them")]
    Twice(String),
    /// A column that the file does not have.
    #[error("the mapping names the column {column:?}, which the file does not have: it has {}", .columns.join(", "))]
    NoColumn {
        /// The name in the mapping.
        column: String,
        /// Those of the file.
        columns: Vec<String>,
    },
    /// No column for a required field.
    #[error(
        "no column gives {field}, which is required: name one of the columns {}, or map it with \
         --column {field}=HEADER; the file has {}", .headers.join(" or "), .columns.join(", ")
    )]
    Missing {
        /// The field.
        field: &'static str,
        /// Column names that are taken for it.
        headers: Vec<&'static str>,
        /// Those of the file.
        columns: Vec<String>,
    },
    /// Two columns for one field.
    #[error("the columns {first:?} and {second:?} both give {field}: map or ignore one of them")]
    Ambiguous {
        /// The field.
        field: &'static str,
        /// The one column.
        first: String,
        /// The other.
        second: String,
    },
    /// Columns that nothing reads.
    #[error(
        "nothing reads the columns {}: map them with --column field=HEADER, or list them under \
         `ignore` in a mapping file (or --ignore HEADER); fields are {}", .columns.join(", "), .known.join(", ")
    )]
    UnknownColumns {
        /// Their names.
        columns: Vec<String>,
        /// The fields that there are.
        known: Vec<&'static str>,
    },
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        Ok(toml::from_str(text)?)
    }
}

impl Mapping {
    /// Adds `field=Column` from the command line, which goes before what the file says.
    pub fn map_column(&mut self, option: &str) -> Result<(), MappingError> {
        let (field, column) = option
            .split_once('=')
            .map(|(field, column)| (field.trim(), column.trim()))
            .filter(|(field, column)| !field.is_empty() && !column.is_empty())
            .ok_or_else(|| MappingError::Option(option.to_owned()))?;
        self.constants.remove(field);
        self.columns.insert(field.to_owned(), column.to_owned());
        Ok(())
    }

    /// Adds a column that nothing needs to read; `*` for all that no field reads.
    pub fn ignore_column(&mut self, column: impl Into<String>) {
        self.ignore.push(column.into());
    }

    /// Takes this sheet of a workbook.
    pub fn choose_sheet(&mut self, name: impl Into<String>) {
        self.sheet = Some(name.into());
    }

    /// Takes the file's encoding as declared.
    pub const fn declare_encoding(&mut self, encoding: Encoding) {
        self.encoding = Some(encoding);
    }

    /// The encoding or sheet that it names.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            encoding: self.encoding,
            sheet: self.sheet.clone(),
        }
    }

    /// The import's own settings, from `[options]`.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, MappingError> {
        Ok(self.options.clone().try_into()?)
    }

    /// Joins fields to the columns of a table.
    pub fn bind<'a>(
        &'a self,
        table: &'a Table,
        fields: &'static [Field],
    ) -> Result<Bound<'a>, MappingError> {
        self.check_fields(fields)?;
        let mut bound = Bound {
            table,
            sources: HashMap::new(),
            values: &self.values,
        };
        let mapped: HashSet<&str> = self.columns.values().map(String::as_str).collect();
        for field in fields {
            let source = match (self.columns.get(field.name), self.constants.get(field.name)) {
                (Some(_), Some(_)) => return Err(MappingError::Twice(field.name.to_owned())),
                (Some(column), None) => Some(Source::Column(position(table, column)?)),
                (None, Some(constant)) => Some(Source::Constant(constant)),
                (None, None) => self.by_header(table, field, &mapped)?.map(Source::Column),
            };
            match source {
                Some(source) => {
                    bound.sources.insert(field.name, source);
                }
                None if field.required => {
                    return Err(MappingError::Missing {
                        field: field.name,
                        headers: field.headers.to_vec(),
                        columns: table.columns().to_vec(),
                    });
                }
                None => {}
            }
        }
        self.check_columns(&bound, fields)?;
        Ok(bound)
    }

    fn check_fields(&self, fields: &[Field]) -> Result<(), MappingError> {
        let named = self.columns.keys().chain(self.constants.keys());
        for name in named.chain(self.values.keys()) {
            if !fields.iter().any(|field| field.name == name) {
                return Err(MappingError::UnknownField {
                    field: name.clone(),
                    known: fields.iter().map(|field| field.name).collect(),
                });
            }
        }
        Ok(())
    }

    /// The column that is taken for a field because of its name.
    fn by_header(
        &self,
        table: &Table,
        field: &Field,
        mapped: &HashSet<&str>,
    ) -> Result<Option<usize>, MappingError> {
        let fits = |column: &str| {
            std::iter::once(&field.name)
                .chain(field.headers)
                .any(|header| header.eq_ignore_ascii_case(column))
        };
        let mut found = table.columns().iter().enumerate().filter(|(_, column)| {
            fits(column) && !mapped.contains(column.as_str()) && !self.ignore.contains(column)
        });
        let first = found.next();
        match (first, found.next()) {
            (Some((_, first)), Some((_, second))) => Err(MappingError::Ambiguous {
                field: field.name,
                first: first.clone(),
                second: second.clone(),
            }),
            (first, _) => Ok(first.map(|(index, _)| index)),
        }
    }

    /// Every column must be read or ignored: one that is not may be a misspelt name.
    fn check_columns(&self, bound: &Bound<'_>, fields: &[Field]) -> Result<(), MappingError> {
        for name in self.ignore.iter().filter(|name| *name != "*") {
            position(bound.table, name)?;
        }
        if self.ignore.iter().any(|name| name == "*") {
            return Ok(());
        }
        let read = |index: usize| bound.sources.values().any(|source| source.is_column(index));
        let unread = bound.table.columns().iter().enumerate();
        let columns: Vec<String> = unread
            .filter(|(index, name)| !read(*index) && !self.ignore.contains(name))
            .map(|(_, name)| name.clone())
            .collect();
        if columns.is_empty() {
            return Ok(());
        }
        Err(MappingError::UnknownColumns {
            columns,
            known: fields.iter().map(|field| field.name).collect(),
        })
    }
}

fn position(table: &Table, column: &str) -> Result<usize, MappingError> {
    let found = table.columns().iter().position(|name| name == column);
    found.ok_or_else(|| MappingError::NoColumn {
        column: column.to_owned(),
        columns: table.columns().to_vec(),
    })
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Column(usize),
    Constant(&'a str),
}

impl Source<'_> {
    const fn is_column(self, index: usize) -> bool {
        matches!(self, Self::Column(column) if column == index)
    }
}

/// A table whose columns are known as fields.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    table: &'a Table,
    sources: HashMap<&'static str, Source<'a>>,
    values: &'a BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> Bound<'a> {
    /// The rows, in the order of the file.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_, 'a>> {
        self.table
            .rows
            .iter()
            .map(|row| Record { bound: self, row })
    }

    /// Whether a column or a constant gives this field.
    pub fn has(&self, field: &str) -> bool {
        self.sources.contains_key(field)
    }
}

/// One row, by fields.
#[derive(Clone, Copy, Debug)]
pub struct Record<'b, 'a> {
    bound: &'b Bound<'a>,
    row: &'a Row,
}

impl<'a> Record<'_, 'a> {
    /// Where a person finds it: line of a CSV file, row of a sheet, how-manieth object.
    pub const fn number(&self) -> u64 {
        self.row.number
    }

    /// What the row says for a field, trimmed and translated; `None` if that is nothing.
    pub fn get(&self, field: &str) -> Option<Cell<'a>> {
        let (column, text) = match *self.bound.sources.get(field)? {
            Source::Column(index) => {
                let text = self.row.cells.get(index).unwrap_or_default();
                (self.bound.table.column(index), text.trim())
            }
            Source::Constant(text) => ("(constant)", text),
        };
        let translated = self
            .bound
            .values
            .get(field)
            .and_then(|texts| texts.get(text));
        let text = translated.map_or(text, String::as_str);
        (!text.is_empty()).then_some(Cell {
            row: self.row.number,
            column,
            text,
        })
    }

    /// What the row must say for a field.
    pub fn require(&self, field: &'static str) -> Result<Cell<'a>, RowError> {
        self.get(field).ok_or_else(|| {
            let column = match self.bound.sources.get(field) {
                Some(Source::Column(index)) => self.bound.table.column(*index),
                Some(Source::Constant(_)) | None => field,
            };
            RowError::of_cell(
                self.row.number,
                column,
                "",
                "is empty",
                format!("enter the {field}"),
            )
        })
    }

    /// An error about the row as a whole.
    pub fn error(&self, problem: impl fmt::Display, remedy: impl Into<String>) -> RowError {
        RowError::of_row(self.row.number, problem.to_string(), remedy)
    }
}

/// A text and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Row number as a person sees it.
    pub row: u64,
    /// Column name of the file.
    pub column: &'a str,
    /// The text; never empty.
    pub text: &'a str,
}

impl Cell<'_> {
    /// Parses the text as a type that says itself what is wrong and what to do.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, RowError> {
        self.text.parse().map_err(|error| self.error(error, ""))
    }

    /// An error about this cell.
    pub fn error(&self, problem: impl fmt::Display, remedy: impl Into<String>) -> RowError {
        RowError::of_cell(
            self.row,
            self.column,
            self.text,
            problem.to_string(),
            remedy,
        )
    }
}
