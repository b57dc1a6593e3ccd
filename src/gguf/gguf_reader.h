// Puts a GgufFile together from the parts of a model: one file, or several that must fit together.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gguf/gguf_file.h"
#include "gguf/part.h"
#include "gguf/split_name.h"

namespace sparrow {

// Used once, by one thread.
class GgufReader {
 public:
  explicit GgufReader(const std::string& path);

  std::shared_ptr<const GgufFile> open();
  std::shared_ptr<const GgufFile> parse(std::span<const std::byte> bytes);

 private:
  void open_all_parts(uint64_t count);
  void open_part(const gguf::SplitName& name, uint64_t number);
  void check_part(const gguf::Part& part, const std::string& path, uint64_t number,
                  uint64_t count) const;
  std::optional<uint64_t> split_tensor_count() const;  // what the first part says
  void add_tensors(const gguf::Part& part, const std::string& path);

  std::shared_ptr<GgufFile> file_;
};

}  // namespace sparrow
