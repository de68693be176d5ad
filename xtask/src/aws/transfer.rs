//! Bytes on their way, shown while they go.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::console::Teller;

/// How many of `total` bytes have gone, for people, and as a share.
pub(super) fn tell(teller: &Teller, done: u64, total: Option<u64>) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    match total {
        Some(total) => {
            let share = if total == 0 { 1.0 } else { done as f64 / total as f64 };
            teller.now_at(&format!("{:.1} of {:.1} MiB", mib(done), mib(total)), Some(share));
        }
        None => teller.now_at(&format!("{:.1} MiB", mib(done)), None),
    }
}

/// Shows how a request's body goes out. It changes the body after it was signed,
/// and gives the same bytes, in pieces.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) teller: Teller,
}

impl Intercept for Outgoing {
    fn name(&self) -> &'static str {
        "Outgoing"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        if !self.teller.is_heard() {
            return Ok(());
        }
        // A body that is not in memory is left as it is.
        if let Some(bytes) = body.bytes().map(Bytes::copy_from_slice) {
            let (left, total) = (bytes.clone(), bytes.len() as u64);
            *body = SdkBody::from_body_1_x(InPieces { left, total, teller: self.teller.clone() });
        }
        Ok(())
    }
}

struct InPieces {
    left: Bytes,
    total: u64,
    teller: Teller,
}

const PIECE: usize = 64 << 10;

impl Body for InPieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.left.len().min(PIECE);
        let piece = self.left.split_to(length);
        tell(&self.teller, self.total - self.left.len() as u64, Some(self.total));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
