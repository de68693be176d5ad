//! Decoded pictures: PSNR, SSIM, hashes, chunks that stand still, and stills to look at.

pub mod frozen;
pub mod hashes;
pub mod psnr;
pub mod raster;
pub mod ssim;
