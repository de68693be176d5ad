//! Frames on the disk: the folder that the in-process renderer leaves, and the
//! archive that the handler delivers.

mod archive;
mod compare;
mod folder;

pub use archive::FrameArchive;
pub use compare::compare;
pub use folder::FrameFolder;
