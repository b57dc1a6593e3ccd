// What the machine can do at best: products of tiles, in registers.
#include "kernels/amx/table.h"
#include "kernels/amx/tiles.h"

namespace sparrow::kernels::amx {
namespace {

constexpr TileShapes whole_tiles() {
  TileShapes shapes;
  for (int tile = 0; tile < kTiles; ++tile) shapes.set(tile, kTileLines, kLineBytes);
  return shapes;
}
constexpr TileShapes kWholeTiles = whole_tiles();

}  // namespace

int64_t probe_products(int64_t rounds) {
  const Tiles tiles(kWholeTiles);
  for (int64_t i = 0; i < rounds; ++i) {
    add_bytes<0, 4, 6>();
    add_bytes<1, 4, 7>();
    add_bytes<2, 5, 6>();
    add_bytes<3, 5, 7>();
  }
  return rounds * 4 * kTileLines * kTileLines * kLineBytes;
}

}  // namespace sparrow::kernels::amx
