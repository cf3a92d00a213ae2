//! Where documents are kept: a folder of this machine, or a bucket that speaks S3. An object's key is made of the zone's
//! code and the document's SHA-256, never of a name that somebody gave it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path as Folder;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::Digest;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::kind::Document;
use crate::config::EvidenceTarget;
use crate::policy::Sha256;
use crate::types::Zone;

/// How much of a document is in memory while it is written. A bucket takes documents of more in parts, of at least 5 MiB.
const PART: usize = 5 * 1024 * 1024;
/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// The object store.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    place: String,
}

/// Why the object store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The folder can't be made.
    #[error("the folder {place} for documents can't be made")]
    Folder {
        /// The folder.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The store failed, or is not set up as it must be.
    #[error(
        "documents can't be kept in or read from {place}: for s3:// look at SUBSIDY_LEDGER_EVIDENCE and the AWS_… variables"
    )]
    Store {
        /// Folder or bucket.
        place: String,
        /// Why.
        source: object_store::Error,
    },
    /// The document could not be read.
    #[error("the document can't be read")]
    Read(#[source] io::Error),
    /// The document could not be written to where it was wanted.
    #[error("the document can't be written")]
    Write(#[source] io::Error),
    /// The document was changed while it was read.
    #[error("the document was changed while it was added: nothing was kept; add it again")]
    Changed,
}

impl Objects {
    /// Opens the store; a folder is made if it is missing, for its owner only.
    pub fn open(target: &EvidenceTarget) -> Result<Self, ObjectsError> {
        let place = target.to_string();
        let failed = |source| ObjectsError::Store {
            place: place.clone(),
            source,
        };
        let store: Arc<dyn ObjectStore> = match target {
            EvidenceTarget::Folder(folder) => {
                make_folder(folder).map_err(|source| ObjectsError::Folder {
                    place: place.clone(),
                    source,
                })?;
                let files = LocalFileSystem::new_with_prefix(folder).map_err(failed)?;
                // A row says that the document is kept: also after the machine stops.
                Arc::new(files.with_fsync(true))
            }
            EvidenceTarget::Bucket { bucket, prefix } => {
                // Built without a choice of cryptography of its own; the second to ask finds the first one's.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let s3 = AmazonS3Builder::from_env().with_bucket_name(bucket);
                let s3 = s3.build().map_err(failed)?;
                Arc::new(PrefixStore::new(s3, prefix.as_str()))
            }
        };
        Ok(Self { store, place })
    }

    /// Folder or bucket, as it was named.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn failed(&self, source: object_store::Error) -> ObjectsError {
        ObjectsError::Store {
            place: self.place.clone(),
            source,
        }
    }

    /// Writes a document that was inspected, while it is read once more. What is there already under its name is replaced:
    /// so a document that was lost or altered is mended by adding it again.
    pub async fn put(
        &self,
        zone: &Zone,
        document: &Document,
        mut bytes: impl AsyncRead + Unpin,
    ) -> Result<(), ObjectsError> {
        let mut writer =
            BufWriter::with_capacity(Arc::clone(&self.store), key(zone, document.sha256), PART);
        match pump(&mut bytes, &mut writer).await {
            Ok(sha256) if sha256 == document.sha256 => {
                writer.shutdown().await.map_err(|error| self.written(error))
            }
            Ok(_) => {
                writer.abort().await.map_err(|error| self.failed(error))?;
                Err(ObjectsError::Changed)
            }
            Err(Pumped::Read(error)) => {
                writer.abort().await.map_err(|error| self.failed(error))?;
                Err(ObjectsError::Read(error))
            }
            Err(Pumped::Written(error)) => Err(self.failed(error)),
        }
    }

    fn written(&self, error: io::Error) -> ObjectsError {
        self.failed(object_store::Error::Generic {
            store: "write",
            source: Box::new(error),
        })
    }

    /// The bytes of a document as they come; `None` if there is none.
    pub(super) async fn read(
        &self,
        zone: &Zone,
        sha256: Sha256,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, ObjectsError>>>, ObjectsError> {
        match self.store.get(&key(zone, sha256)).await {
            Ok(found) => {
                let this = self.clone();
                let bytes = found.into_stream();
                Ok(Some(
                    bytes
                        .map(move |part| part.map_err(|error| this.failed(error)))
                        .boxed(),
                ))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }
}

/// Who failed of the two.
enum Pumped {
    Read(io::Error),
    Written(object_store::Error),
}

/// Writes what is read, and hashes it.
async fn pump(from: &mut (impl AsyncRead + Unpin), to: &mut BufWriter) -> Result<Sha256, Pumped> {
    let mut hash = sha2::Sha256::new();
    let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
    loop {
        let read = from.read_buf(&mut chunk).await.map_err(Pumped::Read)?;
        if read == 0 {
            return Ok(Sha256::from_bytes(hash.finalize().into()));
        }
        hash.update(&chunk);
        to.put(chunk.split().freeze())
            .await
            .map_err(Pumped::Written)?;
        chunk.reserve(CHUNK);
    }
}

/// The key of a document: the zone's code, two digits so that no folder gets too many, and the digest.
fn key(zone: &Zone, sha256: Sha256) -> Path {
    let digest = sha256.to_string();
    let begin = digest.get(..2).unwrap_or_default();
    Path::from_iter([zone.code.as_str(), begin, &digest])
}

fn make_folder(folder: &Folder) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
