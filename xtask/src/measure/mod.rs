//! From what the tools printed to a verdict. Pure: no processes, no clock.

pub mod audio;
pub mod audio_status;
pub mod comparison;
pub mod contradictions;
mod decibels;
pub mod display_matrix;
pub mod exact;
pub mod expected;
pub mod finding;
mod fraction;
pub mod frame_figures;
pub mod frame_sequence;
pub mod frames;
pub mod frozen;
pub mod gates;
pub mod lag;
pub mod png;
pub mod probe;
pub mod psnr;
pub mod raster;
pub mod residual;
pub mod semantic;
pub mod sequence;
pub mod shape;
pub mod showinfo;
pub mod ssim;
pub mod toolchain;
pub mod verdict;
pub mod yuv4mpeg;

pub use decibels::{Decibels, Level};
pub use fraction::Fraction;
