// A window made around any place has the pixels each band of the octave has there. Exit code 1 on a difference.

#include <algorithm>
#include <cstdio>
#include <vector>

#include "octave.hpp"
#include "images.hpp"
#include "window.hpp"
#include "work.hpp"

namespace {

const edgesift::Work work;

int differences(const edgesift::ScalePlan& plan, const std::vector<edgesift::LevelView>& expected,
                const std::vector<edgesift::LevelView>& actual) {
  int count = 0;
  for (int i = 0; i < plan.storedLevels; ++i)
    for (int y = actual[i].heldRowsBegin; y < actual[i].heldRowsEnd; ++y) {
      if (!expected[i].holdsRows(y, y + 1)) continue;
      const int begin = std::max(actual[i].heldColumnsBegin, expected[i].heldColumnsBegin);
      const int end = std::min(actual[i].heldColumnsEnd, expected[i].heldColumnsEnd);
      for (int x = begin; x < end; ++x)
        count += actual[i].row(y)[x] != expected[i].row(y)[x];
    }
  return count;
}

/// Number of windows that differ, made around places of all the band.
int windowsThatDiffer(const edgesift::ScalePlan& plan, const edgesift::DoubledImage& image, edgesift::Octave& octave) {
  const edgesift::Kernels& kernels = edgesift::kernelsFor(edgesift::bestInstructionSet());
  edgesift::Window window(plan, kernels, work);
  int failures = 0;
  const edgesift::Band band = octave.band();
  for (int row = 0; row < image.rows(); row += 5)
    for (int column = band.begin; column < band.end; column += 23) {
      window.build(image, row, column);
      const int count = differences(plan, octave.levels(), window.levels());
      if (count != 0 && ++failures < 10)
        std::printf("%dx%d at row %d, column %d: %d pixels differ\n", image.columns(), image.rows(), row, column,
                    count);
    }
  return failures;
}

}  // namespace

int main() {
  const edgesift::Kernels& kernels = edgesift::kernelsFor(edgesift::bestInstructionSet());
  const edgesift::ScalePlan plan{edgesift::Parameters{}};
  int failures = 0;
  bool hasSeveralBands = false;
  for (const auto& [width, height] :
       {std::pair{150, 60}, std::pair{9, 11}, std::pair{400, 7}, std::pair{230, 190}, std::pair{1301, 40}}) {
    const images::Grey grey = images::make("texture", width, height, 3);
    const edgesift::DoubledImage image({grey.pixels.data(), width, height, width});
    std::vector<float> memory(edgesift::Octave::floats(plan, image.rows(), image.columns(), true));
    edgesift::Octave octave(plan, kernels, work);
    const int bandColumns = plan.bandColumns(image.columns());
    hasSeveralBands |= bandColumns < image.columns();
    for (int x = 0; x < image.columns(); x += bandColumns) {
      octave.begin(image, {x, std::min(x + bandColumns, image.columns())}, memory.data());
      octave.makeBottom(0);
      octave.makeLevels(0);
      failures += windowsThatDiffer(plan, image, octave);
    }
  }
  if (!hasSeveralBands) std::printf("no image is wider than a band\n");
  return failures == 0 && hasSeveralBands ? 0 : 1;
}
