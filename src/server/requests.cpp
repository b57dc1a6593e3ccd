#include "server/requests.h"

namespace sparrow {

std::unique_ptr<Requests::Ticket> Requests::admit(RunningRequest request,
                                                  std::function<void()> cancel,
                                                  std::function<void()> tick) {
  const std::scoped_lock lock(mutex_);
  if (static_cast<int64_t>(entries_.size()) >= limit_) return nullptr;
  const int64_t number = next_number_++;
  entries_.emplace(number, Entry{std::move(request), std::move(cancel), std::move(tick)});
  return std::make_unique<Ticket>(*this, number);
}

std::vector<RunningRequest> Requests::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<RunningRequest> requests;
  for (const auto& [number, entry] : entries_) requests.push_back(entry.request);
  return requests;
}

template <typename IsMeant>
std::vector<std::function<void()>> Requests::callbacks(std::function<void()> Entry::*which,
                                                       const IsMeant& is_meant) const {
  std::vector<std::function<void()>> found;
  const std::scoped_lock lock(mutex_);
  for (const auto& [number, entry] : entries_)
    if (entry.*which && is_meant(entry.request)) found.push_back(entry.*which);
  return found;
}

int64_t Requests::cancel(const std::string& id, const std::string& key_name) {
  const auto due = callbacks(&Entry::cancel, [&](const RunningRequest& request) {
    return request.id == id && (key_name.empty() || request.key_name == key_name);
  });
  for (const auto& cancel : due) cancel();
  return static_cast<int64_t>(due.size());
}

int64_t Requests::count() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<int64_t>(entries_.size());
}

void Requests::tick_all() {
  for (const auto& tick : callbacks(&Entry::tick, [](const auto&) { return true; })) tick();
}

void Requests::end_all() {
  for (const auto& cancel : callbacks(&Entry::cancel, [](const auto&) { return true; })) cancel();
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return entries_.empty(); });
}

void Requests::remove(int64_t number) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(number);
  ended_.notify_all();
}

RunningRequest running_request(const http::Request& request, std::string model) {
  return {.id = request.id,
          .path = request.path,
          .model = std::move(model),
          .key_name = request.key_name,
          .received_at = request.received_at};
}

http::Failure too_many_requests() {
  return {.status = 503,
          .message = "server busy, please try again.  maximum pending requests exceeded"};
}

}  // namespace sparrow
