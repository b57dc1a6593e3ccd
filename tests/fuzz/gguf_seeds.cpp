// Seeds of the GGUF targets: small files that have every value type and tensor type in them.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "tests/support/raw_gguf.h"

namespace sparrow {
namespace {

void write_file(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

std::vector<std::byte> every_value_type() {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  const uint64_t words[4] = {1, 2, 3, 4};
  const auto* data = reinterpret_cast<const std::byte*>(words);
  for (const GgufType type :
       {GgufType::uint8, GgufType::uint16, GgufType::uint32, GgufType::uint64, GgufType::boolean}) {
    const std::string name(gguf_type_name(type));
    if (type != GgufType::boolean) writer.add_entry({name, type, uint64_t{7}});
    writer.add_entry({name + "s", GgufType::array, GgufNumberArray{type, data, 1}});
  }
  for (const GgufType type : {GgufType::int8, GgufType::int16, GgufType::int32, GgufType::int64}) {
    const std::string name(gguf_type_name(type));
    writer.add_entry({name, type, int64_t{-7}});
    writer.add_entry({name + "s", GgufType::array, GgufNumberArray{type, data, 2}});
  }
  for (const GgufType type : {GgufType::float32, GgufType::float64}) {
    const std::string name(gguf_type_name(type));
    writer.add_entry({name, type, 0.5});
    writer.add_entry({name + "s", GgufType::array, GgufNumberArray{type, data, 3}});
  }
  writer.add_bool("bool", true);
  writer.add_strings("words", std::vector<std::string>{"a", "", "bc"});
  return writer.to_bytes();
}

std::vector<std::byte> every_tensor_type(uint32_t alignment) {
  GgufWriter writer;
  writer.set_alignment(alignment);
  for (const Format& format : formats()) {
    const Shape shape = {{format.block_values, 2, 1, 1}, 2};
    writer.add_tensor(format.name, format, shape,
                      std::vector<std::byte>(static_cast<size_t>(2 * format.block_bytes)));
  }
  return writer.to_bytes();
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const std::string folder = std::string(argv[1]) + "/";
  sparrow::write_file(folder + "values", sparrow::every_value_type());
  for (const uint32_t alignment : {1u, 32u, 64u}) {
    sparrow::write_file(folder + "tensors-" + std::to_string(alignment),
                        sparrow::every_tensor_type(alignment));
  }
  sparrow::test_support::RawGguf version2(1, 1, 2);
  version2.key("a", 4).u32(1).tensor("t", {2, 2, 2, 2}, 0, 0).pad_to(32).zeros(64);
  sparrow::write_file(folder + "version-2", version2.data());
  sparrow::test_support::RawGguf newer(1, 0);
  newer.tensor("t", {256}, 16, 0).pad_to(32).zeros(66);
  sparrow::write_file(folder + "unread-type", newer.data());
  return 0;
}
