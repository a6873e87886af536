#include "opencv/denoising.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

namespace edgesift::addon {

std::vector<std::uint8_t> denoise(const Image& image, const Denoising& denoising) {
  // OpenCV has no type for constant pixels; these are only read.
  const cv::Mat pixels(image.height, image.width, image.channels == 3 ? CV_8UC3 : CV_8UC1,
                       const_cast<std::uint8_t*>(image.pixels));
  // It takes them in the order B, G, R.
  cv::Mat colours;
  cv::cvtColor(pixels, colours, image.channels == 3 ? cv::COLOR_RGB2BGR : cv::COLOR_GRAY2BGR);
  cv::Mat denoised;
  cv::fastNlMeansDenoisingColored(colours, denoised, denoising.strength, denoising.colourStrength,
                                  denoising.templateWindow, denoising.searchWindow);
  std::vector<std::uint8_t> result(denoised.total() * denoised.elemSize());
  cv::Mat target(denoised.size(), CV_8UC3, result.data());
  cv::cvtColor(denoised, target, cv::COLOR_BGR2RGB);
  return result;
}

}  // namespace edgesift::addon
