# Cross-compiles for AArch64 with Debian's g++-aarch64-linux-gnu; qemu-aarch64 runs the result.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
