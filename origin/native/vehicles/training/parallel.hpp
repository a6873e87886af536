#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace edgesift::vehicles {

/// Calls work(task) for every task below `tasks`, on that many threads, or on fewer where no more can be started. After
/// the first exception no further task is begun; when those in work have ended, it is thrown again.
template <typename Work>
void inParallel(std::size_t tasks, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (std::size_t task = next++; task < tasks; task = next++) work(task);
    } catch (...) {
      next = tasks;
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  const std::size_t most = std::min(tasks, static_cast<std::size_t>(std::max(threads, 1)));
  std::vector<std::thread> others;
  others.reserve(most);
  try {
    for (std::size_t i = 1; i < most; ++i) others.emplace_back(run);
  } catch (const std::exception&) {
    // The system has no more threads or memory: those that run do all tasks.
  }
  run();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace edgesift::vehicles
