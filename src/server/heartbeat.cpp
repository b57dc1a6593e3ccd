#include "server/heartbeat.h"

namespace sparrow {

std::vector<std::string> Heartbeat::look(std::span<const LoadedModel> models, Time now) {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, Beat> beats;
  std::vector<std::string> hanging;
  for (const LoadedModel& model : models) {
    if (model.stats.running_count + model.stats.waiting_count == 0) continue;
    Beat beat = {model.stats.step_count, now};
    const auto before = beats_.find(model.name);
    if (before != beats_.end() && before->second.step_count == beat.step_count)
      beat.since = before->second.since;
    if (now - beat.since >= kPatience) hanging.push_back(model.name);
    beats[model.name] = beat;
  }
  beats_ = std::move(beats);
  return hanging;
}

}  // namespace sparrow
