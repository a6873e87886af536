// The engine against cv::SIFT and VLFeat, interleaved in one process, one thread each.
//
// Images of the wanted sizes are laid out from those given: the centre of one that is large enough, else as many
// as fit side by side at their own scale. Nothing is enlarged, which would leave fewer keypoints per pixel than a camera
// image of that size has.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "measure.hpp"
#include "implementations.hpp"

namespace {

struct Options {
  bool json = false;
  bool quick = false;
  int runs = 15;
  std::vector<cv::Size> sizes;
  std::vector<std::string> implementations;
  std::vector<std::string> images;
};

constexpr const char* kUsage = R"(usage: bench_sift [options] image...

Measures our engine, cv::SIFT and VLFeat (if it was there at build time) on the same images, in one process, one
thread each, in turns. Images of the wanted sizes are laid out from those given, at their own scale.

  --json            a line of JSON per size instead of a table
  --runs N          rounds of each size, 15 by default; the median is shown
  --size WxH        may be repeated; default 512x512, 1024x1024, 2048x1536, 4096x3072
  --implementation NAME    opencv, avx512, avx2, neon, portable or vlfeat; may be repeated; default: all but portable
  --quick           3 rounds, and no threads
  --help            this text
)";

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] {
      if (i + 1 >= argc) throw std::invalid_argument(option + " needs a value");
      return std::string(argv[++i]);
    };
    if (option == "--json") options.json = true;
    else if (option == "--quick") options.quick = true, options.runs = 3;
    else if (option == "--runs") options.runs = std::stoi(value());
    else if (option == "--implementation") options.implementations.push_back(value());
    else if (option == "--size") {
      cv::Size size;
      if (std::sscanf(value().c_str(), "%dx%d", &size.width, &size.height) != 2)
        throw std::invalid_argument("a size is WxH");
      options.sizes.push_back(size);
    } else options.images.push_back(option);
  }
  if (options.images.empty()) throw std::invalid_argument("which images?");
  if (options.sizes.empty()) options.sizes = {{512, 512}, {1024, 1024}, {2048, 1536}, {4096, 3072}};
  if (options.implementations.empty()) options.implementations = {"opencv", "avx512", "avx2", "neon", "vlfeat"};
  return options;
}

std::vector<cv::Mat> readImages(const std::vector<std::string>& paths) {
  std::vector<cv::Mat> images;
  for (const std::string& path : paths) {
    const cv::Mat grey = cv::imread(path, cv::IMREAD_GRAYSCALE);
    if (grey.empty()) throw std::invalid_argument("cannot read " + path);
    images.push_back(grey);
  }
  return images;
}

/// Fills the image with shelves of images, beginning with the one of that index.
cv::Mat layOut(const std::vector<cv::Mat>& images, cv::Size size, std::size_t first) {
  for (std::size_t i = 0; i < images.size(); ++i) {
    const cv::Mat& p = images[(first + i) % images.size()];
    if (p.cols >= size.width && p.rows >= size.height)
      return p(cv::Rect((p.cols - size.width) / 2, (p.rows - size.height) / 2, size.width, size.height)).clone();
  }
  cv::Mat canvas(size, CV_8U);
  std::size_t next = first;
  for (int y = 0; y < size.height;) {
    int shelf = size.height - y;
    for (int x = 0; x < size.width;) {
      const cv::Mat& p = images[next++ % images.size()];
      if (x == 0) shelf = std::min(p.rows, size.height - y);
      const cv::Rect part(0, 0, std::min(p.cols, size.width - x), std::min(p.rows, shelf));
      // An image lower than its shelf is repeated below.
      for (int dy = 0; dy < shelf; dy += part.height) {
        const int height = std::min(part.height, shelf - dy);
        p(cv::Rect(0, 0, part.width, height)).copyTo(canvas(cv::Rect(x, y + dy, part.width, height)));
      }
      x += part.width;
    }
    y += shelf;
  }
  return canvas;
}

struct Measured {
  std::string name;
  std::size_t keypoints = 0;
  double milliseconds = 0;
  /// Median over the runs of OpenCV's time divided by this one's in the same round.
  double speedUp = 0;
  std::vector<std::pair<std::string, double>> stages;
  std::size_t peakBytes = 0;
  /// Images per second with two threads, as a multiple of one thread's.
  double twoThreads = 0;
};

/// VLFeat takes longer than all others together; a few rounds place it.
constexpr int kPeerRuns = 3;
constexpr std::size_t kPeerPixels = std::size_t{4} << 20;

/// As often as fits into some seconds, at most `most` times and at least once.
int repetitions(double milliseconds, int most) {
  return std::clamp(static_cast<int>(5000 / milliseconds), 1, most);
}

