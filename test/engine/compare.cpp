// Compares the engine with cv::SIFT.
//
//   compare [options] image...
//     --features N --layers N --contrast X --edge X --sigma X   parameters
//     --set NAME        instruction set (default: the best)
//     --kind NAME WxH SEED   a generated image; may be repeated
//     --verbose         lists keypoints without partner
//
// Prints one line of JSON per image. A keypoint's partner is one of the other engine's within 0.05 pixels, 1 %
// of size and 0.5 degrees; each keypoint has at most one.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <opencv2/features2d.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "edgesift/sift.hpp"
#include "images.hpp"

namespace {

struct Reference {
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;
};

Reference referenceFeatures(const cv::Mat& grey, const edgesift::Parameters& p) {
  Reference reference;
  auto sift = cv::SIFT::create(p.features, p.octaveLayers, p.contrastThreshold, p.edgeThreshold, p.sigma);
  sift->detectAndCompute(grey, cv::noArray(), reference.keypoints, reference.descriptors);
  std::vector<int> order(reference.keypoints.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const cv::KeyPoint& k = reference.keypoints[a];
    const cv::KeyPoint& l = reference.keypoints[b];
    return std::make_tuple(-k.response, k.pt.y, k.pt.x, k.size, k.angle, k.octave) <
           std::make_tuple(-l.response, l.pt.y, l.pt.x, l.size, l.angle, l.octave);
  });
  // cv::SIFT keeps all keypoints whose response equals that of the last one selected.
  if (p.features > 0 && order.size() > static_cast<std::size_t>(p.features)) order.resize(p.features);
  Reference sorted;
  for (const int i : order) {
    sorted.keypoints.push_back(reference.keypoints[i]);
    sorted.descriptors.push_back(reference.descriptors.row(i));
  }
  return sorted;
}

struct Comparison {
  std::size_t reference = 0;
  std::size_t engine = 0;
  std::size_t matched = 0;
  std::size_t identicalKeypoints = 0;
  std::size_t identicalDescriptors = 0;
  int greatestDifference = 0;
  std::size_t differBeyondOne = 0;
  std::vector<std::string> unmatched;
};

double angleBetween(double a, double b) {
  const double difference = std::fabs(a - b);
  return std::min(difference, 360 - difference);
}

std::uint64_t cellOf(double x, double y) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(std::floor(x)) + 16) << 32 |
         static_cast<std::uint64_t>(static_cast<std::int64_t>(std::floor(y)) + 16);
}

std::string describe(const char* whose, float x, float y, float size, float angle, float response, int octave) {
  char line[160];
  std::snprintf(line, sizeof line, "%s x=%.3f y=%.3f size=%.3f angle=%.2f response=%.5f octave=%d layer=%d", whose, x,
                y, size, angle, response, static_cast<signed char>(octave & 255), octave >> 8 & 255);
  return line;
}

Comparison compare(const Reference& reference, const edgesift::Features& f) {
  Comparison result;
  result.reference = reference.keypoints.size();
  result.engine = f.count;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> cells;
  for (std::size_t i = 0; i < f.count; ++i) cells[cellOf(f.xy[2 * i], f.xy[2 * i + 1])].push_back(i);
  std::vector<bool> taken(f.count);

  for (std::size_t r = 0; r < reference.keypoints.size(); ++r) {
    const cv::KeyPoint& k = reference.keypoints[r];
    double best = 1e9;
    std::size_t partner = f.count;
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        const auto cell = cells.find(cellOf(k.pt.x + dx, k.pt.y + dy));
        if (cell == cells.end()) continue;
        for (const std::size_t i : cell->second) {
          if (taken[i]) continue;
          const double distance = std::hypot(f.xy[2 * i] - k.pt.x, f.xy[2 * i + 1] - k.pt.y);
          const double turn = angleBetween(f.angle[i], k.angle);
          if (distance > 0.05 || turn > 0.5 || std::fabs(f.size[i] - k.size) > 0.01 * k.size) continue;
          const double cost = distance / 0.05 + turn / 0.5 + std::fabs(f.size[i] - k.size) / (0.01 * k.size);
          if (cost < best) {
            best = cost;
            partner = i;
          }
        }
      }
    if (partner == f.count) {
      result.unmatched.push_back(describe("reference", k.pt.x, k.pt.y, k.size, k.angle, k.response, k.octave));
      continue;
    }
    taken[partner] = true;
    ++result.matched;
    if (f.xy[2 * partner] == k.pt.x && f.xy[2 * partner + 1] == k.pt.y && f.size[partner] == k.size &&
        f.angle[partner] == k.angle && f.response[partner] == k.response && f.octave[partner] == k.octave)
      ++result.identicalKeypoints;
    const float* expected = reference.descriptors.ptr<float>(static_cast<int>(r));
    int difference = 0;
    for (int i = 0; i < 128; ++i)
      difference = std::max(difference, std::abs(static_cast<int>(expected[i]) - f.descriptors[128 * partner + i]));
    if (difference == 0) ++result.identicalDescriptors;
    if (difference > 1) ++result.differBeyondOne;
    result.greatestDifference = std::max(result.greatestDifference, difference);
  }
  for (std::size_t i = 0; i < f.count; ++i)
    if (!taken[i])
      result.unmatched.push_back(describe("engine", f.xy[2 * i], f.xy[2 * i + 1], f.size[i], f.angle[i], f.response[i],
                                          f.octave[i]));
  return result;
}

