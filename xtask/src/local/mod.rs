//! What `--local` needs: the provisioned tools and the embedded AWS.

pub(crate) mod emulator;
mod installer;
pub mod provisioning;
pub(crate) mod system;
