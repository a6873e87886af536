#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace edgesift::vehicles {

/// Calls work(task) for every task below `tasks`, on that many threads; work must not throw.
template <typename Work>
void inParallel(std::size_t tasks, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t task = next++; task < tasks; task = next++) work(task);
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads && static_cast<std::size_t>(i) < tasks; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
}

}  // namespace edgesift::vehicles
