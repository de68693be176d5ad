//! What `--local` needs: the provisioned tools and the embedded AWS.

pub mod emulator;
pub mod provisioning;
pub mod system;
