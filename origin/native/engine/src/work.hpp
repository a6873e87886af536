#pragma once

#include "edgesift/sift.hpp"

namespace edgesift {

/// What the extraction of one image may still take, and whether its result is still wanted.
class Work {
 public:
  void begin(double operations, const Cancellation& cancellation) noexcept {
    left_ = operations;
    cancellation_ = cancellation;
  }

  /// Throws TooMuchWork when there are not that many operations left, Cancelled.
  void spend(double operations) {
    checkIsWanted();
    left_ -= operations;
    if (left_ < 0) throw TooMuchWork("too many or too large neighbourhoods to look at");
  }

  /// To be called every few milliseconds. Throws Cancelled.
  void checkIsWanted() const {
    cancellation_.throwIfRequested();
  }

 private:
  double left_ = 0;
  Cancellation cancellation_;
};

}  // namespace edgesift
