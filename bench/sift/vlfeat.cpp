#include "vlfeat.hpp"

extern "C" {
#include <vl/sift.h>
}

#include "measure.hpp"

namespace {

class Vlfeat : public Implementation {
 public:
  std::string name() const override { return "vlfeat"; }

  std::size_t extract(const cv::Mat& grey) override {
    cv::Mat image;
    grey.convertTo(image, CV_32F);
    // Three layers from the doubled image on, and cv::SIFT's thresholds in grey levels.
    VlSiftFilt* filter = vl_sift_new(grey.cols, grey.rows, -1, 3, -1);
    vl_sift_set_peak_thresh(filter, 0.04 / 3 * 255);
    vl_sift_set_edge_thresh(filter, 10);
    std::size_t count = 0;
    for (int error = vl_sift_process_first_octave(filter, image.ptr<float>()); error == 0;
         error = vl_sift_process_next_octave(filter)) {
      vl_sift_detect(filter);
      const VlSiftKeypoint* keypoints = vl_sift_get_keypoints(filter);
      for (int i = 0; i < vl_sift_get_nkeypoints(filter); ++i) {
        double angles[4];
        const int angleCount = vl_sift_calc_keypoint_orientations(filter, angles, keypoints + i);
        for (int k = 0; k < angleCount; ++k) {
          float descriptor[128];
          vl_sift_calc_keypoint_descriptor(filter, descriptor, keypoints + i, angles[k]);
          ++count;
        }
      }
    }
    vl_sift_delete(filter);
    return count;
  }

  std::vector<std::pair<std::string, double>> stages(const cv::Mat&) override { return {}; }
};

}  // namespace

std::unique_ptr<Implementation> makeVlfeat() { return std::make_unique<Vlfeat>(); }
