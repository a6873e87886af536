#pragma once

namespace edgesift::addon {

/// Makes glibc's malloc keep the memory that a job has freed, for the next job. By default, malloc returns blocks of 128 KiB
/// and more to the kernel, which then clears and maps each page of the next block. In a virtual machine, this took up to a fifth
/// of a job's time. The setting is for the whole process. Later calls change nothing, nor does any call with another C library.
///
/// A thread keeps at most 64 MiB. glibc itself chooses these thresholds after it has freed a block of 32 MiB (mallopt(3)).
void keepFreedMemory() noexcept;

}  // namespace edgesift::addon
