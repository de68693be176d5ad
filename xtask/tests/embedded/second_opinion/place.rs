//! One implementation, and what the cases ask of it next to the tool's own functions.

use std::collections::BTreeSet;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use xtask::{
    aws::{
        access::{Access, Target},
        buckets,
        clients::Clients,
        emptying::{self, Emptied},
    },
    console::Console,
    tools::env::Env,
};

/// An implementation of S3 and STS.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) access: Access,
    pub(super) clients: Clients,
    runtime: tokio::runtime::Runtime,
    endpoint: String,
}

pub(super) const HOME: &str = "us-east-1";

/// Calls in flight while a bucket is filled.
const IN_FLIGHT: usize = 16;

impl Place {
    pub(super) fn new(name: &'static str, endpoint: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let access = access(endpoint, HOME);
        let clients = runtime.block_on(Clients::new(&access, &Console::default()));
        Self { name, access, clients, runtime, endpoint: endpoint.to_owned() }
    }

    /// Waits for a call of the tool, or of the SDK.
    pub(super) fn run<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// The tool's clients in another region.
    pub(super) fn clients_in(&self, region: &str) -> Clients {
        self.run(Clients::new(&access(&self.endpoint, region), &Console::default()))
    }

    /// A new bucket as the tool makes them.
    pub(super) fn bucket(&self, name: &str) -> String {
        self.run(buckets::create_bucket(&self.clients, name, &HOME.parse().unwrap(), &[("Made", "by a test")]))
            .unwrap();
        name.to_owned()
    }

    pub(super) fn set_versioning(&self, bucket: &str, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self.clients.s3.put_bucket_versioning().bucket(bucket).versioning_configuration(configuration);
        self.run(request.send()).unwrap();
    }

    /// Puts an object of a few bytes at each key.
    pub(super) fn put(&self, bucket: &str, keys: &[String]) {
        let puts = stream::iter(keys).map(|key| async move {
            let body = ByteStream::from_static(b"content");
            self.clients.s3.put_object().bucket(bucket).key(key).body(body).send().await
        });
        self.run(puts.buffer_unordered(IN_FLIGHT).try_collect::<Vec<_>>()).unwrap();
    }

    /// Puts a delete marker on each key.
    pub(super) fn mark_deleted(&self, bucket: &str, keys: &[String]) {
        for batch in keys.chunks(1000) {
            let objects = batch.iter().map(|key| ObjectIdentifier::builder().key(key).build().unwrap()).collect();
            let delete = Delete::builder().set_objects(Some(objects)).build().unwrap();
            self.run(self.clients.s3.delete_objects().bucket(bucket).delete(delete).send()).unwrap();
        }
    }

    /// Begins a multipart upload to each key; gives their ids.
    pub(super) fn begin_uploads(&self, bucket: &str, keys: &[String]) -> Vec<String> {
        let begin = |key| self.clients.s3.create_multipart_upload().bucket(bucket).key(key).send();
        let begun = stream::iter(keys).map(begin).buffered(IN_FLIGHT).try_collect::<Vec<_>>();
        self.run(begun).unwrap().into_iter().map(|upload| upload.upload_id.unwrap()).collect()
    }

    /// The keys of current objects, of a bucket that fits on one page.
    pub(super) fn keys(&self, bucket: &str) -> BTreeSet<String> {
        let page = self.run(self.clients.s3.list_objects_v2().bucket(bucket).send()).unwrap();
        page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// Empties a bucket as the tool does.
    pub(super) fn empty(&self, bucket: &str) -> Emptied {
        self.run(emptying::empty(&self.clients, bucket, async || Ok(()), &|_| ())).unwrap()
    }

    /// How many versions, delete markers and unfinished uploads a first page lists.
    pub(super) fn left(&self, bucket: &str) -> usize {
        let versions = self.run(self.clients.s3.list_object_versions().bucket(bucket).send()).unwrap();
        let uploads = self.run(self.clients.s3.list_multipart_uploads().bucket(bucket).send()).unwrap();
        versions.versions().len() + versions.delete_markers().len() + uploads.uploads().len()
    }
}

fn access(endpoint: &str, region: &str) -> Access {
    let target = Target::Endpoint { url: endpoint.to_owned(), configured: None };
    Access::new(target, region.parse().unwrap(), &Env::default()).unwrap()
}
