#pragma once

#include <cstddef>
#include <functional>
#include <vector>

/// Wall-clock milliseconds of one call.
double millisecondsOf(const std::function<void()>& work);

/// Milliseconds the calling thread was on a processor during one call: unlike wall-clock time it does not count
/// others' work on a shared machine. Page faults are counted.
double threadMillisecondsOf(const std::function<void()>& work);

double median(std::vector<double> values);

/// Bytes by which the process's resident memory rises, at most, while `work` runs. Linux only; 0 elsewhere.
std::size_t peakBytesOf(const std::function<void()>& work);
