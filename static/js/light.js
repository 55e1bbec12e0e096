// Whether a picture of the camera is light and sharp enough, judged in the browser from a few thousand of its pixels.

// Mean luma (0 to 255) inside and outside the oval of the guide, and the sharpness inside: the variance of the
// Laplacian over that of the luma, so that a dark picture is not called blurred. `data` is RGBA, row by row.
export function measure({ data, width, height }) {
  const luma = new Float32Array(width * height);
  for (let i = 0; i < luma.length; i += 1) {
    luma[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  }
  const sums = { inside: 0, outside: 0, n: 0, squares: 0, laplacian: 0 };
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      const across = (x / width - 0.5) / 0.21;
      const down = (y / height - 0.49) / 0.37;
      if (across * across + down * down > 1) {
        sums.outside += luma[i];
        continue;
      }
      sums.n += 1;
      sums.inside += luma[i];
      sums.squares += luma[i] * luma[i];
      const step = 4 * luma[i] - luma[i - 1] - luma[i + 1] - luma[i - width] - luma[i + width];
      sums.laplacian += step * step;
    }
  }
  const inside = sums.inside / sums.n;
  const spread = sums.squares / sums.n - inside * inside;
  return {
    inside,
    outside: sums.outside / ((width - 2) * (height - 2) - sums.n),
    sharpness: sums.laplacian / sums.n / (spread + 1),
  };
}

// The one thing that most keeps a face from being read: "dark", "behind", "bright", "blurred", or "good".
export function judge({ inside, outside, sharpness }) {
  if (inside < 45) return "dark";
  if (inside < 100 && outside - inside > 70) return "behind";
  if (inside > 225) return "bright";
  if (sharpness < 0.03) return "blurred";
  return "good";
}
