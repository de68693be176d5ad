//! What an ffmpeg can decode.

use std::path::Path;

use anyhow::Context;

use crate::{
    env::Env,
    process::{Children, Command},
};

/// Whether an ffmpeg decodes PNG, as the renderer hands it the frames of formats with alpha.
///
/// # Errors
/// When it does not run.
pub async fn decodes_png(ffmpeg: &Path, env: &Env, children: &Children) -> anyhow::Result<bool> {
    let listed = Command::new(ffmpeg, &env.for_child()).args(["-v", "error", "-decoders"]).run(children).await;
    let listed = listed.with_context(|| format!("asking {} for its decoders", ffmpeg.display()))?;
    Ok(has_png(&listed.stdout))
}

/// ` VF...D png      PNG (Portable Network Graphics) image`: flags, name, description.
fn has_png(decoders: &str) -> bool {
    decoders.lines().any(|line| line.split_ascii_whitespace().nth(1) == Some("png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_is_told_from_what_is_called_alike() {
        assert!(has_png(" V....D mjpeg  MJPEG\n VF...D png  PNG (Portable Network Graphics) image\n"));
        assert!(!has_png(" V....D apng  APNG (Animated Portable Network Graphics) image\n V..... x  png\n"));
    }
}
