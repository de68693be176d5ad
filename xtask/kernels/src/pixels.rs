//! Samples of pictures, 8 bits each.

/// How far each sample is from the other picture's, times `factor`, up to white.
pub fn difference(a: &[u8], b: &[u8], factor: u8) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b).saturating_mul(factor)).collect()
}

/// A picture of `columns` times `rows` RGB pixels made of one that is `width`
/// pixels wide: each pixel is the mean of those from one edge to the next.
pub fn means(samples: &[u8], width: usize, columns: &[(usize, usize)], rows: &[(usize, usize)]) -> Vec<u8> {
    let mut means = Vec::with_capacity(columns.len() * rows.len() * 3);
    let mut sums = vec![0u32; width * 3];
    for &(top, bottom) in rows {
        sums.fill(0);
        for row in samples[top * width * 3..bottom * width * 3].chunks_exact(width * 3) {
            sums.iter_mut().zip(row).for_each(|(sum, sample)| *sum += u32::from(*sample));
        }
        let (pixels, _) = sums.as_chunks::<3>();
        for &(left, right) in columns {
            let mut total = [0u64; 3];
            for pixel in &pixels[left..right] {
                total.iter_mut().zip(pixel).for_each(|(sum, of_rows)| *sum += u64::from(*of_rows));
            }
            let count = ((right - left) * (bottom - top)).max(1) as u64;
            means.extend(total.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_ends_at_white() {
        assert_eq!(difference(&[10, 20, 200], &[12, 17, 100], 8), [16, 24, 255]);
    }

    #[test]
    fn means_are_rounded_to_the_nearest() {
        let line = [[0u8; 3], [1, 1, 0], [9, 9, 9]].concat();
        assert_eq!(means(&line, 3, &[(0, 2), (2, 3)], &[(0, 1)]), [1, 1, 0, 9, 9, 9]);
        let lines = [line, vec![4; 9]].concat();
        assert_eq!(means(&lines, 3, &[(0, 2), (2, 3)], &[(0, 2)]), [2, 2, 2, 7, 7, 7]);
    }
}