void print(const std::string& name, const cv::Mat& grey, const Comparison& c) {
  std::printf(
      "{\"image\":\"%s\",\"width\":%d,\"height\":%d,\"reference\":%zu,\"engine\":%zu,\"matched\":%zu,"
      "\"identicalKeypoints\":%zu,\"identicalDescriptors\":%zu,\"greatestDifference\":%d,\"differBeyondOne\":%zu}\n",
      name.c_str(), grey.cols, grey.rows, c.reference, c.engine, c.matched, c.identicalKeypoints,
      c.identicalDescriptors, c.greatestDifference, c.differBeyondOne);
}

edgesift::InstructionSet setByName(const std::string& wanted) {
  using edgesift::InstructionSet;
  for (const InstructionSet set :
       {InstructionSet::portable, InstructionSet::neon, InstructionSet::avx2, InstructionSet::avx512})
    if (wanted == edgesift::name(set)) return set;
  throw std::invalid_argument("no such instruction set: " + wanted);
}

int run(int argc, char** argv) {
  edgesift::Parameters parameters;
  edgesift::InstructionSet set = edgesift::bestInstructionSet();
  bool verbose = false;
  std::vector<std::pair<std::string, cv::Mat>> inputs;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] {
      if (i + 1 >= argc) throw std::invalid_argument(option + " needs a value");
      return std::string(argv[++i]);
    };
    if (option == "--features") parameters.features = std::stoi(value());
    else if (option == "--layers") parameters.octaveLayers = std::stoi(value());
    else if (option == "--contrast") parameters.contrastThreshold = std::stod(value());
    else if (option == "--edge") parameters.edgeThreshold = std::stod(value());
    else if (option == "--sigma") parameters.sigma = std::stod(value());
    else if (option == "--set") set = setByName(value());
    else if (option == "--verbose") verbose = true;
    else if (option == "--kind") {
      const std::string kind = value();
      int width = 0;
      int height = 0;
      if (std::sscanf(value().c_str(), "%dx%d", &width, &height) != 2) throw std::invalid_argument("size is WxH");
      const images::Grey grey = images::make(kind, width, height, static_cast<std::uint32_t>(std::stoul(value())));
      cv::Mat mat(height, width, CV_8U);
      if (!grey.pixels.empty()) std::memcpy(mat.data, grey.pixels.data(), grey.pixels.size());
      inputs.emplace_back(kind, mat);
    } else {
      const cv::Mat colour = cv::imread(option, cv::IMREAD_COLOR);
      if (colour.empty()) throw std::invalid_argument("cannot read " + option);
      cv::Mat grey;
      cv::cvtColor(colour, grey, cv::COLOR_BGR2GRAY);
      inputs.emplace_back(option.substr(option.find_last_of('/') + 1), grey);
    }
  }
  cv::setNumThreads(1);
  edgesift::Extractor extractor(set);
  for (const auto& [name, grey] : inputs) {
    const Reference reference = referenceFeatures(grey, parameters);
    const edgesift::Features features =
        extractor.extract(grey.data, grey.cols, grey.rows, static_cast<std::ptrdiff_t>(grey.step[0]), parameters);
    const Comparison comparison = compare(reference, features);
    print(name, grey, comparison);
    if (verbose)
      for (const std::string& line : comparison.unmatched) std::printf("# %s\n", line.c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
