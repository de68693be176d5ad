//! What `--local` needs: the provisioned tools and the embedded AWS.

pub mod emulator;
mod installer;
pub mod provisioning;
pub mod system;
