#pragma once

namespace edgesift::addon {

/// Makes glibc's malloc keep the memory that a job has freed, for the next job. By default, malloc returns blocks of 128 KiB
/// and more to the kernel, which then clears and maps each page of the next block. In a virtual machine, this took up to a fifth
/// of a job's time. The setting is for the whole process. Later calls change nothing, nor does any call with another C library.
///
/// The free end of each arena is kept up to 64 MiB; what is free below a block in use is kept anyway. glibc itself chooses the
/// same thresholds after it has freed a block of 32 MiB (mallopt(3)).
void keepFreedMemory() noexcept;

}  // namespace edgesift::addon
