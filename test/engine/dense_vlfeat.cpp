// Dense descriptors beside those of VLFeat's vl_dsift with a flat window, both as square roots of shares. Prints the mean
// and the least cosine of the descriptors that lie wholly within the image.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

extern "C" {
#include <vl/dsift.h>
}

#include "edgesift/dense_sift.hpp"
#include "images.hpp"

int main() {
  constexpr int kBin = 3;
  constexpr int kStep = 4;
  // Sides with which both grids begin at 0.
  constexpr int kWidth = 130;
  constexpr int kHeight = 90;
  double sum = 0;
  double least = 1;
  int compared = 0;
  for (const char* kind : {"texture", "edges", "blobs"}) {
    const images::Grey image = images::make(kind, kWidth, kHeight, 11);
    const std::vector<float> grey(image.pixels.begin(), image.pixels.end());
    edgesift::DenseExtractor extractor;
    const edgesift::DenseFeatures ours = extractor.extract(grey.data(), kWidth, kHeight, {{kBin}, kStep});
    VlDsiftFilter* filter = vl_dsift_new_basic(kWidth, kHeight, kStep, kBin);
    vl_dsift_set_flat_window(filter, VL_TRUE);
    vl_dsift_process(filter, grey.data());
    if (static_cast<std::size_t>(vl_dsift_get_keypoint_num(filter)) != ours.count) {
      std::printf("%d descriptors, not %zu\n", vl_dsift_get_keypoint_num(filter), ours.count);
      return 1;
    }
    const float* theirs = vl_dsift_get_descriptors(filter);
    const VlDsiftKeypoint* places = vl_dsift_get_keypoints(filter);
    for (std::size_t i = 0; i < ours.count; ++i) {
      const double x = ours.xy[2 * i];
      const double y = ours.xy[2 * i + 1];
      if (x != places[i].x || y != places[i].y) {
        std::printf("descriptor %zu lies at %g %g, not %g %g\n", i, x, y, places[i].x, places[i].y);
        return 1;
      }
      const double reach = 2.5 * kBin + 1;
      const bool within = x >= reach && y >= reach && x < kWidth - reach && y < kHeight - reach;
      double total = 0;
      double cosine = 0;
      for (int k = 0; k < 128; ++k) total += theirs[i * 128 + k];
      if (!within || !(total > 0) || places[i].norm < 1) continue;
      for (int k = 0; k < 128; ++k) cosine += std::sqrt(theirs[i * 128 + k] / total) * ours.descriptors[i * 128 + k];
      sum += cosine;
      least = std::min(least, cosine);
      ++compared;
    }
    vl_dsift_delete(filter);
  }
  std::printf("%d %.5f %.5f\n", compared, sum / compared, least);
  return 0;
}
