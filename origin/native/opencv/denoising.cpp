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
/// Whose colours are converted at a time: some 10 ms.
constexpr int kBandPixels = 1 << 20;

/// Calls `convert` with ranges of rows that together are all.
template <typename Convert>
void inBands(const cv::Size& size, const Cancellation& cancellation, Convert convert) {
  const int rows = std::max(1, kBandPixels / std::max(1, size.width));
  for (int y = 0; y < size.height; y += rows) {
    cancellation.throwIfRequested();
    convert(cv::Range(y, std::min(y + rows, size.height)));
  }
}

int tileColumns(const Denoising& denoising) {
  const double search = denoising.searchWindow;
  const double pixelNanoseconds = search * search * (7 + denoising.templateWindow);
  return static_cast<int>(std::max(kLeastTileColumns, kTileNanoseconds / pixelNanoseconds / kTileRows));
}

/// cv::fastNlMeansDenoising of a plane, tile by tile. Around a part of a matrix OpenCV takes the pixels that are there,
/// and mirrors those at the ends of the whole: each pixel becomes what it would in one call.
cv::Mat denoisePlane(const cv::Mat& plane, float strength, const Denoising& denoising,
                     const Cancellation& cancellation) {
  cv::Mat denoised(plane.size(), plane.type());
  const int columns = tileColumns(denoising);
  for (int y = 0; y < plane.rows; y += kTileRows) {
    for (int x = 0; x < plane.cols; x += columns) {
      cancellation.throwIfRequested();
      const cv::Rect tile(x, y, std::min(columns, plane.cols - x), std::min(kTileRows, plane.rows - y));
      cv::Mat target = denoised(tile);
      cv::fastNlMeansDenoising(plane(tile), target, strength, denoising.templateWindow, denoising.searchWindow);
    }
  }
  return denoised;
}

}  // namespace

void denoise(const Image& image, const Denoising& denoising, const Cancellation& cancellation,
             const PixelMemory& memory) {
  // OpenCV has no type for constant pixels; these are only read.
  const cv::Mat pixels(image.height, image.width, image.channels == 3 ? CV_8UC3 : CV_8UC1,
                       const_cast<std::uint8_t*>(image.pixels));
  // As cv::fastNlMeansDenoisingColored does it: luminance apart from colours, in Lab of linear B, G, R.
  cv::Mat planes[] = {cv::Mat(pixels.size(), CV_8UC1), cv::Mat(pixels.size(), CV_8UC2)};
  const int channels[] = {0, 0, 1, 1, 2, 2};
  cv::Mat colours;
  inBands(pixels.size(), cancellation, [&](const cv::Range& rows) {
    cv::cvtColor(pixels.rowRange(rows), colours, image.channels == 3 ? cv::COLOR_RGB2BGR : cv::COLOR_GRAY2BGR);
    cv::cvtColor(colours, colours, cv::COLOR_LBGR2Lab);
    cv::Mat band[] = {planes[0].rowRange(rows), planes[1].rowRange(rows)};
    cv::mixChannels(&colours, 1, band, 2, channels, 3);
  });
  planes[0] = denoisePlane(planes[0], denoising.strength, denoising, cancellation);
  planes[1] = denoisePlane(planes[1], denoising.colourStrength, denoising, cancellation);
  cv::Mat target(pixels.size(), CV_8UC3, memory(pixels.total() * 3));
  inBands(pixels.size(), cancellation, [&](const cv::Range& rows) {
    const cv::Mat band[] = {planes[0].rowRange(rows), planes[1].rowRange(rows)};
    colours.create(band[0].size(), CV_8UC3);
    cv::mixChannels(band, 2, &colours, 1, channels, 3);
    cv::Mat targetBand = target.rowRange(rows);
    cv::cvtColor(colours, targetBand, cv::COLOR_Lab2LRGB);
  });
}

}  // namespace edgesift::addon
