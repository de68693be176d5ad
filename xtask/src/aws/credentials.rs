//! The keys that calls of our own and `sam` are signed with, asked for again only when they run out.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};

/// Credentials from the caller's chain. Each question to it may be a call of STS or SSO, so an answer is kept.
#[derive(Debug, Clone)]
pub struct Keys {
    provider: Option<SharedCredentialsProvider>,
    kept: Arc<Mutex<Option<Credentials>>>,
}

/// Keys that run out sooner are asked for anew: a child that gets them has to end in time.
const SPARE: Duration = Duration::from_secs(5 * 60);

impl Keys {
    /// Keys of a chain of credentials, where there is one.
    pub fn of(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, kept: Arc::default() }
    }

    /// Keys that are valid now.
    ///
    /// # Errors
    /// When the chain has none.
    pub async fn now(&self) -> anyhow::Result<Credentials> {
        let kept = self.kept.lock().expect("no holder panics").clone();
        if let Some(keys) = kept.filter(|keys| lasts(keys, SystemTime::now())) {
            return Ok(keys);
        }
        let provider = self.provider.as_ref().context("no credentials")?;
        let keys = provider.provide_credentials().await.context("no credentials")?;
        *self.kept.lock().expect("no holder panics") = Some(keys.clone());
        Ok(keys)
    }
}

fn lasts(keys: &Credentials, now: SystemTime) -> bool {
    keys.expiry().is_none_or(|expiry| expiry > now + SPARE)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::{self, future::ProvideCredentials as Answer};

    use super::*;

    #[derive(Debug)]
    struct Chain {
        asked: Arc<AtomicU32>,
        lasts: Option<Duration>,
    }

    impl ProvideCredentials for Chain {
        fn provide_credentials<'a>(&'a self) -> Answer<'a>
        where
            Self: 'a,
        {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let expiry = self.lasts.map(|lasts| SystemTime::now() + lasts);
            Answer::ready(provider::Result::Ok(Credentials::new("id", "secret", None, expiry, "test")))
        }
    }

    fn asked(lasts: Option<Duration>) -> u32 {
        let asked = Arc::new(AtomicU32::new(0));
        let keys = Keys::of(Some(SharedCredentialsProvider::new(Chain { asked: Arc::clone(&asked), lasts })));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..3 {
            runtime.block_on(keys.now()).unwrap();
        }
        asked.load(Ordering::SeqCst)
    }

    #[test]
    fn a_chain_is_asked_again_only_when_keys_run_out() {
        assert_eq!(asked(None), 1);
        assert_eq!(asked(Some(Duration::from_secs(3600))), 1);
        assert_eq!(asked(Some(Duration::from_secs(60))), 3);
    }
}
