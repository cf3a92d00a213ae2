//! Options of every import: which column of the file is which field.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::tabular::{Encoding, Mapping};

/// How to read somebody else's file.
#[derive(Debug, Default, Args)]
pub(super) struct MappingArgs {
    /// A TOML file with [columns], [constants] and [values.FIELD]; see docs/import.md.
    #[arg(long, value_name = "MAP.toml")]
    map: Option<PathBuf>,
    /// Takes FIELD from the column HEADER; may be repeated.
    #[arg(long, value_name = "FIELD=HEADER")]
    column: Vec<String>,
    /// A column that is not needed; may be repeated. "*" for all that no field takes.
    #[arg(long, value_name = "HEADER")]
    ignore: Vec<String>,
    /// The sheet of a workbook, if not its first.
    #[arg(long)]
    sheet: Option<String>,
    /// The encoding of a CSV file, if it is known: utf-8 or gb18030.
    #[arg(long)]
    encoding: Option<Encoding>,
}

impl MappingArgs {
    /// The mapping file with the other options laid over it.
    pub(super) fn load(&self) -> anyhow::Result<Mapping> {
        let mut mapping = match &self.map {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("can't read {}", path.display()))?;
                text.parse()
                    .with_context(|| format!("in {}", path.display()))?
            }
            None => Mapping::default(),
        };
        for option in &self.column {
            mapping.map_column(option)?;
        }
        for column in &self.ignore {
            mapping.ignore_column(column);
        }
        if let Some(sheet) = &self.sheet {
            mapping.choose_sheet(sheet);
        }
        if let Some(encoding) = self.encoding {
            mapping.declare_encoding(encoding);
        }
        Ok(mapping)
    }
}
