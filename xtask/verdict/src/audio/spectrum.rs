//! The energy of short pieces of audio in bands of the spectrum.

use std::{f32::consts::PI, ops::Range};

use crate::audio::RATE;

/// Samples of a piece, 43 ms. The next one begins half a piece later.
pub(crate) const PIECE: usize = 2048;

/// The upper ends of the bands, in Hz. Codecs leave out or replace what lies above the last one.
pub(crate) const BANDS_HZ: [f32; 9] = [60.0, 150.0, 300.0, 600.0, 1200.0, 2400.0, 4800.0, 9600.0, 14_000.0];

/// From where to where a band reaches, in Hz.
pub(crate) fn range_hz(band: usize) -> (f32, f32) {
    (if band == 0 { 0.0 } else { BANDS_HZ[band - 1] }, BANDS_HZ[band])
}

/// When a piece begins, in seconds.
pub(crate) fn start_s(piece: usize) -> f64 {
    (piece * PIECE / 2) as f64 / f64::from(RATE)
}

/// A frequency of a piece: complex numbers whose squares are mean squares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bin {
    pub(crate) baseline: (f32, f32),
    /// Of the render minus the baseline.
    pub(crate) residual: (f32, f32),
}

/// Computes the frequencies of pieces, and their energy in [`BANDS_HZ`].
#[derive(Debug)]
pub(crate) struct Spectrum {
    window: Vec<f32>,
    /// The powers of the root of unity.
    twiddles: Vec<(f32, f32)>,
    /// The ends of the bands among the frequencies.
    ends: [usize; BANDS_HZ.len()],
}

impl Spectrum {
    pub(crate) fn new(rate: u32) -> Self {
        let turn = |i: usize| 2.0 * PI * i as f32 / PIECE as f32;
        Self {
            // Hann's, scaled so that a band's energy is that of the samples.
            window: (0..PIECE).map(|i| (8.0f32 / 3.0).sqrt() * 0.5 * (1.0 - turn(i).cos())).collect(),
            twiddles: (0..PIECE / 2).map(|i| (turn(i).cos(), -turn(i).sin())).collect(),
            ends: BANDS_HZ.map(|hz| (hz * PIECE as f32 / rate as f32).round() as usize + 1),
        }
    }

    /// The frequencies of a piece of the baseline and of the render, from 0 to the end of the last band.
    pub(crate) fn bins(&self, baseline: &[f32], render: &[f32]) -> Vec<Bin> {
        // Both are real, so that one transform has both: a as the real part, b as the imaginary one.
        let mut values: Vec<(f32, f32)> =
            self.window.iter().zip(baseline.iter().zip(render)).map(|(w, (a, b))| (w * a, w * b)).collect();
        self.transform(&mut values);
        let scale = 2.0f32.sqrt() / PIECE as f32;
        let bin = |i: usize| {
            let ((re, im), (other_re, other_im)) = (values[i], values[(PIECE - i) % PIECE]);
            let of_baseline = ((re + other_re) / 2.0, (im - other_im) / 2.0);
            let of_render = ((im + other_im) / 2.0, (other_re - re) / 2.0);
            let residual = (of_render.0 - of_baseline.0, of_render.1 - of_baseline.1);
            let scaled = |(re, im): (f32, f32)| (re * scale, im * scale);
            Bin { baseline: scaled(of_baseline), residual: scaled(residual) }
        };
        (0..self.ends[BANDS_HZ.len() - 1]).map(bin).collect()
    }

    /// What a function makes of the frequencies of each band.
    pub(crate) fn in_bands<T>(&self, of: impl Fn(Range<usize>) -> T) -> [T; BANDS_HZ.len()] {
        std::array::from_fn(|band| of(if band == 0 { 1 } else { self.ends[band - 1] }..self.ends[band]))
    }

    /// The mean squares of the baseline and of the residual in each band.
    pub(crate) fn energies(&self, bins: &[Bin]) -> [[f32; 2]; BANDS_HZ.len()] {
        let square = |(re, im): (f32, f32)| re * re + im * im;
        self.in_bands(|band| {
            bins[band].iter().fold([0.0; 2], |[baseline, residual], bin| {
                [baseline + square(bin.baseline), residual + square(bin.residual)]
            })
        })
    }

    /// The discrete Fourier transform in place (Cooley and Tukey, radix 2).
    fn transform(&self, values: &mut [(f32, f32)]) {
        let bits = PIECE.trailing_zeros();
        for i in 0..PIECE {
            let reversed = i.reverse_bits() >> (usize::BITS - bits);
            if i < reversed {
                values.swap(i, reversed);
            }
        }
        let mut half = 1;
        while half < PIECE {
            let step = PIECE / (2 * half);
            for group in values.chunks_exact_mut(2 * half) {
                let (low, high) = group.split_at_mut(half);
                for (i, (low, high)) in low.iter_mut().zip(high).enumerate() {
                    let (cos, sin) = self.twiddles[i * step];
                    let product = (high.0 * cos - high.1 * sin, high.0 * sin + high.1 * cos);
                    *high = (low.0 - product.0, low.1 - product.1);
                    *low = (low.0 + product.0, low.1 + product.1);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_energy_in_its_band() {
        let spectrum = Spectrum::new(48_000);
        let tone = |hz: f32, amplitude: f32| -> Vec<f32> {
            (0..PIECE).map(|i| amplitude * (2.0 * PI * hz * i as f32 / 48_000.0).sin()).collect()
        };
        let energies = |a: &[f32], b: &[f32]| spectrum.energies(&spectrum.bins(a, b));
        let bands = energies(&tone(1000.0, 0.5), &tone(6000.0, 0.2));
        let near = |value: f32, expected: f32| assert!((value - expected).abs() < 0.02 * expected, "{value}");
        near(bands[4][0], 0.125);
        near(bands[4][1], 0.125);
        near(bands[7][1], 0.02);
        assert!(bands[7][0] < 1e-6 && bands[1].iter().all(|&energy| energy < 1e-6));
        assert_eq!(energies(&tone(440.0, 0.1), &tone(440.0, 0.1)).map(|band| band[1] < 1e-9), [true; 9]);
    }
}
