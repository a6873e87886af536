// A window made around any place has the pixels the octave has there. Exit code 1 on a difference.

#include <cstdio>
#include <vector>

#include "octave.hpp"
#include "pictures.hpp"
#include "window.hpp"

namespace {

int differences(const edgesift::ScalePlan& plan, const std::vector<edgesift::LevelView>& expected,
                const std::vector<edgesift::LevelView>& actual) {
  int count = 0;
  for (int i = 0; i < plan.storedLevels; ++i)
    for (int y = actual[i].heldRowsBegin; y < actual[i].heldRowsEnd; ++y) {
      if (!expected[i].holdsRows(y, y + 1)) continue;
      for (int x = actual[i].heldColumnsBegin; x < actual[i].heldColumnsEnd; ++x)
        count += actual[i].row(y)[x] != expected[i].row(y)[x];
    }
  return count;
}

}  // namespace

int main() {
  const edgesift::Kernels& kernels = edgesift::kernelsFor(edgesift::bestInstructionSet());
  int failures = 0;
  for (const auto& [width, height] : {std::pair{150, 60}, std::pair{9, 11}, std::pair{400, 7}, std::pair{230, 190}}) {
    const pictures::Grey grey = pictures::make("texture", width, height, 3);
    const edgesift::ScalePlan plan{edgesift::Parameters{}};
    const edgesift::DoubledPicture picture({grey.pixels.data(), width, height, width});
    std::vector<float> memory(edgesift::Octave::floats(plan, picture.rows(), picture.columns(), true));
    edgesift::Octave octave(plan, kernels);
    octave.begin(picture, memory.data());
    octave.makeBottom(0);
    octave.makeLevels(0);
    edgesift::Window window(plan, kernels);
    for (int row = 0; row < picture.rows(); row += 5)
      for (int column = 0; column < picture.columns(); column += 23) {
        window.build(picture, row, column);
        const int count = differences(plan, octave.levels(), window.levels());
        if (count != 0 && ++failures < 10)
          std::printf("%dx%d at row %d, column %d: %d pixels differ\n", width, height, row, column, count);
      }
  }
  return failures == 0 ? 0 : 1;
}
