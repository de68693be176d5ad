//! Samples of sound.

/// Samples of s16le; an odd byte at the end is none.
pub fn samples(bytes: &[u8]) -> Vec<i16> {
    let (pairs, _) = bytes.as_chunks();
    pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// The sum of all channels of interleaved samples, a value for each moment.
pub fn mono(samples: &[i16], channels: usize) -> Vec<f32> {
    samples.chunks_exact(channels.max(1)).map(|moment| moment.iter().map(|&sample| f32::from(sample)).sum()).collect()
}

/// Adds up squares over interleaved samples, for each channel: of the
/// difference between `baseline` and `render`, and of `baseline`. The shorter one goes on in silence.
pub fn add_squares(baseline: &[i16], render: &[i16], residuals: &mut [f64], baselines: &mut [f64]) {
    let channels = residuals.len();
    for (channel, (residual, own)) in residuals.iter_mut().zip(baselines).enumerate() {
        let of = |samples: &[i16], i: usize| samples.get(i).copied().map_or(0, i64::from);
        // Whole numbers: no order of adding them rounds.
        let (mut differences, mut squares) = (0i64, 0i64);
        for i in (channel..baseline.len().max(render.len())).step_by(channels) {
            let (b, r) = (of(baseline, i), of(render, i));
            differences += (b - r) * (b - r);
            squares += b * b;
        }
        *residual += differences as f64;
        *own += squares as f64;
    }
}

/// The products and the squares that a correlation is made of: of `a` with `b`,
/// and of `b` with itself, over the length of `a`.
pub fn products(a: &[f32], b: &[f32]) -> (f32, f32) {
    // Sums side by side, which a processor can add at once.
    const LANES: usize = 16;
    let (mut product, mut square) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b[..a.len()].as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            product[lane] += a[lane] * b[lane];
            square[lane] += b[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        product[lane] += a * b;
        square[lane] += b * b;
    }
    (product.iter().sum(), square.iter().sum())
}

/// Averages of `count` values each; a rest is left out.
pub fn thinned(values: &[f32], count: usize) -> Vec<f32> {
    values.chunks_exact(count).map(|chunk| chunk.iter().sum::<f32>() / count as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_of_two_has_is_compared_with_silence() {
        let (mut residuals, mut baselines) = ([0.0; 2], [0.0; 2]);
        add_squares(&[3, -4, 5], &[1, -4], &mut residuals, &mut baselines);
        assert_eq!((residuals, baselines), ([4.0 + 25.0, 0.0], [9.0 + 25.0, 16.0]));
        add_squares(&[], &[i16::MIN, i16::MAX], &mut residuals, &mut baselines);
        assert_eq!(residuals, [29.0 + 32_768.0 * 32_768.0, 32_767.0 * 32_767.0]);
    }

    #[test]
    fn products_are_those_of_all_values() {
        let a: Vec<f32> = (0..37).map(|i| i as f32).collect();
        let b = vec![2.0f32; 40];
        assert_eq!(products(&a, &b), (2.0 * 36.0 * 37.0 / 2.0, 4.0 * 37.0));
    }

    #[test]
    fn an_odd_byte_is_no_sample() {
        assert_eq!(samples(&[1, 0, 255, 255, 7]), [1, -1]);
        assert_eq!(mono(&[1, 2, 3, 4, 5], 2), [3.0, 7.0]);
        assert_eq!(thinned(&[1.0, 3.0, 5.0, 7.0, 9.0], 2), [2.0, 6.0]);
    }
}
