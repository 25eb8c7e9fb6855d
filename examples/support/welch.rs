//! Times of several classes, and Welch's t between two of them.

use std::time::Duration;

/// Percentiles of both classes together above which times are left out: what is slow for other reasons hides what
/// differs. 100 leaves nothing out.
const CROPS: [f64; 8] = [100.0, 99.0, 95.0, 90.0, 75.0, 50.0, 25.0, 10.0];

/// The times of each class, in nanoseconds.
pub struct Samples(Vec<Vec<u32>>);

impl Samples {
    /// No times yet.
    pub fn new(classes: usize) -> Self {
        Self(vec![Vec::new(); classes])
    }

    /// One time more.
    pub fn add(&mut self, class: usize, time: Duration) {
        self.0[class].push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }

    /// How many times a class has.
    pub fn count(&self, class: usize) -> usize {
        self.0[class].len()
    }

    /// The median of a class.
    pub fn median(&self, class: usize) -> u32 {
        let mut sorted = self.0[class].clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The largest |t| between two classes over all crops; 0 for a class and itself.
    pub fn largest_t(&self, one: usize, other: usize) -> f64 {
        if one == other {
            return 0.0;
        }
        let (a, b) = (&self.0[one], &self.0[other]);
        let mut all: Vec<u32> = a.iter().chain(b).copied().collect();
        all.sort_unstable();
        let t = |crop: f64| {
            let place = (all.len() as f64 * crop / 100.0) as usize;
            let limit = all.get(place).copied().unwrap_or(u32::MAX);
            let kept = |times: &[u32]| -> Vec<f64> {
                times.iter().filter(|t| **t < limit || crop >= 100.0).map(|t| f64::from(*t)).collect()
            };
            welch(&kept(a), &kept(b)).abs()
        };
        CROPS.into_iter().map(t).fold(0.0, f64::max)
    }
}

/// Welch's t statistic.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    let error = (error_a + error_b).sqrt();
    if error > 0.0 { (mean_a - mean_b) / error } else { 0.0 }
}

/// Mean, and variance of the mean.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    if count < 2.0 {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, squares / (count - 1.0) / count)
}
