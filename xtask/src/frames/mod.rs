//! Frames on the disk: the folder that the in-process renderer leaves, and the
//! archive that the handler delivers. They are compared to the byte, or measured.

mod archive;
mod compare;
mod folder;
mod measure;
mod semantics;
mod source;

pub use archive::FrameArchive;
pub use compare::compare;
pub use folder::FrameFolder;
pub use measure::{BaselineFrames, MeasuredFrames};
pub use semantics::semantics;
pub use source::FrameSource;
