// A model file that another program cuts short while it is mapped: the pages that are gone raise
// SIGBUS at the next touch. The program then ends in one line, as for any failure of the disk.
#pragma once

namespace sparrow::cli {

// For the rest of the program's life; called once, by main.
void end_in_one_line_when_a_file_shrinks();

}  // namespace sparrow::cli
