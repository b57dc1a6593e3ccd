#include "tests/support/tile_emulator.h"

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace sparrow::test_support {
namespace {

constexpr int kTiles = 8;
constexpr int kMostLines = 16;
constexpr int kMostBytes = 64;

struct Tile {
  int lines = 0;
  int bytes = 0;
  uint8_t data[kMostLines][kMostBytes] = {};

  template <typename T>
  T get(int line, int place) const {
    T value;
    std::memcpy(&value, data[line] + place * static_cast<int>(sizeof value), sizeof value);
    return value;
  }
  template <typename T>
  void set(int line, int place, T value) {
    std::memcpy(data[line] + place * static_cast<int>(sizeof value), &value, sizeof value);
  }
};

struct State {
  bool is_configured = false;
  uint8_t config[64] = {};
  Tile tiles[kTiles];
};
thread_local State state;

[[noreturn]] void give_up(const char* why) {
  static const char kIntro[] = "tile emulator: ";
  (void)!write(STDERR_FILENO, kIntro, sizeof kIntro - 1);
  (void)!write(STDERR_FILENO, why, std::strlen(why));
  (void)!write(STDERR_FILENO, "\n", 1);
  std::abort();
}

void require(bool holds, const char* otherwise) {
  if (!holds) give_up(otherwise);
}

// A VEX-coded instruction of the map 0F38 (volume 2, section 2.3).
struct Instruction {
  int prefix = 0;  // 0 none, 1 66, 2 F3, 3 F2
  int opcode = 0;
  bool is_register = false;
  int reg = 0, rm = 0, vvvv = 0;
  uint64_t address = 0;  // of the operand in memory
  uint64_t stride = 0;   // what a tile's lines lie apart
  int length = 0;
};

uint64_t register_value(const ucontext_t& context, int number) {
  static constexpr int kPlaces[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                      REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};
  return static_cast<uint64_t>(context.uc_mcontext.gregs[kPlaces[number]]);
}

Instruction decode(const ucontext_t& context) {
  const auto start = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
  const auto* code = reinterpret_cast<const uint8_t*>(start);
  require(code[0] == 0xc4 && (code[1] & 0x1f) == 2, "not an instruction of tiles");
  require((code[2] & 0x84) == 0, "W and L must be 0");
  Instruction in;
  in.prefix = code[2] & 3;
  in.vvvv = ~(code[2] >> 3) & 15;
  in.opcode = code[3];
  const uint8_t modrm = code[4];
  const bool more_reg = (code[1] & 0x80) == 0;
  const int more_index = (code[1] & 0x40) == 0 ? 8 : 0;
  const int more_base = (code[1] & 0x20) == 0 ? 8 : 0;
  in.reg = (modrm >> 3 & 7) + (more_reg ? 8 : 0);
  in.rm = (modrm & 7) + more_base;
  in.is_register = modrm >> 6 == 3;
  const uint8_t* next = code + 5;
  if (!in.is_register) {
    const int mod = modrm >> 6;
    uint64_t base = 0;
    bool has_wide_displacement = mod == 2;
    if ((modrm & 7) == 4) {
      const uint8_t sib = *next++;
      const int index = (sib >> 3 & 7) + more_index;
      if (index != 4) in.stride = register_value(context, index) << (sib >> 6);
      if ((sib & 7) == 5 && mod == 0) {
        has_wide_displacement = true;
      } else {
        base = register_value(context, (sib & 7) + more_base);
      }
    } else {
      require(in.opcode == 0x49, "a tile in memory needs base and stride");
      if ((modrm & 7) == 5 && mod == 0) {
        int32_t displacement;
        std::memcpy(&displacement, next, 4);
        next += 4;
        base = reinterpret_cast<uint64_t>(next) + static_cast<uint64_t>(int64_t{displacement});
      } else {
        base = register_value(context, in.rm);
      }
    }
    if (mod == 1) {
      base += static_cast<uint64_t>(int64_t{static_cast<int8_t>(*next++)});
    } else if (has_wide_displacement) {
      int32_t displacement;
      std::memcpy(&displacement, next, 4);
      next += 4;
      base += static_cast<uint64_t>(int64_t{displacement});
    }
    in.address = base;
  }
  in.length = static_cast<int>(reinterpret_cast<uint64_t>(next) - start);
  return in;
}

void configure(uint64_t address) {
  uint8_t config[64];
  std::memcpy(config, reinterpret_cast<const void*>(address), sizeof config);
  state = State{};
  if (config[0] == 0) return;
  require(config[0] == 1, "palette must be 1");
  for (int i = 2; i < 16; ++i) require(config[i] == 0, "reserved bytes must be 0");
  for (int i = kTiles; i < 16; ++i) {
    require(config[16 + 2 * i] == 0 && config[17 + 2 * i] == 0 && config[48 + i] == 0,
            "there are 8 tiles");
  }
  for (int i = 0; i < kTiles; ++i) {
    Tile& tile = state.tiles[i];
    tile.bytes = config[16 + 2 * i] + 256 * config[17 + 2 * i];
    tile.lines = config[48 + i];
    require(tile.bytes <= kMostBytes && tile.lines <= kMostLines,
            "a tile has 16 lines of 64 bytes");
    require((tile.bytes == 0) == (tile.lines == 0), "a tile without lines has no bytes");
  }
  std::memcpy(state.config, config, sizeof config);
  state.is_configured = true;
}

Tile& tile_of(int number) {
  require(number < kTiles, "there are 8 tiles");
  Tile& tile = state.tiles[number];
  require(tile.lines > 0, "this tile has no shape");
  return tile;
}

void move(const Instruction& in) {
  Tile& tile = tile_of(in.reg);
  if (in.prefix != 2) std::memset(tile.data, 0, sizeof tile.data);
  for (int line = 0; line < tile.lines; ++line) {
    void* memory = reinterpret_cast<void*>(in.address + static_cast<uint64_t>(line) * in.stride);
    const auto bytes = static_cast<size_t>(tile.bytes);
    if (in.prefix == 2) {
      std::memcpy(memory, tile.data[line], bytes);
    } else {
      std::memcpy(tile.data[line], memory, bytes);
    }
  }
}

// Clears what lies behind the sums, as every product does.
template <typename Multiply>
void for_each_sum(const Instruction& in, const Multiply& multiply) {
  Tile& sums = tile_of(in.reg);
  const Tile& a = tile_of(in.rm);
  const Tile& b = tile_of(in.vvvv);
  require(in.reg != in.rm && in.reg != in.vvvv && in.rm != in.vvvv, "three different tiles");
  require(a.bytes % 4 == 0 && b.bytes % 4 == 0, "four bytes are one column");
  require(a.lines == sums.lines && b.bytes == sums.bytes && a.bytes / 4 == b.lines,
          "shapes that do not fit");
  Tile result;
  result.lines = sums.lines;
  result.bytes = sums.bytes;
  for (int i = 0; i < sums.lines; ++i) {
    for (int j = 0; j < sums.bytes / 4; ++j) multiply(a, b, sums, result, i, j);
  }
  sums = result;
}

void multiply_bytes(const Instruction& in) {
  const bool a_has_sign = in.prefix == 3 || in.prefix == 2;
  const bool b_has_sign = in.prefix == 3 || in.prefix == 1;
  const auto value = [](uint8_t byte, bool has_sign) {
    return has_sign ? int32_t{static_cast<int8_t>(byte)} : int32_t{byte};
  };
  for_each_sum(in, [&](const Tile& a, const Tile& b, const Tile& sums, Tile& out, int i, int j) {
    auto sum = sums.get<uint32_t>(i, j);
    for (int k = 0; k < a.bytes; ++k) {
      const int32_t product = value(a.get<uint8_t>(i, k), a_has_sign) *
                              value(b.get<uint8_t>(k / 4, 4 * j + k % 4), b_has_sign);
      sum += static_cast<uint32_t>(product);
    }
    out.set(i, j, sum);
  });
}

float without_denormals(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value;
}

void multiply_pairs(const Instruction& in) {
  const auto number = [](uint16_t bits) {
    return without_denormals(std::bit_cast<float>(uint32_t{bits} << 16));
  };
  for_each_sum(in, [&](const Tile& a, const Tile& b, const Tile& sums, Tile& out, int i, int j) {
    float both[2] = {};
    for (int k = 0; k < a.bytes / 2; ++k) {
      float& sum = both[k % 2];
      sum = without_denormals(std::fma(number(a.get<uint16_t>(i, k)),
                                       number(b.get<uint16_t>(k / 2, 2 * j + k % 2)), sum));
    }
    const float total = without_denormals(both[0] + both[1]);
    out.set(i, j, without_denormals(without_denormals(sums.get<float>(i, j)) + total));
  });
}

void run(const Instruction& in) {
  if (in.opcode == 0x49 && in.prefix == 0 && !in.is_register) return configure(in.address);
  if (in.opcode == 0x49 && in.prefix == 1 && !in.is_register) {
    std::memcpy(reinterpret_cast<void*>(in.address), state.config, sizeof state.config);
    return;
  }
  if (in.opcode == 0x49 && in.prefix == 0 && in.is_register && in.reg == 0 && in.rm == 0) {
    state = State{};
    return;
  }
  require(state.is_configured, "tiles without a configuration");
  if (in.opcode == 0x49 && in.prefix == 3 && in.is_register) {
    std::memset(tile_of(in.reg).data, 0, sizeof(Tile::data));
    return;
  }
  if (in.opcode == 0x4b && in.prefix != 0 && !in.is_register) return move(in);
  if (in.opcode == 0x5e && in.is_register) return multiply_bytes(in);
  if (in.opcode == 0x5c && in.prefix == 2 && in.is_register) return multiply_pairs(in);
  give_up("not an instruction of tiles");
}

void on_illegal_instruction(int, siginfo_t*, void* raw_context) {
  auto& context = *static_cast<ucontext_t*>(raw_context);
  const Instruction in = decode(context);
  run(in);
  context.uc_mcontext.gregs[REG_RIP] += in.length;
}

}  // namespace

bool emulate_tiles() {
  struct sigaction action = {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  return sigaction(SIGILL, &action, nullptr) == 0;
}

}  // namespace sparrow::test_support

#else

namespace sparrow::test_support {
bool emulate_tiles() { return false; }
}  // namespace sparrow::test_support

#endif
