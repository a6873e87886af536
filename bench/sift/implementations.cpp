#include "implementations.hpp"

#include <cmath>
#include <opencv2/features2d.hpp>
#include <opencv2/imgproc.hpp>

#include "edgesift/sift.hpp"
#include "measure.hpp"
#ifdef EDGESIFT_BENCH_VLFEAT
#include "vlfeat.hpp"
#endif

namespace {

class OpenCv : public Implementation {
 public:
  std::string name() const override { return "opencv"; }

  std::size_t extract(const cv::Mat& grey) override {
    std::vector<cv::KeyPoint> keypoints;
    cv::Mat descriptors;
    sift_->detectAndCompute(grey, cv::noArray(), keypoints, descriptors);
    return keypoints.size();
  }

  std::vector<std::pair<std::string, double>> stages(const cv::Mat& grey) override {
    cv::Mat base;
    std::vector<cv::Mat> pyramid;
    const double baseTime = millisecondsOf([&] {
      cv::Mat floats;
      cv::Mat doubled;
      grey.convertTo(floats, CV_32F);
      cv::resize(floats, doubled, cv::Size(2 * grey.cols, 2 * grey.rows), 0, 0, cv::INTER_LINEAR);
      cv::GaussianBlur(doubled, base, cv::Size(), std::sqrt(1.6 * 1.6 - 1));
    });
    const double pyramidTime = millisecondsOf([&] {
      for (cv::Mat level = base; std::min(level.rows, level.cols) > 4;) {
        cv::Mat third;
        double sigma = 1.6;
        for (int i = 1; i <= 5; ++i, sigma *= std::cbrt(2.0)) {
          cv::Mat next;
          cv::GaussianBlur(level, next, cv::Size(), sigma * std::sqrt(std::cbrt(4.0) - 1));
          pyramid.push_back(level = next);
          if (i == 3) third = next;
        }
        cv::resize(third, level, cv::Size(third.cols / 2, third.rows / 2), 0, 0, cv::INTER_NEAREST);
      }
    });
    pyramid.clear();
    std::vector<cv::KeyPoint> keypoints;
    const double detection = millisecondsOf([&] { sift_->detect(grey, keypoints); });
    const double all = millisecondsOf([&] { extract(grey); });
    return {{"base", baseTime},
            {"pyramid", pyramidTime},
            {"difference, scan, refinement, orientation", detection - baseTime - pyramidTime},
            {"descriptor", all - detection}};
  }

 private:
  cv::Ptr<cv::SIFT> sift_ = cv::SIFT::create();
};

class Engine : public Implementation {
 public:
  explicit Engine(edgesift::InstructionSet set) : set_(set), extractor_(set) {}

  std::string name() const override { return edgesift::name(set_); }

  std::size_t extract(const cv::Mat& grey) override {
    return extractor_.extract(grey.data, grey.cols, grey.rows, static_cast<std::ptrdiff_t>(grey.step[0])).count;
  }

  std::vector<std::pair<std::string, double>> stages(const cv::Mat& grey) override {
    const edgesift::StageSeconds before = extractor_.stageSeconds();
    extract(grey);
    const edgesift::StageSeconds& after = extractor_.stageSeconds();
    const auto spent = [&](double edgesift::StageSeconds::*stage) { return 1e3 * (after.*stage - before.*stage); };
    using Stages = edgesift::StageSeconds;
    return {{"base", spent(&Stages::base)},
            {"pyramid", spent(&Stages::pyramid)},
            {"scan", spent(&Stages::scan)},
            {"refinement", spent(&Stages::refinement)},
            {"orientation", spent(&Stages::orientation)},
            {"descriptor", spent(&Stages::descriptor)},
            {"selection", spent(&Stages::selection)}};
  }

 private:
  edgesift::InstructionSet set_;
  edgesift::Extractor extractor_;
};

}  // namespace

std::unique_ptr<Implementation> makeImplementation(const std::string& name) {
  using edgesift::InstructionSet;
  if (name == "opencv") return std::make_unique<OpenCv>();
#ifdef EDGESIFT_BENCH_VLFEAT
  if (name == "vlfeat") return makeVlfeat();
#endif
  for (const InstructionSet set :
       {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::neon, InstructionSet::portable})
    if (name == edgesift::name(set) && edgesift::isSupported(set)) return std::make_unique<Engine>(set);
  return nullptr;
}
