// Packed products by tiles of bytes. Few rows of x go the way of AVX-512; for many, a panel of 32
// rows of the weight is multiplied with 16 rows of x at a time. The sums of 32 values (or 16, where
// they have a scale of their own) leave the tiles for memory, from where vectors turn them to
// floats and add them up as kernel_table.h says: that takes longer than the tiles, so the sums of
// the next rows are made meanwhile.
#include <cstddef>

#include "kernels/amx/table.h"
#include "kernels/amx/tiles.h"
#include "kernels/avx512/vnni.h"

namespace sparrow::kernels::amx {
namespace {

struct Tiled : avx512::Vnni {
  template <int kSubs, bool kHasMin>
  static void multiply_panel(PanelSums<Tiled>* results, Panel<Tiled, 8>& panel, int groups,
                             const PanelInput& input, int64_t count, Ahead& ahead);
};
using TiledPanel = Panel<Tiled, 8>;

// Tiles 0 and 1 are of x, 2 and 3 of the panel's halves, the others are sums. kSubs scales a group.
template <int kSubs>
constexpr TileShapes panel_shapes() {
  TileShapes shapes;
  for (int x = 0; x < 2; ++x) shapes.set(x, kTileLines, kQuantGroup / kSubs);
  for (int codes = 2; codes < 4; ++codes) shapes.set(codes, kVectors / kSubs, kLineBytes);
  for (int sums = 4; sums < kTiles; ++sums) shapes.set(sums, kTileLines, kLineBytes);
  return shapes;
}
template <int kSubs>
constexpr TileShapes kPanelShapes = panel_shapes<kSubs>();

// Sums of units, stretches of values that share a scale: eight of them, of 16 rows of x.
constexpr int kUnits = 8;
struct UnitSums {
  alignas(64) int32_t values[kUnits][2][kTileLines][kTileRows];
};

// 16 rows of x in the groups whose sums are at hand: as many units.
struct Job {
  const QuantizedBlock* x;
  int64_t row;  // the first, among the results
  int rows;     // at most 16; there are 16 to be read
  int first_group;
};

// One unit of kSubs a group, whose values begin at x, `stride` bytes from row to row: its codes
// begin with vector `vector` of the panel. Neighbours take the two ways in turn, so that one need
// not wait for the other.
template <int kSubs, int kWay>
void multiply_unit(int32_t (&sums)[2][kTileLines][kTileRows], const TiledPanel& panel, int vector,
                   const int8_t* x, int64_t stride) {
  constexpr int kFirst = 4 + 2 * kWay;
  constexpr int64_t kPanelStride = sizeof panel.codes[0][0];
  load_tile<kWay>(x, stride);
  load_tile<2>(panel.codes[0][vector][0], kPanelStride);
  clear_tile<kFirst>();
  add_bytes<kFirst, kWay, 2>();
  load_tile<3>(panel.codes[0][vector][1], kPanelStride);
  clear_tile<kFirst + 1>();
  add_bytes<kFirst + 1, kWay, 3>();
  store_tile<kFirst>(sums[0], kLineBytes);
  store_tile<kFirst + 1>(sums[1], kLineBytes);
}

// Unit number `unit` of a job. Those behind the end of the rows have sums that nobody reads.
template <int kSubs, int kWay>
void multiply_unit_of(UnitSums& sums, const TiledPanel& panel, const Job& job, int unit) {
  const int at = job.first_group * kSubs + unit;
  multiply_unit<kSubs, kWay>(sums.values[unit], panel, at * (kVectors / kSubs),
                             job.x->high + at * (kQuantGroup / kSubs), sizeof(QuantizedBlock));
}

// What lies between units, one half of each: of sums, and of the panel's scales and minimums.
constexpr int64_t kSumsStep = sizeof(UnitSums) / kUnits / sizeof(int32_t);
constexpr int64_t kScalesStep = 2 * kTileRows;

// t of kernel_table.h for kR lines of the sums of a group.
template <int kSubs, int kR>
inline void scaled_sums(__m512 (&t)[kR], const int32_t* sums, const float* scales) {
#pragma GCC unroll 2
  for (int sub = 0; sub < kSubs; ++sub) {
    const __m512 scale = _mm512_load_ps(scales + sub * kScalesStep);
#pragma GCC unroll 8
    for (int r = 0; r < kR; ++r) {
      const int32_t* line = sums + sub * kSumsStep + r * kTileRows;
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(line));
      t[r] = sub == 0 ? _mm512_mul_ps(sum, scale) : _mm512_fmadd_ps(sum, scale, t[r]);
    }
  }
}

// out[r] += v[r] * x[0] of block r; all of them are reached from one pointer.
template <int kR>
inline void add_scaled(__m512 (&out)[kR], const __m512 (&v)[kR], const float* x) {
  constexpr int64_t kBlockFloats = sizeof(QuantizedBlock) / sizeof *x;
#pragma GCC unroll 8
  for (int r = 0; r < kR; ++r)
    out[r] = _mm512_fmadd_ps(v[r], _mm512_set1_ps(x[r * kBlockFloats]), out[r]);
}

// Adds kR lines of a job's sums, from `line` on, to one half of their results. By itself, so that
// the compiler has all registers for it.
template <int kSubs, bool kHasMin, int kR>
[[gnu::noinline]] void add_job(PanelSums<Tiled>* results, const UnitSums& sums,
                               const TiledPanel& panel, const Job& job, int groups, int half,
                               int line) {
  constexpr int64_t kStride = kPanelRows<Tiled>;
  float* result = results[job.row + line] + half * kTileRows;
  const int first = job.first_group * kSubs;
  const int32_t* lines = sums.values[0][half][line];
  const float* scales = panel.scales[first][half];
  const float* mins = panel.mins[first][half];
  const float* x_scales = job.x[line].scales + job.first_group;
  const float* x_sums = value_sums<kSubs>(job.x[line]) + first;
  __m512 out[kR];
#pragma GCC unroll 8
  for (int r = 0; r < kR; ++r) out[r] = _mm512_load_ps(result + r * kStride);
  for (int i = 0; i < groups; ++i) {
    __m512 t[kR];
    scaled_sums<kSubs, kR>(t, lines, scales);
    add_scaled<kR>(out, t, x_scales);
    lines += kSubs * kSumsStep;
    scales += kSubs * kScalesStep;
    ++x_scales;
    if constexpr (kHasMin) {
#pragma GCC unroll 2
      for (int sub = 0; sub < kSubs; ++sub) {
        const __m512 min = _mm512_load_ps(mins);
#pragma GCC unroll 8
        for (int r = 0; r < kR; ++r) t[r] = min;
        add_scaled<kR>(out, t, x_sums);
        mins += kScalesStep;
        ++x_sums;
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kR; ++r) _mm512_store_ps(result + r * kStride, out[r]);
}

// The low bytes of group g of some rows, at most 16, whose numbers among the input's are given.
template <int kSubs>
void add_low_bytes(PanelSums<Tiled>* results, UnitSums& sums, const TiledPanel& panel,
                   const PanelInput& input, int g, const int32_t* rows, int count) {
  alignas(64) int8_t low[kTileLines][kQuantGroup];
  for (int r = 0; r < count; ++r) {
    const LowPlane& plane = input.x.low[input.at(rows[r])];
    __builtin_memcpy(low[r], plane.low + g * kQuantGroup, kQuantGroup);
  }
  for (int sub = 0; sub < kSubs; ++sub) {
    multiply_unit<kSubs, 0>(sums.values[sub], panel, g * kVectors + sub * (kVectors / kSubs),
                            low[0] + sub * (kQuantGroup / kSubs), kQuantGroup);
  }
  for (int r = 0; r < count; ++r) {
    const float scale = input.x.blocks[input.at(rows[r])].scales[g] / 256;
    for (int half = 0; half < 2; ++half) {
      float* result = results[rows[r]] + half * kTileRows;
      __m512 t[1];
      scaled_sums<kSubs, 1>(t, sums.values[0][half][r], panel.scales[g * kSubs][half]);
      const __m512 out = _mm512_fmadd_ps(t[0], _mm512_set1_ps(scale), _mm512_load_ps(result));
      _mm512_store_ps(result, out);
    }
  }
}

// What is left of the codes when their offset is subtracted has a sign, and no correction.
void subtract_offset(TiledPanel& panel) {
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(1 << panel.offset_bits));
  for (auto& vector : panel.codes[0]) {
    for (uint8_t(&half)[kLineBytes] : vector)
      _mm512_store_si512(half, _mm512_sub_epi8(_mm512_load_si512(half), offset));
  }
}

// Rows of x one behind the other, 16 to be read: those of the input, or a copy.
const QuantizedBlock* lines_of(const PanelInput& input, int64_t i, int rows,
                               QuantizedBlock (&copy)[kTileLines]) {
  if (input.indices == nullptr && rows == kTileLines) return input.x.blocks + input.at(i);
  for (int r = 0; r < rows; ++r) copy[r] = input.x.blocks[input.at(i + r)];
  return copy;
}

constexpr int64_t kJobRows = 112;  // of x that are walked at once
static_assert(kJobRows % kTileLines == 0 && kJobRows <= kListedRows);

// Rows [first, end) of the input: the high bytes of all their values.
template <int kSubs, bool kHasMin>
void add_jobs(PanelSums<Tiled>* results, UnitSums (&sums)[2], const TiledPanel& panel, int groups,
              const PanelInput& input, int64_t first, int64_t end, Ahead& ahead) {
  constexpr int kGroupsAtOnce = kUnits / kSubs;
  constexpr int kParts = 4;
  constexpr int kPartLines = 2 * kTileLines / kParts;
  QuantizedBlock copies[2][kTileLines];
  const int turns = (groups + kGroupsAtOnce - 1) / kGroupsAtOnce;  // for each 16 rows
  const int64_t count = (end - first + kTileLines - 1) / kTileLines * turns;
  Job jobs[2];
  for (int64_t n = 0; n <= count; ++n) {
    Job& next = jobs[n % 2];
    const Job& current = jobs[(n + 1) % 2];
    if (n < count) {
      const int64_t row = first + n / turns * kTileLines;
      const int rows = static_cast<int>(end - row < kTileLines ? end - row : kTileLines);
      const int turn = static_cast<int>(n % turns);
      const QuantizedBlock* x =
          turn == 0 ? lines_of(input, row, rows, copies[n / turns % 2]) : current.x;
      next = {x, row, rows, turn * kGroupsAtOnce};
    }
    const int left = groups - current.first_group;
    const int current_groups = left < kGroupsAtOnce ? left : kGroupsAtOnce;
#pragma GCC unroll 1
    for (int part = 0; part < kParts; ++part) {
      ahead.ask();
      if (n < count) {
        multiply_unit_of<kSubs, 0>(sums[n % 2], panel, next, 2 * part);
        multiply_unit_of<kSubs, 1>(sums[n % 2], panel, next, 2 * part + 1);
      }
      const int line = part % 2 * kPartLines;
      if (n > 0 && line < current.rows) {
        const int rest = current.rows - line;
        with_count<kPartLines>(rest < kPartLines ? rest : kPartLines, [&]<int kR>() {
          add_job<kSubs, kHasMin, kR>(results, sums[(n + 1) % 2], panel, current, current_groups,
                                      part / 2, line);
        });
      }
    }
  }
}

template <int kSubs, bool kHasMin>
void Tiled::multiply_panel(PanelSums<Tiled>* results, TiledPanel& panel, int groups,
                           const PanelInput& input, int64_t count, Ahead& ahead) {
  if constexpr (!kHasMin) subtract_offset(panel);
  const Tiles tiles(kPanelShapes<kSubs>);
  UnitSums sums[2];
  ahead.step = ahead.end / ((count + kTileLines - 1) / kTileLines * 4) + 1;
  for (int64_t first = 0; first < count; first += kJobRows) {
    const int64_t end = first + kJobRows < count ? first + kJobRows : count;
    const WideRows wide(input, first, end);
    add_jobs<kSubs, kHasMin>(results, sums, panel, groups, input, first, end, ahead);
    for (int g = 0; g < groups; ++g) {
      for (int i = 0; i < wide.counts[g]; i += kTileLines) {
        const int left = wide.counts[g] - i;
        add_low_bytes<kSubs>(results, sums[0], panel, input, g, wide.rows[g] + i,
                             left < kTileLines ? left : kTileLines);
      }
    }
  }
}

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) { return find_packed_matmul_of<Tiled>(gguf_id); }

}  // namespace sparrow::kernels::amx
