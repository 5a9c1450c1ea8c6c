// Memory that the process holds without using it.
#pragma once

namespace bco {

// What is large, such as a page of a cloud's list, comes from the system and goes back to it as
// soon as it is freed: else the heap keeps it, cut to pieces by what is small and stays. To be
// called at the start of main().
void returnLargeBlocksAtOnce();

// Gives back what is free in the heap. Takes a few milliseconds; thread-safe.
void returnFreeMemory();

// Gives back the parts of the program and its libraries that are as they are on disk. They come
// back as they are needed again, which a third never is: symbols and relocations serve to start.
// Thread-safe.
void returnStartupPages();

}  // namespace bco
