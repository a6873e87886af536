// Work on several threads: what happens when a task throws, and when no thread can be started.

#include "training/parallel.hpp"

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace {

using edgesift::vehicles::inParallel;

constexpr std::size_t kTasks = 1000;

void require(bool holds, const char* what) {
  if (holds) return;
  std::puts(what);
  std::exit(1);
}

void eachTaskIsDoneOnce(int threads) {
  std::vector<std::atomic<int>> done(kTasks);
  inParallel(kTasks, threads, [&](std::size_t task) { ++done[task]; });
  for (const std::atomic<int>& times : done) require(times == 1, "a task is not done once");
}

void exceptionReachesCaller(int threads, std::size_t failing) {
  std::atomic<std::size_t> begun{0};
  bool isCaught = false;
  try {
    inParallel(kTasks, threads, [&](std::size_t task) {
      ++begun;
      if (task >= failing) throw std::bad_alloc();
    });
  } catch (const std::bad_alloc&) {
    isCaught = true;
  }
  require(isCaught, "the exception is lost");
  require(begun <= failing + static_cast<std::size_t>(threads), "goes on after an exception");
}

/// Without memory for the stack of a thread. Has to come first: the stacks of threads that have ended are used again.
void worksWithoutThreads() {
  rlimit usual{};
  require(getrlimit(RLIMIT_AS, &usual) == 0, "the limit is unknown");
  const rlimit none{1, usual.rlim_max};
  require(setrlimit(RLIMIT_AS, &none) == 0, "the limit cannot be set");
  std::size_t done = 0;
  const std::thread::id caller = std::this_thread::get_id();
  inParallel(kTasks, 4, [&](std::size_t) {
    if (std::this_thread::get_id() == caller) ++done;
  });
  require(done == kTasks, "a thread was started in spite of the limit");
  require(setrlimit(RLIMIT_AS, &usual) == 0, "the limit cannot be lifted");
}

}  // namespace

int main() {
  worksWithoutThreads();
  for (const int threads : {0, 1, 4}) eachTaskIsDoneOnce(threads);
  inParallel(0, 4, [](std::size_t) { require(false, "there is no task"); });
  for (const int threads : {1, 4}) {
    exceptionReachesCaller(threads, 0);
    exceptionReachesCaller(threads, kTasks / 2);
  }
  return 0;
}
