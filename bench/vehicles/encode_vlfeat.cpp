// Encodes images as our classifier does, by VLFeat: dense SIFT at every bin size, root, projection, Fisher vector, of an
// image and its mirror image. Reads one binary file (little-endian, as bench/vehicles/vlfeat.ts writes it):
//   i32 components, bins, step; i32 bin sizes; f32 projection [128, 64], mean [128], weights [K], means [K, 66],
//   variances [K, 66]; then until the end of the file for each image i32 width, height, f32 grey values.
// Prints for each image, in milliseconds: dense SIFT, projection, Fisher vector, and the number of descriptors.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

extern "C" {
#include <vl/dsift.h>
#include <vl/fisher.h>
#include <vl/generic.h>
#include <vl/imopv.h>
}

namespace {

constexpr int kLength = 128;
constexpr int kProjected = 64;
constexpr int kDimensions = kProjected + 2;

using Clock = std::chrono::steady_clock;
double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Vocabulary {
  int step = 0;
  std::vector<int> bins;
  std::vector<float> projection, mean, weights, means, variances;
};

struct Image {
  int width = 0;
  int height = 0;
  std::vector<float> grey;
};

template <typename T>
bool readInto(std::ifstream& file, std::vector<T>& values, std::size_t count) {
  values.resize(count);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
  return static_cast<bool>(file);
}

bool readVocabulary(std::ifstream& file, Vocabulary& vocabulary) {
  std::vector<int> head;
  if (!readInto(file, head, 3)) return false;
  const auto components = static_cast<std::size_t>(head[0]);
  vocabulary.step = head[2];
  return readInto(file, vocabulary.bins, static_cast<std::size_t>(head[1])) &&
         readInto(file, vocabulary.projection, kLength * kProjected) && readInto(file, vocabulary.mean, kLength) &&
         readInto(file, vocabulary.weights, components) && readInto(file, vocabulary.means, components * kDimensions) &&
         readInto(file, vocabulary.variances, components * kDimensions);
}

bool readImage(std::ifstream& file, Image& image) {
  std::vector<int> size;
  if (!readInto(file, size, 2)) return false;
  image.width = size[0];
  image.height = size[1];
  return readInto(file, image.grey, static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
}

Image mirrored(const Image& image) {
  Image mirror = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      mirror.grey[static_cast<std::size_t>(y * image.width + x)] =
          image.grey[static_cast<std::size_t>(y * image.width + image.width - 1 - x)];
    }
  }
  return mirror;
}

struct Descriptors {
  std::vector<float> values;
  std::vector<float> xy;
};

void denseSift(const Image& image, const Vocabulary& vocabulary, Descriptors& found) {
  std::vector<float> smooth(image.grey.size());
  for (const int bin : vocabulary.bins) {
    const double sigma = std::sqrt(std::max(0.0, bin * bin / 36.0 - 0.25));
    vl_imsmooth_f(smooth.data(), static_cast<vl_size>(image.width), image.grey.data(), static_cast<vl_size>(image.width),
                  static_cast<vl_size>(image.height), static_cast<vl_size>(image.width), sigma, sigma);
    VlDsiftFilter* filter = vl_dsift_new_basic(image.width, image.height, vocabulary.step, bin);
    vl_dsift_set_flat_window(filter, VL_TRUE);
    vl_dsift_process(filter, smooth.data());
    const auto count = static_cast<std::size_t>(vl_dsift_get_keypoint_num(filter));
    const float* descriptors = vl_dsift_get_descriptors(filter);
    const VlDsiftKeypoint* places = vl_dsift_get_keypoints(filter);
    for (std::size_t i = 0; i < count; ++i) {
      float total = 1e-12F;
      for (int k = 0; k < kLength; ++k) total += descriptors[i * kLength + static_cast<std::size_t>(k)];
      for (int k = 0; k < kLength; ++k) {
        found.values.push_back(std::sqrt(descriptors[i * kLength + static_cast<std::size_t>(k)] / total));
      }
      found.xy.push_back(static_cast<float>(places[i].x) / static_cast<float>(image.width) - 0.5F);
      found.xy.push_back(static_cast<float>(places[i].y) / static_cast<float>(image.height) - 0.5F);
    }
    vl_dsift_delete(filter);
  }
}

std::vector<float> projected(const Descriptors& found, const Vocabulary& vocabulary) {
  const std::size_t count = found.xy.size() / 2;
  std::vector<float> samples(count * kDimensions, 0.0F);
  for (std::size_t i = 0; i < count; ++i) {
    float* sample = samples.data() + i * kDimensions;
    for (std::size_t k = 0; k < kLength; ++k) {
      const float value = found.values[i * kLength + k] - vocabulary.mean[k];
      const float* row = vocabulary.projection.data() + k * kProjected;
      for (std::size_t j = 0; j < kProjected; ++j) sample[j] += value * row[j];
    }
    sample[kProjected] = found.xy[2 * i];
    sample[kProjected + 1] = found.xy[2 * i + 1];
  }
  return samples;
}

}  // namespace

int main(int count, char** parameters) {
  if (count != 2) return 2;
  std::ifstream file(parameters[1], std::ios::binary);
  Vocabulary vocabulary;
  if (!readVocabulary(file, vocabulary)) return 1;
  vl_set_num_threads(1);
  const std::size_t components = vocabulary.weights.size();
  std::vector<float> encoding(2 * kDimensions * components);
  Image image;
  while (readImage(file, image)) {
    double siftMs = 0;
    double projectionMs = 0;
    double fisherMs = 0;
    std::size_t descriptors = 0;
    for (const Image& view : {image, mirrored(image)}) {
      Descriptors found;
      auto start = Clock::now();
      denseSift(view, vocabulary, found);
      siftMs += millisecondsSince(start);
      start = Clock::now();
      const std::vector<float> samples = projected(found, vocabulary);
      projectionMs += millisecondsSince(start);
      start = Clock::now();
      vl_fisher_encode(encoding.data(), VL_TYPE_FLOAT, vocabulary.means.data(), kDimensions, components,
                       vocabulary.variances.data(), vocabulary.weights.data(), samples.data(),
                       samples.size() / kDimensions, VL_FISHER_FLAG_IMPROVED);
      fisherMs += millisecondsSince(start);
      descriptors += found.xy.size() / 2;
    }
    std::printf("%.3f %.3f %.3f %zu\n", siftMs, projectionMs, fisherMs, descriptors);
  }
  return 0;
}
