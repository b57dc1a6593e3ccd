#include "api/identity.h"

#include <filesystem>
#include <mutex>

#include "base/hash.h"

namespace sparrow {
namespace {

std::string file_digest(const OpenedModel& model) {
  constexpr std::string_view kBlob = "sha256-";
  const std::string name = std::filesystem::path(model.stored.model_path).filename();
  if (!model.stored.digest.empty() && name.starts_with(kBlob)) return name.substr(kBlob.size());
  return model.file->sha256();
}

}  // namespace

std::function<Json()> identity_of(const OpenedModel& model) {
  struct Once {
    std::once_flag flag;
    Json identity;
  };
  return [model, once = std::make_shared<Once>()] {
    std::call_once(once->flag, [&] {
      once->identity = {{"model", {{"name", model.name()}, {"sha256", file_digest(model)}}},
                        {"template", {{"sha256", sha256_hex(model.chat_template->source())}}}};
    });
    return once->identity;
  };
}

}  // namespace sparrow
