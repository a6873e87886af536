#include "opencv/denoising.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

namespace edgesift::addon {

namespace {

/// What OpenCV is given at a time: it cannot be interrupted.
constexpr double kTileNanoseconds = 40e6;
/// The first row of a tile and the first pixel of a row take longer than others.
constexpr int kTileRows = 32;
constexpr double kLeastTileColumns = 16;

int tileColumns(const Denoising& denoising) {
  const double search = denoising.searchWindow;
  const double pixelNanoseconds = search * search * (7 + denoising.templateWindow);
  return static_cast<int>(std::max(kLeastTileColumns, kTileNanoseconds / pixelNanoseconds / kTileRows));
}

/// cv::fastNlMeansDenoising of a plane, tile by tile. Around a part of a matrix OpenCV takes the pixels that are there,
/// and mirrors those at the ends of the whole: each pixel becomes what it would in one call.
cv::Mat denoisePlane(const cv::Mat& plane, float strength, const Denoising& denoising, const Cancellation& cancellation) {
  cv::Mat denoised(plane.size(), plane.type());
  const int columns = tileColumns(denoising);
  for (int y = 0; y < plane.rows; y += kTileRows) {
    for (int x = 0; x < plane.cols; x += columns) {
      if (cancellation.isRequested()) throw Cancelled("the denoised image is not wanted any more");
      const cv::Rect tile(x, y, std::min(columns, plane.cols - x), std::min(kTileRows, plane.rows - y));
      cv::Mat target = denoised(tile);
      cv::fastNlMeansDenoising(plane(tile), target, strength, denoising.templateWindow, denoising.searchWindow);
    }
  }
  return denoised;
}

}  // namespace

std::vector<std::uint8_t> denoise(const Image& image, const Denoising& denoising, const Cancellation& cancellation) {
  // OpenCV has no type for constant pixels; these are only read.
  const cv::Mat pixels(image.height, image.width, image.channels == 3 ? CV_8UC3 : CV_8UC1,
                       const_cast<std::uint8_t*>(image.pixels));
  // As cv::fastNlMeansDenoisingColored does it: luminance apart from colours, in Lab of linear B, G, R.
  cv::Mat colours;
  cv::cvtColor(pixels, colours, image.channels == 3 ? cv::COLOR_RGB2BGR : cv::COLOR_GRAY2BGR);
  cv::cvtColor(colours, colours, cv::COLOR_LBGR2Lab);
  cv::Mat planes[] = {cv::Mat(colours.size(), CV_8UC1), cv::Mat(colours.size(), CV_8UC2)};
  const int channels[] = {0, 0, 1, 1, 2, 2};
  cv::mixChannels(&colours, 1, planes, 2, channels, 3);
  planes[0] = denoisePlane(planes[0], denoising.strength, denoising, cancellation);
  planes[1] = denoisePlane(planes[1], denoising.colourStrength, denoising, cancellation);
  cv::mixChannels(planes, 2, &colours, 1, channels, 3);
  std::vector<std::uint8_t> result(colours.total() * colours.elemSize());
  cv::Mat target(colours.size(), CV_8UC3, result.data());
  cv::cvtColor(colours, target, cv::COLOR_Lab2LRGB);
  return result;
}

}  // namespace edgesift::addon