std::vector<Measured> measureSpeed(const Options& options, const cv::Mat& image) {
  std::vector<std::unique_ptr<Implementation>> implementations;
  std::vector<Measured> results;
  for (const std::string& name : options.implementations) {
    if (name == "vlfeat" && image.total() > kPeerPixels) continue;
    std::unique_ptr<Implementation> implementation = makeImplementation(name);
    if (!implementation) continue;
    Measured measured;
    measured.name = name;
    measured.peakBytes = peakBytesOf([&] { measured.keypoints = implementation->extract(image); });
    implementations.push_back(std::move(implementation));
    results.push_back(measured);
  }
  std::vector<std::vector<double>> times(implementations.size());
  for (int run = 0; run < options.runs; ++run)
    for (std::size_t s = 0; s < implementations.size(); ++s) {
      if (run >= kPeerRuns && results[s].name == "vlfeat") continue;
      times[s].push_back(threadMillisecondsOf([&] { implementations[s]->extract(image); }));
    }
  for (std::size_t s = 0; s < implementations.size(); ++s) {
    results[s].milliseconds = median(times[s]);
    if (results[0].name == "opencv") {
      std::vector<double> ratios;
      for (std::size_t run = 0; run < times[s].size(); ++run) ratios.push_back(times[0][run] / times[s][run]);
      results[s].speedUp = median(ratios);
    }
    std::map<std::string, std::vector<double>> stages;
    std::vector<std::string> order;
    for (int run = 0; run < repetitions(results[s].milliseconds, std::min(options.runs, 5)); ++run)
      for (const auto& [stage, time] : implementations[s]->stages(image)) {
        if (run == 0) order.push_back(stage);
        stages[stage].push_back(time);
      }
    for (const std::string& stage : order) results[s].stages.emplace_back(stage, median(stages[stage]));
  }
  return results;
}

/// Wall-clock time of `threads` threads that extract `rounds` images each.
double threadedTime(const std::string& name, const cv::Mat& image, int threads, int rounds) {
  std::vector<std::unique_ptr<Implementation>> implementations;
  for (int t = 0; t < threads; ++t) {
    implementations.push_back(makeImplementation(name));
    implementations.back()->extract(image);
  }
  return millisecondsOf([&] {
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        for (int r = 0; r < rounds; ++r) implementations[t]->extract(image);
      });
    for (std::thread& worker : workers) worker.join();
  });
}

void measureThreads(Measured& measured, const cv::Mat& image, int runs) {
  const int rounds = std::clamp(static_cast<int>(300 / measured.milliseconds), 1, 20);
  std::vector<double> gains;
  for (int run = 0; run < repetitions(measured.milliseconds, std::min(runs, 7)); ++run) {
    const double one = threadedTime(measured.name, image, 1, rounds);
    const double two = threadedTime(measured.name, image, 2, rounds);
    gains.push_back(2 * one / two);
  }
  measured.twoThreads = median(gains);
}

void printJson(const cv::Mat& image, const std::vector<Measured>& results) {
  std::printf("{\"width\":%d,\"height\":%d,\"implementations\":[", image.cols, image.rows);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Measured& m = results[i];
    std::printf("%s{\"name\":\"%s\",\"keypoints\":%zu,\"milliseconds\":%.3f,\"speedUp\":%.3f,\"peakBytes\":%zu,"
                "\"twoThreads\":%.3f,\"stages\":{",
                i ? "," : "", m.name.c_str(), m.keypoints, m.milliseconds, m.speedUp, m.peakBytes, m.twoThreads);
    for (std::size_t s = 0; s < m.stages.size(); ++s)
      std::printf("%s\"%s\":%.3f", s ? "," : "", m.stages[s].first.c_str(), m.stages[s].second);
    std::printf("}}");
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

void printTable(const cv::Mat& image, const std::vector<Measured>& results) {
  const double pixels = static_cast<double>(image.total());
  std::printf("%d x %d (%.1f Mpx)\n", image.cols, image.rows, pixels / 1e6);
  for (const Measured& m : results) {
    std::printf("  %-8s %9.2f ms  %5.2f x opencv  %6zu keypoints", m.name.c_str(), m.milliseconds, m.speedUp,
                m.keypoints);
    std::printf("  %6.1f B/px peak", static_cast<double>(m.peakBytes) / pixels);
    if (m.twoThreads > 0) std::printf("  2 threads: %.2f x", m.twoThreads);
    std::printf("\n          ");
    for (const auto& [stage, time] : m.stages) std::printf(" %s %.2f", stage.c_str(), time);
    std::printf("\n");
  }
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  cv::setNumThreads(1);
  const std::vector<cv::Mat> images = readImages(options.images);
  for (const cv::Size size : options.sizes) {
    const cv::Mat image = layOut(images, size, 0);
    std::vector<Measured> results = measureSpeed(options, image);
    for (Measured& measured : results)
      if (!options.quick && measured.name != "opencv" && measured.name != "vlfeat")
        measureThreads(measured, image, options.runs);
    if (options.json) printJson(image, results);
    else printTable(image, results);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n\n" << kUsage;
    return 2;
  }
}
