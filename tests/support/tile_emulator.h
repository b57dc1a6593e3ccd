// AMX's tile instructions in software, so that code made of them can be tried on a processor that
// lacks them.
#pragma once

namespace sparrow::test_support {

// From now on this process runs LDTILECFG, STTILECFG, TILERELEASE, TILEZERO, TILELOADD,
// TILELOADDT1, TILESTORED, TDPBSSD, TDPBSUD, TDPBUSD, TDPBUUD and TDPBF16PS as the Intel 64 and
// IA-32 Architectures Software Developer's Manual, volume 2, describes them, by a handler of the
// signal that the processor raises at each. Whatever it would not do on such a processor (a bad
// configuration, shapes that do not fit, an unknown instruction) ends the process with a message.
// Each thread has tiles of its own. x86-64 on Linux only; elsewhere it gives false and does
// nothing.
bool emulate_tiles();

}  // namespace sparrow::test_support
